"""Expressions that held the value of a tenant: how far up its loss reaches, and what refuses it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.source import Source
from sessionlint.fixes.tenancy_conditions import Conditions, is_store, is_variable
from sessionlint.fixes.tenancy_words import LOGGERS, without_label
from sessionlint.program.api import Program
from sessionlint.program.model import FunctionInfo
from sessionlint.rules.tenancy import mentions_tenant

Truth = Literal["true", "false", "unknown"]
#: Calls that make another form of a value, and do nothing else.
_CONVERSIONS = frozenset(
    {"UUID", "str", "int", "isinstance", "bool", "len", "strip", "lower", "upper", "replace", "cast", "format",
     "split", "getattr", "hasattr", "startswith", "type", "repr"}
)  # fmt: skip
_OPPOSITE: Mapping[Truth, Truth] = {"true": "false", "false": "true", "unknown": "unknown"}


class Values:
    """What becomes of the expressions of a function when the variables in ``names`` hold nothing any more.

    ``gone`` are the expressions that go with them, ``logs`` the texts that lose a part, ``operands`` the sides of
    ``or`` and ``elements`` the dictionary entries that are left out.
    """

    def __init__(
        self, context: Context, source: Source, function: cst.FunctionDef | None, names: set[str],
        arguments: Iterable[cst.Arg], entries: set[cst.CSTNode],
    ) -> None:  # fmt: skip
        self.names = names
        self.gone: set[cst.CSTNode] = set(arguments)
        self.logs: dict[cst.FormattedString, list[cst.BaseFormattedStringContent]] = {}
        self.operands: dict[cst.BooleanOperation, cst.CSTNode] = {}
        self.elements: dict[cst.DictElement, cst.Dict] = {}
        self.queries = Conditions(source, function)
        self._context = context
        self._source = source
        self._arguments = set(arguments)
        self._entries = entries

    def is_use(self, node: cst.CSTNode) -> bool:
        """Whether a node reads one of the variables."""
        return (
            isinstance(node, cst.Name)
            and node.value in self.names
            and is_variable(self._source, node)
            and not is_store(self._source, node)
        )

    # expressions: how far up the loss of a value reaches

    def look(self, part: cst.CSTNode) -> None:
        """Follows every use below a node. Refuses, naming the place, when one is needed for what stays."""
        for node in list(self._source.walk(part)):
            if self.is_use(node) and not self._is_covered(node):
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
        elif isinstance(parent, cst.ComparisonTarget):
            self._refuse(parent, "the tenant is compared here; decide by role and ownership first")
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
        if not self.is_plain(parent):
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
        elif self._is_test(parent) and self.uses(other):
            return  # the other side is looked at in its turn
        elif not self._is_test(parent):
            self._plain_parent(parent)
        elif isinstance(parent.operator, cst.Or) and self.truth(node) == "false":
            self.operands[parent] = node
        else:
            self._refuse(parent, "what is done here depends on the tenant")

    def uses(self, node: cst.CSTNode) -> bool:
        """Whether one of the variables is read below a node."""
        return any(self.is_use(part) for part in self._source.walk(node))

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
        parts = list(self.logs.get(text, text.parts))
        left = without_label(parts, next(i for i, part in enumerate(parts) if part is value))
        if left is None:
            self._refuse(value, "the tenant cannot be taken out of the log text by itself")
        self.logs[text] = left or []

    def _entry(self, element: cst.DictElement) -> None:
        held = self._source.parents[element]
        if element not in self._entries or not isinstance(held, cst.Dict):
            self._refuse(element, f"the tenant is kept under {self._source.code(element.key).strip()}")
        else:
            self.elements[element] = held

    def truth(self, test: cst.CSTNode) -> Truth:
        """What a test of the tenant says when there is one, as there always should have been."""
        if isinstance(test, cst.Name):
            return "true"
        if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
            return _OPPOSITE[self.truth(test.expression)]
        if isinstance(test, cst.Comparison):
            return "true" if isinstance(test.comparisons[0].operator, cst.IsNot | cst.NotEqual) else "false"
        if isinstance(test, cst.BooleanOperation):
            sides = (self.truth(test.left), self.truth(test.right))
            return sides[0] if sides[0] == sides[1] else "unknown"
        return "unknown"

    # what may be left out because it does nothing

    def is_plain(self, node: cst.CSTNode) -> bool:
        """Whether an expression only makes a value, so that nothing is lost without it."""
        for part in self._source.walk(node):
            if isinstance(part, cst.Await | cst.Yield | cst.NamedExpr | cst.Lambda):
                return False
            if isinstance(part, cst.Call) and not self._is_conversion(part):
                return False
        return True

    def _is_conversion(self, call: cst.Call) -> bool:
        name = call.func.attr.value if isinstance(call.func, cst.Attribute) else self._source.code(call.func).strip()
        if name == "get":
            # of a dictionary, not of a session or a client
            key = call.args[0].value if call.args else None
            return isinstance(key, cst.SimpleString) and bool(re.fullmatch(r"[\w-]+", str(key.raw_value)))
        if name in _CONVERSIONS:
            return True
        span = self._source.span(call)
        calls = (event for event in self._context.events(self._source.path, "call") if event.span == span)
        return any(converts(self._context.program, event.callee) for event in calls)

    def is_log(self, line: cst.CSTNode) -> bool:
        """Whether a statement only writes to the log."""
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            return False
        value = getattr(line.body[0], "value", None)
        return (
            isinstance(value, cst.Call)
            and bool(LOGGERS.search(self._source.code(value.func)))
            and all(self.is_plain(arg) for arg in value.args)
        )

    def _refuse(self, node: cst.CSTNode, reason: str) -> None:
        refuse(reason, self._source.path, self._source.line(node))


def converts(program: Program, function: FunctionInfo | None) -> bool:
    """Whether a function of the project only makes another form of a tenant id: named so, without any effect."""
    return (
        function is not None
        and not function.is_async
        and not function.summary.effects
        and mentions_tenant(program, function.name)
        and not any(event.kind in ("use", "create", "obtain", "network", "schedule") for event in function.events)
    )
