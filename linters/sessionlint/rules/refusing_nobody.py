"""Functions of the auth layer that let every request through: they can only hand out what it says."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.stdlib import CONTEXT_SET
from sessionlint.program.values import Dependency

#: Parts of a request that anybody can write.
_WRITTEN = {"headers", "query_params", "path_params", "cookies"}
_HARMLESS = {
    "Decimal", "UUID", "bool", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "print", "round",
    "set", "sorted", "str", "tuple",
}  # fmt: skip
#: The same, as attributes of their modules: they read a text, and who is asked is nobody.
_READ = {"uuid.UUID", "decimal.Decimal"}
#: Methods of texts.
_TEXT = {
    "casefold", "endswith", "format", "join", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rstrip",
    "split", "startswith", "strip", "title", "upper",
}  # fmt: skip
_LOGGED = {"debug", "info", "warning"}
#: What statements may be, and nothing else: no ``raise``, ``assert``, ``try``, ``with``, ``yield``.
_STATEMENTS = {"E", "=", ":", "+=", "R", "I"}
_EXPRESSIONS = {"n", "a", "k", "c", "f", "b", "o", "x", "u", "q", "t", "l", "e", "d", "i", "aw"}


class _Calls(NamedTuple):
    """Calls of a function by their place: of the project's functions, and of ``set`` of context variables."""

    callees: dict[ir.Span4, FunctionInfo]
    stores: dict[ir.Span4, str]


def refuses_nobody(
    function: FunctionInfo, optional: Set[str] = frozenset(), seen: frozenset[FunctionInfo] = frozenset()
) -> bool:
    """Whether a function can be read in full, and neither ends in an error nor asks anything but the request's text.

    ``optional`` are security schemes that refuse nobody, either.
    """
    if function in seen or function.is_generator or function.decorator_values:
        return False
    given = [d for d in function.dependencies.values() if isinstance(d, Dependency)]
    if any(
        a.tag not in ("fn", "cls", "inst") and getattr(a, "name", "") not in optional for d in given for a in d.target
    ):
        return False
    body = [s for s in ir.body_of(function.facts) if not (s[0] == "E" and s[2][0] == "k") and s[0] != "z"]
    if not any(s[0] in ("R", "=", ":", "+=") for s in body):
        # nothing is written yet: what stands there later is not known
        return False
    calls = _calls(function)
    return all(_says_nothing(s, calls, seen | {function}) for s in body)


def _calls(function: FunctionInfo) -> _Calls:
    callees = {e.span: e.callee for e in function.events if e.kind == "call" and e.callee is not None}
    stores = {e.span: ir.text_of(e.expr[2][2]) for e in function.events if e.name == CONTEXT_SET and e.expr}
    return _Calls(callees, stores)


def _says_nothing(statement: Any, calls: _Calls, seen: frozenset[FunctionInfo]) -> bool:
    op = statement[0]
    if op not in _STATEMENTS:
        return op == "z" and not statement[2:]
    if op == "I":
        inner = (*statement[3], *statement[4])
        return _is_plain(statement[2], calls, seen) and all(_says_nothing(s, calls, seen) for s in inner)
    return all(_is_plain(e, calls, seen) for e in _expressions(statement[2:]))


def _is_plain(expr: ir.Expr, calls: _Calls, seen: frozenset[FunctionInfo]) -> bool:
    """Whether an expression asks nothing of anything but the request's text, its own names and plain functions."""
    op = expr[0]
    if op not in _EXPRESSIONS:
        return False
    if op == "a":
        # ``request.state.user`` was put there by somebody who may have refused; ``self.size = size``
        return expr[2][0] == "n" and (expr[3] in _WRITTEN or expr[2][2] == "self")
    if op == "i" and not _is_written(expr[2]):
        return False
    if op != "c":
        return all(_is_plain(e, calls, seen) for e in _expressions(expr[2:]))
    arguments = (*expr[3], *(value for _, value in expr[4]))
    return _is_harmless(expr, calls, seen) and all(_is_plain(e, calls, seen) for e in arguments)


def _is_harmless(call: ir.Expr, calls: _Calls, seen: frozenset[FunctionInfo]) -> bool:
    """Whether what is called refuses nobody: a function of the project that does not, reading a header, a text."""
    callee = calls.callees.get(call[1])
    if callee is not None:
        return refuses_nobody(callee, seen=seen)
    function = call[2]
    if function[0] == "n":
        return function[2] in _HARMLESS
    if function[0] != "a":
        return False
    if call[1] in calls.stores or ir.dotted(function) in _READ:
        return True
    if function[3] == "get":
        # what somebody else has put into a context variable may be what a middleware let through
        own = (span for span, name in calls.stores.items() if name == ir.text_of(function[2]))
        return _is_written(function[2]) or any(span < call[1] for span in own)
    if function[3] in _LOGGED:
        return "log" in (ir.dotted(function[2]) or "").lower()
    return function[3] in _TEXT and _is_plain(function[2], calls, seen)


def _is_written(expr: ir.Expr) -> bool:
    return bool(expr[0] == "a" and expr[3] in _WRITTEN)


def _expressions(parts: Any) -> Iterator[ir.Expr]:
    """The expressions directly in a node, in its lists as well."""
    for part in parts:
        if type(part) is tuple and part:
            if type(part[0]) is str and len(part) > 2 and type(part[1]) is tuple:
                yield part
            else:
                yield from _expressions(part)
