"""Functions of the auth layer that let every request through: they can only hand out what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.security_schemes import is_lenient
from sessionlint.program.stdlib import CONTEXT_SET
from sessionlint.program.values import Dependency

#: Parts of a request that anybody can write.
_WRITTEN = {"headers", "query_params", "path_params", "cookies"}
#: What else a request says of where it comes from and goes to.
_ADDRESSES = {"client", "url", "base_url"}
_HARMLESS = {
    "Decimal", "UUID", "bool", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "print", "round",
    "set", "sorted", "str", "tuple",
}  # fmt: skip
#: The same, as attributes of their modules: they read a text, and who is asked is nobody.
_READ = {"uuid.UUID", "decimal.Decimal", "time.time", "time.monotonic", "time.perf_counter"}
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
    """Calls of a function by their place: of the project's functions, and of ``set`` of context variables.

    ``wrapped`` are the names of what a decorator is given.
    """

    callees: dict[ir.Span4, FunctionInfo]
    stores: dict[ir.Span4, str]
    wrapped: frozenset[str] = frozenset()


def refuses_nobody(function: FunctionInfo, seen: frozenset[FunctionInfo] = frozenset(), lenient: bool = False) -> bool:
    """Whether a function can be read in full, and neither ends in an error nor asks anything but the request's text.

    ``lenient``: it may ask a security scheme that refuses nobody, either.
    """
    if function in seen or function.is_generator or function.decorator_values:
        return False
    given = [d for d in function.dependencies.values() if isinstance(d, Dependency)]
    if any(
        a.tag not in ("fn", "cls", "inst") and not (lenient and is_lenient(getattr(a, "name", "")))
        for d in given
        for a in d.target
    ):
        return False
    body = [s for s in ir.body_of(function.facts) if not (s[0] == "E" and s[2][0] == "k") and s[0] != "z"]
    if not any(s[0] in ("R", "=", ":", "+=") for s in body):
        # nothing is written yet: what stands there later is not known
        return False
    calls = _calls(function)
    return all(_says_nothing(s, calls, seen | {function}) for s in body)


def only_wraps(decorator: FunctionInfo, given: frozenset[str] = frozenset()) -> bool:
    """Whether a decorator of the project puts nothing but notes and times around what it decorates."""
    inner = list(decorator.children.values())
    if not inner or decorator.is_generator or decorator.decorator_values:
        return False
    names = {c.name for c in inner}
    for statement in ir.body_of(decorator.facts):
        gives = statement[0] == "R" and statement[2] is not None and statement[2][0] == "n" and statement[2][2] in names
        if not gives and statement[0] not in ("F", "z") and not (statement[0] == "E" and statement[2][0] == "k"):
            return False
    given = given | {p[0] for p in decorator.params}
    return all(only_wraps(c, given) if c.children else _passes_on(c, given) for c in inner)


def _passes_on(wrapper: FunctionInfo, given: frozenset[str]) -> bool:
    """Whether the inner function of a decorator calls what it was given, and refuses nobody."""
    if wrapper.is_generator or any(isinstance(d, Dependency) for d in wrapper.dependencies.values()):
        return False
    calls = _calls(wrapper)._replace(wrapped=given - {p[0] for p in wrapper.params})
    return all(_says_nothing(s, calls, frozenset({wrapper})) for s in ir.body_of(wrapper.facts))


def _calls(function: FunctionInfo) -> _Calls:
    callees = {e.span: e.callee for e in function.events if e.kind == "call" and e.callee is not None}
    told = (e for e in function.events if e.name == CONTEXT_SET and e.expr)
    stores = {e.span: ir.text_of(e.expr[2][2]) if e.expr[2][0] == "a" else "it" for e in told if e.expr}
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
        if expr[2][0] == "a":
            return bool(expr[2][2][0] == "n" and expr[2][3] in _ADDRESSES)
        return expr[2][0] == "n" and (expr[3] in _WRITTEN or expr[3] == "method" or expr[2][2] == "self")
    if op == "i" and not _is_written(expr[2]):
        return False
    if op != "c":
        return all(_is_plain(e, calls, seen) for e in _expressions(expr[2:]))
    arguments = (*expr[3], *(value for _, value in expr[4]))
    if expr[2][0] == "n" and expr[2][2] in calls.wrapped:
        return all((a[2] if a[0] == "*" else a)[0] in ("n", "k") for a in arguments)
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
