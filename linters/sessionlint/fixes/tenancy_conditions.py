"""What becomes of a query when one of its conditions goes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import remove_argument, removed
from sessionlint.fixes.source import Function, Source

CHOOSING = frozenset({"where", "filter", "filter_by", "having"})
_SCOPING = "with_loader_criteria"
_WRITING = frozenset({"delete", "update"})
_MAKING = CHOOSING | _WRITING | {"select", "query", "exists", "subquery", "cte", "aliased"}


class Conditions:
    """The conditions of one function that go. :meth:`drop` says of each; :meth:`emit` makes the moves.

    ``gone`` are the expressions and arguments that are left out, ``statements`` those that lose their point.
    """

    def __init__(self, source: Source, function: Function | None) -> None:
        self.source = source
        self.scope: cst.CSTNode = function or source.module
        self.gone: set[cst.CSTNode] = set()
        self.statements: set[cst.CSTNode] = set()
        self._calls: dict[cst.Call, None] = {}
        self._lists: dict[cst.List, None] = {}
        self._sides: dict[cst.BinaryOperation, None] = {}
        #: calls that leave only what they were called on
        self._collapsed: dict[cst.Call, None] = {}

    # deciding

    def drop(self, node: cst.CSTNode) -> None:
        """Notes that a condition goes. Refuses where leaving it out would mean something else."""
        self.gone.add(node)
        parent = self.source.parents[node]
        if isinstance(parent, cst.Arg):
            self._argument(parent)
        elif isinstance(parent, cst.BinaryOperation) and isinstance(parent.operator, cst.BitAnd):
            self._sides[parent] = None
            if parent.left in self.gone and parent.right in self.gone:
                self.drop(parent)
        elif isinstance(parent, cst.Element) and isinstance(self.source.parents[parent], cst.List):
            self._element(parent)
        elif isinstance(parent, cst.Lambda):
            self.drop(parent)
        elif isinstance(parent, cst.Assign) and len(parent.targets) == 1:
            self._named(parent.targets[0].target, parent)
        else:
            self._refuse(node, f"the condition is part of {_kind(parent)}, where leaving it out is not the same")

    def _argument(self, arg: cst.Arg) -> None:
        call = self.source.parents[arg]
        assert isinstance(call, cst.Call)
        name = _called(call)
        self.gone.add(arg)
        if name == "and_":
            self._calls[call] = None
            if all(other in self.gone for other in call.args):
                self.drop(call)
        elif name in CHOOSING or (name == "options" and arg.value in self.gone):
            self._choosing(call, name)
        elif name in ("any", "has") and arg.keyword is not None:
            self._calls[call] = None
        elif name == _SCOPING:
            self.drop(call)
        elif name == "append" and isinstance(call.func, cst.Attribute) and isinstance(call.func.value, cst.Name):
            self._check_list(call.func.value.value, call)
            self.gone.add(call)
            self.statements.add(self.source.statement(call))
        else:
            self._refuse(
                arg, f"the condition is an argument of {name or 'a call'}(), where leaving it out is not the same"
            )

    def _choosing(self, call: cst.Call, name: str) -> None:
        if not isinstance(call.func, cst.Attribute):
            self._refuse(call, f"{name}() is not called on a query")
        left = [arg for arg in call.args if arg not in self.gone]
        if left:
            self._calls[call] = None
        else:
            self._calls.pop(call, None)
            self._collapsed[call] = None
        if name != "options" and all(arg.star for arg in left):
            self._check_writes(call)
        statement = self.source.statement(call)
        only = (
            statement.body[0] if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1 else None
        )
        if isinstance(only, cst.Assign) and self._is_itself(only):
            self.statements.add(statement)

    def _is_itself(self, line: cst.Assign) -> bool:
        """Whether nothing but ``query = query`` is left."""
        value: cst.BaseExpression = line.value
        while isinstance(value, cst.Call) and value in self._collapsed and isinstance(value.func, cst.Attribute):
            value = value.func.value
        target = line.targets[0].target
        return (
            len(line.targets) == 1
            and isinstance(target, cst.Name)
            and isinstance(value, cst.Name)
            and target.value == value.value
        )

    def _element(self, element: cst.Element) -> None:
        held = self.source.parents[element]
        assert isinstance(held, cst.List)
        self.gone.add(element)
        self._lists[held] = None
        holder = self.source.parents[held]
        if isinstance(holder, cst.Arg) and holder.star == "*":
            self._starred(holder, may_be_empty=all(other in self.gone for other in held.elements))
        elif isinstance(holder, cst.Assign | cst.AnnAssign):
            target = holder.target if isinstance(holder, cst.AnnAssign) else holder.targets[0].target
            if not isinstance(target, cst.Name):
                self._refuse(element, "the list of conditions is kept outside the function")
            self._check_list(target.value, element)
        else:
            self._refuse(element, "the list that holds the condition is used in a way that is not understood")

    def _named(self, target: cst.BaseExpression, line: cst.Assign) -> None:
        """``mine = Item.tenant_id == tenant``: every use of the name goes, too."""
        if not isinstance(target, cst.Name):
            self._refuse(line, "the condition is kept outside the function")
        if len(list(stores(self.source, self.scope, target.value))) != 1:
            self._refuse(line, f"{target.value} is not always this condition")
        self.statements.add(self.source.statement(line))
        for use in loads(self.source, self.scope, target.value):
            self.drop(use)

    # what a query without the condition would do

    def _check_list(self, name: str, at: cst.CSTNode) -> None:
        kept_always = False
        for store in stores(self.source, self.scope, name):
            line = self.source.parents[store]
            line = self.source.parents[line] if isinstance(line, cst.AssignTarget) else line
            value = getattr(line, "value", None)
            if not isinstance(value, cst.List):
                self._refuse(at, f"what the list {name} holds is not written in this function")
            kept_always = any(element not in self.gone for element in value.elements)
        uses = list(loads(self.source, self.scope, name))
        for use in uses:
            parent = self.source.parents[use]
            if isinstance(parent, cst.Arg) and parent.star == "*":
                self._starred(parent, may_be_empty=not kept_always)
            elif not (
                isinstance(parent, cst.Attribute) and parent.attr.value in ("append", "extend")
            ) and not isinstance(parent, cst.If | cst.IfExp):
                self._refuse(use, f"the list of conditions {name} is used in other ways, too")

    def _starred(self, arg: cst.Arg, *, may_be_empty: bool) -> None:
        call = self.source.parents[arg]
        assert isinstance(call, cst.Call)
        name = _called(call)
        if name not in CHOOSING and name != "and_":
            self._refuse(call, f"the conditions go to {name or 'a call'}(), where leaving one out is not the same")
        if may_be_empty and name == "and_":
            self._refuse(call, "and_() would be called without a condition")
        if may_be_empty:
            self._check_writes(call)

    def _check_writes(self, call: cst.Call) -> None:
        """A call that chooses rows loses its last certain condition: nothing must be written through it."""
        seen: set[str] = set()
        pending: list[cst.CSTNode] = [call]
        while pending:
            node = pending.pop()
            parts = list(self._chain(node))
            first = next((part for part in reversed(parts) if isinstance(part, cst.Call)), None)
            if first is not None and _called(first) not in _MAKING and not self._is_variable(_root(first)):
                self._refuse(first, f"the query is made by {_called(first) or 'a call'}(), which may delete or update")
            for part in parts:
                if isinstance(part, cst.Call) and _called(part) in _WRITING:
                    if not self._chosen_elsewhere(part, call):
                        self._refuse(part, f"without the condition, the {_called(part)} would reach every row")
                elif isinstance(part, cst.Name) and part.value not in seen:
                    seen.add(part.value)
                    pending += self._made_of(part, call)

    def _made_of(self, query: cst.Name, call: cst.Call) -> Iterator[cst.CSTNode]:
        """Where the query under a name comes from, and what becomes of it."""
        made = list(stores(self.source, self.scope, query.value))
        root = _root(call)
        if not made and isinstance(root, cst.Name) and root.value == query.value and self._is_parameter(query.value):
            self._refuse(call, f"the query {query.value} is made elsewhere; it may delete or update")
        for store in made:
            line = self.source.around(store, cst.BaseSmallStatement)  # type: ignore[type-abstract]
            value = getattr(line, "value", None)
            if isinstance(value, cst.CSTNode):
                yield value
        for use in loads(self.source, self.scope, query.value):
            parent = self.source.parents[use]
            if isinstance(parent, cst.Attribute) and parent.value is use:
                yield use

    def _chain(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The calls of a method chain around and below a node, its root, and the name it is kept under."""
        current: cst.CSTNode = node
        while isinstance(self.source.parents.get(current), cst.Attribute | cst.Call):
            parent = self.source.parents[current]
            if (isinstance(parent, cst.Attribute) and parent.value is not current) or (
                isinstance(parent, cst.Call) and parent.func is not current
            ):
                break
            current = parent
        holder = self.source.parents.get(current)
        if isinstance(holder, cst.Assign):
            yield from (target.target for target in holder.targets if isinstance(target.target, cst.Name))
        while isinstance(current, cst.Call | cst.Attribute | cst.Await):
            yield current
            if isinstance(current, cst.Call):
                current = current.func
            elif isinstance(current, cst.Attribute):
                current = current.value
            else:
                current = current.expression
        if isinstance(current, cst.Name):
            yield current

    def _chosen_elsewhere(self, writing: cst.Call, call: cst.Call) -> bool:
        """Whether another condition always holds for a write: in the same chain, below or above."""
        return any(
            isinstance(part, cst.Call)
            and part is not call
            and _called(part) in CHOOSING
            and any(arg not in self.gone and not arg.star for arg in part.args)
            for part in self._chain(writing)
        )

    def _is_variable(self, root: cst.CSTNode) -> bool:
        if not isinstance(root, cst.Name):
            return False
        return self._is_parameter(root.value) or any(stores(self.source, self.scope, root.value))

    def _is_parameter(self, name: str) -> bool:
        return isinstance(self.scope, cst.FunctionDef) and any(
            isinstance(node, cst.Param) and node.name.value == name for node in self.source.walk(self.scope.params)
        )

    def _refuse(self, node: cst.CSTNode, reason: str) -> NoReturn:
        refuse(reason, self.source.path, self.source.line(node))

    # making the moves

    def emit(self, edit: Edit) -> None:
        """Makes the moves that were decided, but for the statements, which are the caller's to remove."""
        path = self.source.path
        for call in self._collapsed:
            edit.change(path, call, lambda old: in_place_of(old, old.func.value))
        for call in self._calls:
            if call in self.gone:
                continue
            left = [arg for arg in call.args if arg not in self.gone]
            if _called(call) == "and_" and len(left) == 1 and not left[0].star:
                kept = call.args.index(left[0])
                edit.change(path, call, partial(_argument_alone, at=kept))
                continue
            for arg in call.args:
                if arg in self.gone:
                    remove_argument(edit, path, call, arg)
        for held in self._lists:
            gone = [index for index, element in enumerate(held.elements) if element in self.gone]
            edit.change(path, held, partial(_shorter, gone=gone))
        for sides in self._sides:
            if sides not in self.gone:
                edit.change(path, sides, partial(one_side, right=sides.left in self.gone))


