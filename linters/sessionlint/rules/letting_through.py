"""Middleware that looks at a token when there is one, and lets every request through."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import knowledge
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo

_REFUSED: Final = (401, 403)
_ANSWERS: Final = ("Response", "Exception", "Error")
#: Statuses that say nothing of who calls: done, too large, too often, out of order.
_OTHER_STATUS: Final = regex(r"(?:.*HTTP_)?(?:2\d\d|40[5689]|41\d|42[4-9]|431|5\d\d)(?:\D.*)?$")
#: What catches everything that is wrong with a token.
_BROAD: Final = regex(r"(?:^|\.)(?:Base)?Exception$|(?:JWT|Jwt|JOSE|Jose|InvalidToken)Error$")
#: Libraries that are told of a request, and refuse none.
_TELLING: Final = sys.stdlib_module_names | {
    "builtins", "loguru", "structlog", "sentry_sdk", "opentelemetry", "prometheus_client", "ddtrace", "redis",
    "aioredis", "cachetools", "limits", "asgi_correlation_id", "orjson", "ujson", "anyio", "fastapi", "starlette",
}  # fmt: skip
_ASKING: Final = ("fastapi.security.", "starlette.authentication.")
_LOGS: Final = frozenset({"debug", "info", "warning", "error", "exception", "bind", "contextualize", "log"})
#: Methods of texts, and of dictionaries.
_PLAIN: Final = frozenset({
    "append", "casefold", "decode", "encode", "endswith", "format", "get", "items", "join", "keys", "lower", "lstrip",
    "partition", "pop", "removeprefix", "removesuffix", "replace", "rpartition", "rstrip", "setdefault", "split",
    "startswith", "strip", "update", "upper", "values",
})  # fmt: skip

_REQUESTS: Final = ("fastapi.Request", "starlette.requests.Request", "fastapi.requests.Request")

Decodes = Callable[[Event], bool]


def has_anonymous_backend(program: Program, given: tuple[Any, ...]) -> bool:
    """Whether a backend given to ``AuthenticationMiddleware`` returns nothing for a request without credentials."""
    backends = [a.info for a in given if a.tag in ("inst", "cls")]
    methods = [m for info in backends if (m := program.solver.method(info, "authenticate")) is not None]
    return bool(methods) and all(any(_returns_nothing(e) for e in m.events) for m in methods)


def lets_through(program: Program, function: FunctionInfo, decodes: Decodes) -> bool:
    """Whether nothing in a middleware function refuses, and a token that is decoded may be missing or wrong."""
    if _refuses(program, function, set()):
        return False
    looking = _looking(function, decodes)
    params = {p[0] for p in function.params}
    sure = [e for e in looking if not _is_asked_for(function.body, e, params)]
    if looking and not sure:
        return True
    return all(_swallowed(function, e, decodes, set()) for e in sure) and not _asks_somebody(function, decodes)


def _looking(function: FunctionInfo, decodes: Decodes) -> list[Event]:
    return [e for e in function.events if e.kind in ("external", "call") and decodes(e)]


def _returns_nothing(event: Event) -> bool:
    return event.kind == "return" and (event.expr is None or (event.expr[0] == "k" and event.expr[2] is None))


def _is_asked_for(body: Any, event: Event, params: set[str]) -> bool:
    """Whether an ``if`` around the call asks for what the call is given."""
    given = _names(event.expr) - params
    tests = [s[2] for s in _nodes(body) if s[0] == "I" and len(s) == 5 and _is_in(event.span, s[3])]
    return any(_names(test) & given for test in tests)


def _is_in(span: ir.Span4, block: Any) -> bool:
    return any(s[1][:2] <= span[:2] and span[2:] <= s[1][2:] for s in block)


def _swallowed(function: FunctionInfo, event: Event, decodes: Decodes, seen: set[FunctionInfo]) -> bool:
    """Whether what a wrong token raises is caught, here or in what is called, and the request goes on."""
    going_on = _serving(function)
    for attempt in _attempts(function):
        if _is_in(event.span, attempt[2]) and any(_goes_on(c, going_on) for c in attempt[3]):
            return True
    callee = event.callee
    if callee is None or callee in seen:
        return False
    inner = _looking(callee, decodes)
    return bool(inner) and all(_swallowed(callee, e, decodes, seen | {function}) for e in inner)


def _goes_on(clause: Any, going_on: str | None) -> bool:
    """Whether an ``except`` clause catches whatever is wrong with a token, and neither raises nor answers."""
    for node in _nodes(clause[3]):
        if node[0] == "!" or (node[0] == "R" and going_on is not None and going_on not in _names(node)):
            return False
    kinds = clause[1]
    names = kinds[2] if kinds is not None and kinds[0] == "t" else (kinds,)
    return any(n is None or _BROAD.search(ir.dotted(n) or "") for n in names)


def _attempts(function: FunctionInfo) -> list[Any]:
    return [s for s in _nodes(function.body) if s[0] == "T" and len(s) == 6]


def _refuses(program: Program, function: FunctionInfo, seen: set[FunctionInfo], caught: bool = False) -> bool:
    """Whether a function raises or answers, and not only because what it passed the request on to has failed.

    What it raises does not count where its caller has ``caught`` that.
    """
    seen.add(function)
    going_on = _serving(function)
    attempts = [a for a in _attempts(function) if going_on is not None and going_on in _names(a[2])]
    keeping = [a for a in _attempts(function) if any(_goes_on(c, going_on) for c in a[3])]
    raised = [n for n in _nodes(function.body) if n[0] == "!" and (caught or any(_is_in(n[1], a[2]) for a in keeping))]
    for event in function.events:
        failing = any(_is_in(event.span, c[3]) for a in attempts for c in a[3])
        if _is_refusal(program, event) and not failing and not _is_in(event.span, raised):
            return True
        callee = event.callee if event.kind == "call" else None
        kept = caught or any(_is_in(event.span, a[2]) for a in keeping)
        if callee is not None and callee not in seen and _refuses(program, callee, seen, kept):
            return True
    numbers = {n for n in _nodes(raised) if n[0] == "k"}
    return any(n[0] == "k" and n[2] in _REFUSED and n not in numbers for n in _nodes(function.body))


def _is_refusal(program: Program, event: Event) -> bool:
    if event.kind == "raise":
        return event.expr is not None
    if event.kind == "construct":
        made = [b for a in event.value if a.tag == "cls" for b in program.solver.external_bases(a.info)]
        return any(b.endswith(_ANSWERS) for b in made)
    if event.kind != "external" or not event.name.endswith(_ANSWERS):
        return False
    position = 0 if event.name.endswith("HTTPException") else 1
    codes = (*event.args[position : position + 1], *(v for k, v in event.keywords if k == "status_code"))
    known = [str(a.value) if a.tag == "const" else a.name for v in codes for a in v if a.tag in ("const", "ext")]
    return not known or not all(_OTHER_STATUS.match(code) for code in known)


def _serving(function: FunctionInfo) -> str | None:
    """The parameter that a middleware function calls to have a request answered."""
    positional = [p[0] for p in function.params]
    if function.class_info is not None:
        positional = positional[1:]
    return positional[1] if len(positional) == 2 else None


def _asks_somebody(function: FunctionInfo, decodes: Decodes, depth: int = 3) -> bool:
    """Whether something that cannot be read is given what came with the request: it may refuse."""
    calls = {e.span: e for e in function.events if e.kind in ("external", "call", "construct")}
    body = function.body
    going_on = _serving(function)
    told, served = _told_of(function, going_on), _served(function, going_on)
    looking = {e.span for e in calls.values() if e.kind == "external" and decodes(e)}
    nodes = list(_nodes(body))
    asking = [n for n in nodes if n[0] == "c" and len(n) == 5 and n[1] not in looking]
    if any(_may_ask(n, calls.get(n[1]), told, going_on) for n in asking):
        return True
    answers = [n[2] for n in nodes if n[0] == "R" and n[2] is not None and not function.is_property]
    claims = _claims(function, decodes)
    unsure = [value for value in answers if not _is_plain(function, value, claims)]
    if any(_is_unread(value, calls, going_on, served) for value in unsure):
        return True
    within = (e.callee for e in calls.values() if e.kind == "call")
    return any(c is not None and (depth == 0 or _asks_somebody(c, decodes, depth - 1)) for c in within)


def _told_of(function: FunctionInfo, going_on: str | None) -> set[str]:
    """The names that have something of the request."""
    told = {p[0] for p in function.params} - {going_on}
    if function.class_info is not None and function.params:
        told -= {function.params[0][0]}
    kept = [(s[2], s[3]) for s in _nodes(function.body) if s[0] == "=" and len(s) == 4]
    for _ in range(3):
        for targets, value in kept:
            names = _names(value)
            if names & told and going_on not in names:
                told |= {t[2] for t in targets if t[0] == "n"}
    return told


def _may_ask(call: ir.Expr, event: Event | None, told: set[str], going_on: str | None) -> bool:
    if event is not None and event.kind != "external":
        return False
    called = call[2]
    if called == ("n", called[1], going_on) or not _names((called, call[3], call[4])) & told:
        return False
    if event is not None and _reads_claims(event.name):
        return False
    if event is not None:
        return event.name.startswith(_ASKING) or event.name.partition(".")[0].partition("(")[0] not in _TELLING
    if called[0] == "a":
        if called[3] in _LOGS and "log" in (ir.dotted(called[2]) or "").lower():
            return False
        return called[3] not in _PLAIN and not _is_application(call)
    return called[0] != "n" or called[2] not in _BUILTINS


def _reads_claims(name: str) -> bool:
    """``jwt.decode(token, …).get("org")``: what a token says is a dictionary, and looking into it asks nobody."""
    made, _, method = name.rpartition(".")
    return method in _PLAIN and made.endswith("()") and bool(knowledge.JWT_DECODERS.match(made[:-2]))


_BUILTINS: Final = frozenset({
    "bool", "dict", "float", "frozenset", "getattr", "hash", "hasattr", "id", "int", "isinstance", "len", "list", "max",
    "min", "print", "repr", "round", "set", "setattr", "sorted", "str", "tuple",
})  # fmt: skip


def _is_application(call: ir.Expr) -> bool:
    """``self.app(scope, receive, send)``."""
    return len(call[3]) == 3 and call[3][0][0] == "n" and call[3][0][2] == "scope"


def _served(function: FunctionInfo, going_on: str | None) -> set[str]:
    """The names that hold the application's answer."""
    kept = ((s[2], s[3]) for s in _nodes(function.body) if s[0] == "=" and len(s) == 4)
    return {name for targets, value in kept if going_on in _names(value) for name in _names(targets)}


