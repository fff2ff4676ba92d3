"""Middleware that looks at a token when there is one, and lets every other request through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo

_REFUSED = (401, 403)
_DEEP = 3


def has_anonymous_backend(program: Program, event: Event) -> bool:
    """Whether the backend of an ``AuthenticationMiddleware`` returns nothing for a request without credentials."""
    given = [*event.args[1:2], *(v for k, v in event.keywords if k == "backend")]
    backends = [a.info for v in given for a in v if a.tag in ("inst", "cls")]
    methods = [m for info in backends if (m := program.solver.method(info, "authenticate")) is not None]
    return bool(methods) and all(any(_returns_nothing(e) for e in m.events) for m in methods)


def lets_through(function: FunctionInfo, decodes: Callable[[Event], bool]) -> bool:
    """Whether a middleware function decodes a token only if there is one, and nothing in it refuses."""
    looking = [e for e in function.events if e.kind in ("external", "call") and decodes(e)]
    params = {p[0] for p in function.params}
    return (
        bool(looking)
        and all(_is_asked_for(function.body, e, params) for e in looking)
        and not _refuses(function, set())
    )


def _returns_nothing(event: Event) -> bool:
    return event.kind == "return" and (event.expr is None or (event.expr[0] == "k" and event.expr[2] is None))


def _is_asked_for(body: Any, event: Event, params: set[str]) -> bool:
    """Whether an ``if`` around the call asks for what the call is given."""
    given = _names(event.expr) - params
    tests = [s[2] for s in _nodes(body) if s[0] == "I" and len(s) == 5 and _is_in(event.span, s)]
    return any(_names(test) & given for test in tests)


def _is_in(span: ir.Span4, branch: ir.Stmt) -> bool:
    return any(s[1][:2] <= span[:2] and span[2:] <= s[1][2:] for s in branch[3])


def _refuses(function: FunctionInfo, seen: set[FunctionInfo]) -> bool:
    """Whether a function raises or answers, by itself or through what it calls."""
    seen.add(function)
    for event in function.events:
        if event.kind == "raise" or (event.kind == "external" and event.name.endswith(("Response", "Exception"))):
            return True
        callee = event.callee if event.kind == "call" else None
        if callee is not None and callee not in seen and _refuses(callee, seen):
            return True
    return any(n[0] == "k" and n[2] in _REFUSED for n in _nodes(function.body))


def _names(node: Any) -> set[str]:
    return {n[2] for n in _nodes(node) if n[0] == "n"}


def _nodes(node: Any) -> Iterator[Any]:
    pending = [node]
    while pending:
        current = pending.pop()
        if type(current) is tuple and current:
            if type(current[0]) is str and len(current) > 2:
                yield current
            pending.extend(current)
