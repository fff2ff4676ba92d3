"""Dependencies that let go on who brings nothing along, and give nobody: ``if not token: return None``."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import headers
from sessionlint.program.model import FunctionInfo
from sessionlint.rules.walking import own_nodes_below

#: What catches whatever a function that wants a caller raises.
_BROAD: Final = frozenset({"Exception", "BaseException", "HTTPException", "StarletteHTTPException"})
#: Methods and functions that refuse nobody.
_PLAIN: Final = frozenset({
    "get", "split", "strip", "partition", "removeprefix", "replace", "startswith", "lower", "debug", "info", "len",
    "str", "bool", "print", "getattr", "isinstance",
})  # fmt: skip


def gives_nobody(function: FunctionInfo, optional: Set[str]) -> bool:
    """Whether a function can be seen to come to its end for a request without credentials.

    ``optional`` are the parameters that are ``None`` then, besides headers and cookies that may be missing.
    """
    if function.is_generator or function.decorator_values:
        return False
    absent = optional | {p[0] for p in function.params if _is_header(function, p[0]) and _is_none(p[3])}
    body = ir.body_of(function.facts)
    nodes = list(own_nodes_below(body))
    absent |= {t[2] for n in nodes if n[0] == "=" and len(n) == 4 and _looks_up(n[3]) for t in n[2] if t[0] == "n"}
    refusing = {
        e.span
        for e in function.events
        if e.kind == "raise" or (e.kind == "call" and e.callee and any(i.kind == "raise" for i in e.callee.events))
    }
    return _Reading(absent, refusing).goes_on(body, False)


def mentions(function: FunctionInfo, name: str) -> bool:
    """Whether a function's body says a name."""
    return any(n[0] == "n" and len(n) == 3 and n[2] == name for n in _all_below(ir.body_of(function.facts)))


def _all_below(node: Any) -> list[Any]:
    """The names anywhere below a node, in inner functions as well."""
    found: list[Any] = []
    pending = [node]
    while pending:
        current = pending.pop()
        if type(current) is tuple and current:
            if current[0] == "n":
                found.append(current)
            pending.extend(current)
    return found


class _Reading:
    """One function: the names that hold nothing without credentials, and the places where it may refuse."""

    def __init__(self, absent: Set[str], refusing: Set[ir.Span4]) -> None:
        self.absent = absent
        self.refusing = refusing

    def goes_on(self, block: tuple[ir.Stmt, ...], asked: bool) -> bool:
        """Whether the end is reached without credentials; ``asked``: the code has looked whether there are any."""
        for index, statement in enumerate(block):
            op, rest = statement[0], block[index + 1 :]
            if op == "I":
                if self._is_missing(statement[2]):
                    return self.goes_on((*statement[3], *rest), True)
                if self._is_there(statement[2]):
                    return self.goes_on((*statement[4], *rest), True)
            if op == "R":
                return self._gives(statement[2], asked)
            if op == "T":
                return self._gives_up(statement)
            if not self._is_harmless(statement):
                return False
        return asked

    def _gives(self, value: ir.Expr | None, asked: bool) -> bool:
        if value is None or value[0] == "k":
            return asked
        if self._is_absent(value):
            return True
        if value[0] == "n":
            return asked
        if value[0] == "q":
            there = self._is_there(value[2])
            return (there and _is_nothing(value[4])) or (self._is_missing(value[2]) and _is_nothing(value[3]))
        if value[0] == "o":
            return bool(value[2] == "and" and self._is_absent(value[3][0]))
        made = value[0] == "c" and value[2][0] == "n" and not value[3] and not value[4]
        return asked and made and bool(value[2][2][:1].isupper())

    def _gives_up(self, attempt: ir.Stmt) -> bool:
        """``try: …`` with nothing but ``except Exception: return None``."""
        return bool(attempt[3]) and all(
            _catches_all(handler[1]) and handler[3] and handler[3][-1][0] == "R" and _is_nothing(handler[3][-1][2])
            for handler in attempt[3]
        )

    def _is_harmless(self, statement: ir.Stmt) -> bool:
        if statement[0] not in ("E", "=", ":", "I"):
            return False
        place = statement[1]
        if any(place[:2] <= span[:2] and span[2:] <= place[2:] for span in self.refusing):
            return False
        calls = (n for n in own_nodes_below((statement,)) if n[0] == "c" and len(n) == 5 and type(n[1]) is tuple)
        return all(call[2][-1] in _PLAIN for call in calls)

    def _is_missing(self, test: ir.Expr) -> bool:
        if test[0] == "u":
            return bool(test[2] == "not" and self._is_absent(test[3]))
        if test[0] == "o":
            return any(self._is_missing(part) for part in test[3]) if test[2] == "or" else self._all_missing(test[3])
        return _compares_none(test, "is", "==") and self._is_absent(test[2])

    def _all_missing(self, parts: tuple[ir.Expr, ...]) -> bool:
        return all(self._is_missing(part) for part in parts)

    def _is_there(self, test: ir.Expr) -> bool:
        if test[0] == "o":
            there = [self._is_there(part) for part in test[3]]
            return any(there) if test[2] == "and" else all(there)
        return self._is_absent(test) or (_compares_none(test, "is not", "!=") and self._is_absent(test[2]))

    def _is_absent(self, expr: ir.Expr) -> bool:
        return bool(expr[0] == "n" and expr[2] in self.absent) or _looks_up(expr)


def _compares_none(test: ir.Expr, *operators: str) -> bool:
    return bool(test[0] == "x" and len(test[3]) == 1 and test[3][0] in operators and _is_none(test[4][0]))


def _is_header(function: FunctionInfo, name: str) -> bool:
    return any(headers.is_read(a) for a in function.param_values.get(name, ((), ()))[1])


def _is_none(expr: ir.Expr | None) -> bool:
    """``None``, or the default in ``Header(None)`` and ``Header(default=None)``."""
    if expr is None:
        return False
    if expr[0] == "c":
        return any(_is_none(a) for a in (*expr[3][:1], *[v for k, v in expr[4] if k == "default"]))
    return bool(expr[0] == "k" and expr[2] is None)


def _is_nothing(expr: ir.Expr | None) -> bool:
    return expr is None or _is_none(expr)


def _looks_up(expr: ir.Expr) -> bool:
    """``request.headers.get("Authorization")``: nothing where there is none."""
    if expr[0] == "c" and expr[2][0] == "n" and expr[2][2] == "getattr" and len(expr[3]) == 3:
        return bool(expr[3][0][0] == "a" and expr[3][0][3] == "state" and _is_none(expr[3][2]))
    if expr[0] != "c" or expr[2][0] != "a" or expr[2][3] != "get" or expr[2][2][0] != "a":
        return False
    return expr[2][2][3] in ("headers", "cookies", "query_params") and (len(expr[3]) == 1 or _is_none(expr[3][1]))


def _catches_all(kind: ir.Expr | None) -> bool:
    if kind is None:
        return True
    named = kind[2] if kind[0] == "t" else (kind,)
    return any((ir.dotted(n) or "").rpartition(".")[2] in _BROAD for n in named)


__all__ = ["gives_nobody", "mentions"]