def _claims(function: FunctionInfo, decodes: Decodes) -> set[str]:
    """The names that hold what decoding a token gives, here or in what is called."""
    decoding = {e.span for e in _looking(function, decodes)}
    kept = [(s[2], s[3][2] if s[3][0] == "aw" else s[3]) for s in _nodes(function.body) if s[0] == "=" and len(s) == 4]
    return {t[2] for targets, value in kept if value[1] in decoding for t in targets if t[0] == "n"}


def _is_plain(function: FunctionInfo, expr: ir.Expr, claims: set[str]) -> bool:
    """Whether what is returned answers no request: it is known, or an entry of claims or of what came with it."""
    if expr[0] == "i" and expr[2][0] == "n" and expr[2][2] in claims:
        return True
    root = expr
    while root[0] in ("a", "i"):
        root = root[2]
    if root is not expr and root[0] == "n" and root[2] != "self" and any(p[0] == root[2] for p in function.params):
        return True
    values = [e.value for e in function.events if e.kind == "return" and e.expr == expr]
    return bool(values) and all(value and all(_is_no_answer(a) for a in value) for value in values)


def _is_no_answer(atom: Any) -> bool:
    """Whether a value is a literal, a text, what a token says or a part of the request."""
    if atom.tag == "ext":
        made, called, _ = atom.name.partition("()")
        return bool(called) and (made in _REQUESTS or bool(knowledge.JWT_DECODERS.match(made)))
    return atom.tag in ("const", "text")


def _is_unread(value: ir.Expr, calls: dict[ir.Span4, Event], going_on: str | None, served: set[str]) -> bool:
    """Whether what is returned may be an answer of its own: neither the application's nor one that was looked at."""
    inner = value[2] if value[0] == "aw" else value
    if inner[0] == "c":
        return going_on not in _names(inner[2]) and inner[1] not in calls and not _is_application(inner)
    return inner[0] in ("a", "i") and served.isdisjoint(_names(inner))


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
