"""A function without the values of a tenant: what only they fed goes; whatever else needs them is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import remove_argument, removed
from sessionlint.fixes.source import Function, Source, Statement
from sessionlint.fixes.tenancy_conditions import Conditions, is_store, is_variable, loads, stores
from sessionlint.fixes.tenancy_words import LOGGERS, dropped, without_label
from sessionlint.rules.tenancy import mentions_tenant

Truth = Literal["true", "false", "unknown"]
#: Calls that make another form of a value, and do nothing else.
_CONVERSIONS = frozenset(
    {"UUID", "str", "int", "isinstance", "bool", "len", "strip", "lower", "upper", "replace", "get", "cast", "format",
     "split", "getattr", "hasattr", "startswith", "type", "repr"}
)  # fmt: skip
_OPPOSITE: Mapping[Truth, Truth] = {"true": "false", "false": "true", "unknown": "unknown"}


class Erasing:
    """The moves in one function (None: the module) when the variables in ``names`` hold nothing any more.

    ``conditions`` are the nodes of tenant conditions, which go when they compare with such a variable, and those in
    ``always`` in any case; ``arguments`` of calls go, too; ``entries`` are parts of dictionaries nobody will read, of
    which those in ``dead`` go in any case. ``always_given``: nobody leaves the parameter out.
    """

    def __init__(
        self, context: Context, source: Source, function: Function | None, names: Iterable[str],
        *, conditions: Iterable[cst.CSTNode] = (), always: Iterable[cst.CSTNode] = (),
        arguments: Iterable[cst.Arg] = (), entries: Iterable[cst.CSTNode] = (), dead: Iterable[cst.CSTNode] = (),
        always_given: bool = True,
    ) -> None:  # fmt: skip
        self.names = set(names)
        self.gone: set[cst.CSTNode] = set(arguments)
        self._context = context
        self._source = source
        self._scope: cst.CSTNode = function or source.module
        self._conditions = set(conditions)
        self._arguments = set(arguments)
        self._always = set(always)
        self._entries = set(entries)
        self._dead = set(dead)
        self._always_given = always_given
        self._logs: dict[cst.FormattedString, list[cst.BaseFormattedStringContent]] = {}
        self._operands: dict[cst.BooleanOperation, cst.CSTNode] = {}
        self._elements: dict[cst.DictElement, cst.Dict] = {}
        self._statements: set[cst.CSTNode] = set()
        self.queries = Conditions(source, function)

    # deciding

    def decide(self) -> None:
        """Finds out what goes. Refuses, naming the place, when something that stays needs what is gone."""
        self._check_shared()
        while True:
            reason: CannotFixError | None = None
            known = set(self.names)
            self._forget()
            try:
                for condition in self._conditions:
                    if self._is_told_of(condition):
                        self.queries.drop(condition)
                self._block(self._body(self._scope))
            except CannotFixError as error:
                reason = error
            if self.names == known:
                break
        if reason is not None:
            raise reason
        self._unused()

    def _check_shared(self) -> None:
        for name in sorted(self.names):
            for node in self._source.walk(self._scope):
                if isinstance(node, cst.Global | cst.Nonlocal) and any(i.name.value == name for i in node.names):
                    self._refuse(node, f"{name} is shared with other functions")

    def _forget(self) -> None:
        self.gone = set(self._arguments)
        self._logs, self._operands, self._elements, self._statements = {}, {}, {}, set()
        for entry in self._dead:
            held = self._source.parents[entry]
            if isinstance(entry, cst.DictElement) and isinstance(held, cst.Dict) and self._is_plain(entry.value):
                self._elements[entry] = held
                self.gone.add(entry)
        function = self._scope if isinstance(self._scope, cst.FunctionDef) else None
        self.queries = Conditions(self._source, function)

    def _is_told_of(self, condition: cst.CSTNode) -> bool:
        """Whether a condition compares with a value that goes; with no values given, every condition does."""
        return condition in self._always or any(self._is_use(node) for node in self._source.walk(condition))

    def _is_use(self, node: cst.CSTNode) -> bool:
        return (
            isinstance(node, cst.Name)
            and node.value in self.names
            and is_variable(self._source, node)
            and not is_store(self._source, node)
        )

    @staticmethod
    def _body(holder: cst.CSTNode) -> list[cst.CSTNode]:
        body = holder.body if isinstance(holder, cst.FunctionDef | cst.ClassDef) else holder
        return list(getattr(body, "body", ()))

    # statements: whether one goes

    def _block(self, body: Iterable[cst.CSTNode]) -> bool:
        """Looks at every statement; whether all of them go."""
        going = [self._statement(statement) for statement in body]
        return all(going)

    def _statement(self, statement: cst.CSTNode) -> bool:
        if isinstance(statement, cst.SimpleStatementLine):
            goes = self._simple(statement)
        elif isinstance(statement, cst.If):
            goes = self._if(statement)
        elif isinstance(statement, cst.Try):
            goes = self._try(statement)
        else:
            goes = False
            for part in self._source.walk(statement):
                if isinstance(part, cst.FunctionDef) and any(
                    isinstance(p, cst.Param) and p.name.value in self.names for p in self._source.walk(part.params)
                ):
                    self._refuse(part, f"{part.name.value}() inside has a parameter of the same name")
            for part in _parts(statement):
                if isinstance(part, cst.BaseSuite):
                    self._block(self._body(part))
                else:
                    self._expressions(part)
        if goes:
            self._statements.add(statement)
        return goes

    def _simple(self, line: cst.SimpleStatementLine) -> bool:
        if line in self.queries.statements:
            return True
        only = line.body[0] if len(line.body) == 1 else None
        for target in _targets(only):
            if isinstance(target, cst.Name) and target.value in self.names:
                value = getattr(only, "value", None)
                if len(_targets(only)) > 1 or isinstance(only, cst.AugAssign):
                    self._refuse(line, f"{target.value} is set together with something else")
                if value is not None and not self._is_plain(value):
                    self._refuse(line, f"{target.value} comes from a call that may do more")
                return True
        if any(t in self._dead or (t in self._entries and self._uses(line)) for t in _targets(only)) and only:
            if not self._is_plain(only):
                self._refuse(line, "the value comes from a call that may do more")
            return True
        self._expressions(line)
        if only is None:
            return False
        if only in self.gone:
            return True
        value = getattr(only, "value", None)
        if isinstance(only, cst.Expr) and only.value in self.gone:
            return True
        if isinstance(only, cst.Assign | cst.AnnAssign) and value in self.gone:
            return self._assigned(line, only)
        return False

    def _assigned(self, line: cst.SimpleStatementLine, only: cst.Assign | cst.AnnAssign) -> bool:
        targets = _targets(only)
        if len(targets) == 1 and isinstance(targets[0], cst.Name):
            self.names.add(targets[0].value)
            return True
        self._refuse(line, f"the tenant is kept in {self._source.code(targets[0]).strip()}")
        return False

    def _if(self, statement: cst.If) -> bool:
        self._expressions(statement.test)
        test = statement.test
        truth = self._truth(test) if test in self.gone else None
        if test not in self.gone and not any(op in self._operands for op in self._source.walk(test)):
            empty = self._block(self._body(statement.body))
            rest = self._orelse(statement)
            return empty and rest and self._is_plain(test) and self._is_ours(statement)
        if truth is None:
            self._check_guard(statement)
            self._block(self._body(statement.body))
            self._orelse(statement)
            return False
        return self._decided_if(statement, truth)

    def _decided_if(self, statement: cst.If, truth: Truth) -> bool:
        """An ``if`` that asks only about the tenant: it goes when nothing is left to do in it."""
        if truth == "false" and statement.orelse is None and self._refuses_only(statement.body):
            return True
        empty = self._is_empty(statement.body)
        rest = statement.orelse is None or (
            self._is_empty(statement.orelse.body) if isinstance(statement.orelse, cst.Else) else self._orelse(statement)
        )
        if empty and rest:
            return True
        self._refuse(statement, "what is done here depends on the tenant")
        return False

    def _is_empty(self, suite: cst.BaseSuite) -> bool:
        """Whether nothing but log lines stays in a block."""
        body = self._body(suite)
        return all(self._is_log(line) or self._statement(line) for line in body)

    def _orelse(self, statement: cst.If) -> bool:
        if isinstance(statement.orelse, cst.If):
            return self._if(statement.orelse)
        return statement.orelse is None or self._block(self._body(statement.orelse.body))

    def _check_guard(self, statement: cst.If) -> None:
        """``if not name or not tenant:`` may lose its second half when it only turns bad calls away."""
        if statement.orelse is not None or not self._refuses_only(statement.body):
            self._refuse(statement, "what is done here depends on the tenant")

    def _refuses_only(self, suite: cst.BaseSuite) -> bool:
        """Whether a block raises, or gives back nothing where the tenant was always to be given."""
        *before, last = self._body(suite) or [None]
        if not all(line is not None and (self._is_log(line) or self._statement(line)) for line in before):
            return False
        only = last.body[0] if isinstance(last, cst.SimpleStatementLine) and len(last.body) == 1 else None
        if isinstance(only, cst.Raise):
            return True
        return self._always_given and isinstance(only, cst.Return) and _is_nothing(only.value)

    def _try(self, statement: cst.Try) -> bool:
        plain = statement.orelse is None and statement.finalbody is None
        if self._block(self._body(statement.body)) and plain and self._is_ours(statement):
            return True
        for part in (*statement.handlers, statement.orelse, statement.finalbody):
            if part is not None:
                self._block(self._body(part.body))
        return False

    def _is_ours(self, statement: cst.CSTNode) -> bool:
        """Whether something went from a statement; one that was empty before stays."""
        inside = set(self._source.walk(statement))
        return any(node in inside for node in (*self._statements, *self.queries.statements))

    # expressions: how far up the loss of a value reaches

    def _expressions(self, part: cst.CSTNode) -> None:
        for node in list(self._source.walk(part)):
            if self._is_use(node) and not self._is_covered(node):
                self._climb(node)

    def _is_covered(self, node: cst.CSTNode) -> bool:
        """Whether a use is in something that goes as a whole."""
        return any(n in self.gone or n in self.queries.gone for n in (node, *self._source.ancestors(node)))

    def _climb(self, node: cst.CSTNode) -> None:
        """A value is gone: so is what it only served for."""
        self.gone.add(node)
        parent = self._source.parents[node]
        if isinstance(parent, cst.Arg):
            self._argument(parent)
        elif isinstance(parent, cst.Attribute | cst.Subscript) and parent.value is node:
            self._climb(parent)
        elif isinstance(parent, cst.Call) and parent.func is node:
            self._plain_parent(parent)
        elif isinstance(parent, cst.IfExp | cst.UnaryOperation | cst.Comparison):
            self._computed(parent)
        elif isinstance(parent, cst.BooleanOperation):
            self._operand(parent, node)
        elif isinstance(parent, cst.FormattedStringExpression):
            self._formatted(parent)
        elif isinstance(parent, cst.DictElement) and parent.value is node:
            self._entry(parent)
        elif not isinstance(parent, cst.If | cst.Assign | cst.AnnAssign | cst.Expr):
            self._refuse(node, f"{self._source.code(node).strip()} is still needed")

    def _argument(self, arg: cst.Arg) -> None:
        call = self._source.parents[arg]
        assert isinstance(call, cst.Call)
        if arg in self._arguments:
            return
        if self._is_conversion(call):
            self._plain_parent(call)
            return
        name = self._source.code(call.func).strip()
        self._refuse(call, f"{self._source.code(arg.value).strip()} is passed on to {name}()")

    def _plain_parent(self, parent: cst.BaseExpression) -> None:
        if not self._is_plain(parent):
            self._refuse(parent, f"{self._source.code(parent).strip()} may do more than make a value of the tenant")
        self._climb(parent)

    def _computed(self, parent: cst.BaseExpression) -> None:
        if parent in self.gone:
            return
        if isinstance(parent, cst.Comparison):
            other = parent.comparisons[0].comparator
            plain = isinstance(other, cst.SimpleString) or (isinstance(other, cst.Name) and other.value == "None")
            if len(parent.comparisons) != 1 or not plain:
                self._refuse(parent, "the tenant is compared here; decide by role and ownership first")
        self._plain_parent(parent)

    def _operand(self, parent: cst.BooleanOperation, node: cst.CSTNode) -> None:
        other = parent.right if node is parent.left else parent.left
        if other in self.gone:
            self._climb(parent)
        elif self._is_test(parent) and self._uses(other):
            return  # the other side is looked at in its turn
        elif not self._is_test(parent):
            self._plain_parent(parent)
        elif isinstance(parent.operator, cst.Or) and self._truth(node) == "false":
            self._operands[parent] = node
        else:
            self._refuse(parent, "what is done here depends on the tenant")

    def _uses(self, node: cst.CSTNode) -> bool:
        return any(self._is_use(part) for part in self._source.walk(node))

    def _is_test(self, node: cst.CSTNode) -> bool:
        """Whether only the truth of an expression counts."""
        parent = self._source.parents[node]
        if isinstance(parent, cst.BooleanOperation | cst.UnaryOperation):
            return self._is_test(parent)
        return isinstance(parent, cst.If) or (isinstance(parent, cst.IfExp) and parent.test is node)

    def _formatted(self, value: cst.FormattedStringExpression) -> None:
        text = self._source.parents[value]
        assert isinstance(text, cst.FormattedString)
        holder: cst.CSTNode = self._source.parents[text]
        while isinstance(holder, cst.ConcatenatedString):
            holder = self._source.parents[holder]
        call = self._source.parents[holder] if isinstance(holder, cst.Arg) else None
        if not isinstance(call, cst.Call) or not LOGGERS.search(self._source.code(call.func)):
            self._refuse(value, "the tenant is part of a text that is used")
        parts = list(self._logs.get(text, text.parts))
        left = without_label(parts, next(i for i, part in enumerate(parts) if part is value))
        if left is None:
            self._refuse(value, "the tenant cannot be taken out of the log text by itself")
        self._logs[text] = left or []

    def _entry(self, element: cst.DictElement) -> None:
        held = self._source.parents[element]
        if element not in self._entries or not isinstance(held, cst.Dict):
            self._refuse(element, f"the tenant is kept under {self._source.code(element.key).strip()}")
        else:
            self._elements[element] = held

    def _truth(self, test: cst.CSTNode) -> Truth:
        """What a test of the tenant says when there is one, as there always should have been."""
        if isinstance(test, cst.Name):
            return "true"
        if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
            return _OPPOSITE[self._truth(test.expression)]
        if isinstance(test, cst.Comparison):
            return "true" if isinstance(test.comparisons[0].operator, cst.IsNot | cst.NotEqual) else "false"
        if isinstance(test, cst.BooleanOperation):
            sides = (self._truth(test.left), self._truth(test.right))
            return sides[0] if sides[0] == sides[1] else "unknown"
        return "unknown"

    # what may be left out because it does nothing

    def _is_plain(self, node: cst.CSTNode) -> bool:
        for part in self._source.walk(node):
            if isinstance(part, cst.Await | cst.Yield | cst.NamedExpr | cst.Lambda):
                return False
            if isinstance(part, cst.Call) and not self._is_conversion(part):
                return False
        return True

    def _is_conversion(self, call: cst.Call) -> bool:
        name = call.func.attr.value if isinstance(call.func, cst.Attribute) else self._source.code(call.func).strip()
        if name in _CONVERSIONS:
            return True
        span = self._source.span(call)
        for event in self._context.events(self._source.path, "call"):
            if event.span == span and event.callee is not None:
                callee = event.callee
                return (
                    not callee.is_async
                    and not callee.summary.effects
                    and mentions_tenant(self._context.program, callee.name)
                )
        return False

    def _is_log(self, line: cst.CSTNode) -> bool:
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            return False
        value = getattr(line.body[0], "value", None)
        return (
            isinstance(value, cst.Call)
            and bool(LOGGERS.search(self._source.code(value.func)))
            and all(self._is_plain(arg) for arg in value.args)
        )

    def _unused(self) -> None:
        """Variables that only fed what is gone, back to front."""
        changed = True
        while changed:
            changed = False
            for name in sorted(self._lost()):
                uses = [use for use in loads(self._source, self._scope, name) if not self._is_dropped(use)]
                lines = [self._source.statement(store) for store in stores(self._source, self._scope, name)]
                fresh = [line for line in lines if line not in self._statements]
                if uses or not fresh or not all(self._makes(line, name) for line in lines):
                    continue
                self._statements.update(fresh)
                changed = True
                self._hollow(fresh)

    def _lost(self) -> set[str]:
        roots = [*self.gone, *self.queries.gone, *self._statements]
        found = {n.value for root in roots for n in self._source.walk(root) if isinstance(n, cst.Name)}
        return found - self.names

    def _makes(self, line: Statement, name: str) -> bool:
        only = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
        targets = _targets(only)
        return len(targets) == 1 and isinstance(targets[0], cst.Name) and self._is_plain(only) if only else False

    def _hollow(self, lines: Iterable[cst.CSTNode]) -> None:
        """A ``try`` or ``if`` around lines that went, with nothing left in it, goes, too."""
        for line in lines:
            for outer in self._source.ancestors(line):
                if not isinstance(outer, cst.Try | cst.If) or outer in self._statements:
                    continue
                rest = (outer.orelse, *((outer.finalbody,) if isinstance(outer, cst.Try) else ()))
                test_is_plain = isinstance(outer, cst.Try) or self._is_plain(outer.test)
                if test_is_plain and not any(rest) and all(n in self._statements for n in self._body(outer.body)):
                    self._statements.add(outer)

    def _is_dropped(self, node: cst.CSTNode) -> bool:
        return any(
            n in self.gone or n in self._statements or n in self.queries.gone or n in self.queries.statements
            for n in (node, *self._source.ancestors(node))
        )

    def _refuse(self, node: cst.CSTNode, reason: str) -> None:
        refuse(reason, self._source.path, self._source.line(node))

    # making the moves

    def emit(self, edit: Edit) -> None:
        """Makes the moves that :meth:`decide` found."""
        path = self._source.path
        self.queries.emit(edit)
        for argument in self._arguments:
            call = self._source.parents[argument]
            assert isinstance(call, cst.Call)
            remove_argument(edit, path, call, argument)
        for text, parts in self._logs.items():
            edit.change(path, text, lambda old, parts=parts: old.with_changes(parts=parts))
        for operation, node in self._operands.items():
            left = node is operation.left
            edit.change(path, operation, lambda old, left=left: old.right if left else old.left)
        for held in dict.fromkeys(self._elements.values()):
            gone = [i for i, element in enumerate(held.elements) if element in self._elements]
            edit.change(path, held, lambda old, gone=gone: _without(old, gone))
        speaks = lambda words: mentions_tenant(self._context.program, words)  # noqa: E731
        for statement in {*self._statements, *self.queries.statements}:
            edit.change(path, statement, dropped(speaks))


def _without(old: cst.Dict, gone: list[int]) -> cst.Dict:
    elements = list(old.elements)
    for index in sorted(gone, reverse=True):
        elements = removed(elements, index)
    return old.with_changes(elements=elements)


def _targets(only: cst.CSTNode | None) -> list[cst.BaseExpression]:
    if isinstance(only, cst.Assign):
        return [target.target for target in only.targets]
    return [only.target] if isinstance(only, cst.AnnAssign | cst.AugAssign) else []


def _is_nothing(value: cst.BaseExpression | None) -> bool:
    if isinstance(value, cst.Tuple):
        return all(_is_nothing(element.value) for element in value.elements)
    if isinstance(value, cst.List | cst.Dict):
        return not value.elements
    if isinstance(value, cst.Integer):
        return value.value == "0"
    return value is None or (isinstance(value, cst.Name) and value.value in ("None", "False"))


def _parts(statement: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The expressions and blocks of a compound statement, those of its ``except`` and ``else`` included."""
    from sessionlint.fixes.source import children

    for child in children(statement):
        if isinstance(child, cst.Else | cst.Finally | cst.ExceptHandler | cst.MatchCase):
            yield from _parts(child)
        else:
            yield child