def in_place_of(old: Any, part: Any) -> Any:
    """A part of an expression in its place: within its parentheses, which may hold line breaks together."""
    return part.with_changes(lpar=[*old.lpar, *part.lpar], rpar=[*part.rpar, *old.rpar])


def one_side(old: Any, *, right: bool) -> Any:
    """The right (or left) operand of an operation in its place."""
    return in_place_of(old, old.right if right else old.left)


def _argument_alone(old: cst.Call, *, at: int) -> Any:
    return in_place_of(old, old.args[at].value)


def _shorter(old: cst.List, gone: list[int]) -> cst.List:
    elements = list(old.elements)
    for index in sorted(gone, reverse=True):
        elements = removed(elements, index)
    return old.with_changes(elements=elements)


def _called(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _root(call: cst.CSTNode) -> cst.CSTNode:
    current: cst.CSTNode = call
    while isinstance(current, cst.Call | cst.Attribute):
        current = current.func if isinstance(current, cst.Call) else current.value
    return current


def _kind(node: cst.CSTNode) -> str:
    if isinstance(node, cst.BinaryOperation):
        return "an or"
    if isinstance(node, cst.UnaryOperation):
        return "its own opposite"
    if isinstance(node, cst.Return | cst.Yield):
        return "what the function gives back"
    return "a larger expression"


def loads(source: Source, scope: cst.CSTNode, name: str) -> Iterator[cst.Name]:
    """The places below ``scope`` that read a name."""
    return (node for node in names(source, scope, name) if not is_store(source, node))


def stores(source: Source, scope: cst.CSTNode, name: str) -> Iterator[cst.Name]:
    """The places below ``scope`` that give a name a value; parameters are none."""
    return (node for node in names(source, scope, name) if is_store(source, node))


def names(source: Source, scope: cst.CSTNode, name: str) -> Iterator[cst.Name]:
    """Every mention of a variable: not attributes, keywords or parameters of that name."""
    for node in source.walk(scope):
        if isinstance(node, cst.Name) and node.value == name and is_variable(source, node):
            yield node


def is_variable(source: Source, node: cst.Name) -> bool:
    """Whether a name is a variable's: not that of an attribute, a keyword, a parameter or a definition."""
    parent = source.parents[node]
    if isinstance(parent, cst.Attribute):
        return parent.attr is not node
    if isinstance(parent, cst.Arg):
        return parent.keyword is not node
    if isinstance(parent, cst.Param):
        return parent.name is not node
    return not isinstance(parent, cst.FunctionDef | cst.ClassDef | cst.ImportAlias)


def is_store(source: Source, node: cst.Name) -> bool:
    """Whether a variable is given a value here."""
    parent = source.parents[node]
    if isinstance(parent, cst.AnnAssign | cst.AugAssign | cst.For | cst.CompFor | cst.NamedExpr):
        return parent.target is node
    return isinstance(parent, cst.AssignTarget | cst.AsName)
