"""Functions that compare what a request says with a secret and refuse: webhooks' signatures, shared keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import all_blocks
from sessionlint.patterns import regex
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Dependency
from sessionlint.rules.walking import own_nodes_below

COMPARISONS = frozenset({"hmac.compare_digest", "secrets.compare_digest"})
#: Library functions that raise when a signature is not the sender's.
_VERIFIERS = regex(
    r"^(?:stripe\.(?:Webhook|(?:_?\w+\.)*StripeClient\(\))\.construct_event|stripe\.WebhookSignature\.verify_header"
    r"|(?:svix|standardwebhooks)\.(?:\w+\.)*Webhook\(\)\.verify|nacl\.signing\.VerifyKey\(\)\.verify"
    r"|gidgethub\.sansio\.(?:Event\.from_http|validate_event)|linebot\.(?:\w+\.)*WebhookParser\(\)\.parse)$"
)
#: The same, as answers.
_ANSWERS = regex(
    r"^(?:slack_sdk\.signature\.(?:\w+\.)*SignatureVerifier\(\)\.is_valid(?:_request)?"
    r"|twilio\.request_validator\.RequestValidator\(\)\.validate)$"
)
#: What is compared to log somebody in, and what proves something else than who calls.
_OTHER = regex(r"passw|pwd|csrf|xsrf|reset|invite|unsubscribe|confirm|otp", re.I)
_SECRET = regex(r"secret|token|key|signature|digest|hmac", re.I)
#: Headers that hold no secret.
_PLAIN_HEADERS = frozenset({
    "accept", "accept-language", "content-length", "content-type", "host", "if-match", "if-none-match", "origin",
    "referer", "user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-request-id",
})  # fmt: skip
_GIVEN = {"headers", "cookies", "query_params"}
#: What takes a value out of what the request has sent, and what of a request the server says.
_TAKES_OUT = {"get", "json", "form", "body"}
_OF_SERVER = {"state", "app", "client", "url", "base_url", "method", "scope", "user", "auth", "session"}
_SAME = {"==", "!=", "in", "not in"}
_CONVERTS = {"str", "int", "bytes", "UUID", "bool"}
_STEPS = 3
_CALLERS_FAULT = regex(r"HTTP_4\d\d|HTTPStatus\.(?:BAD_REQUEST|NOT_FOUND|UNPROCESSABLE\w+|NOT_ACCEPTABLE)\b")


def compares_and_refuses(function: FunctionInfo, refuses: Callable[[Event], bool], depth: int = 0) -> bool:
    """Whether a function refuses where a secret is not what it compares it with, itself or in what it calls."""
    calls = [e.callee for e in function.events if e.kind == "call" and e.callee is not None]
    if any(e.kind == "external" and _VERIFIERS.match(e.name) for e in function.events):
        return True
    refusals = [e.span for e in function.events if refuses(e) or _answers_no(e)]
    if refusals and _Body(function).refuses(refusals):
        return True
    turned_away = [e.span for e in function.events if _turns_away(e)]
    if turned_away and _Body(function).refuses(turned_away, signed=True):
        return True
    return depth < _STEPS and any(compares_and_refuses(c, refuses, depth + 1) for c in dict.fromkeys(calls))


def _answers_no(event: Event) -> bool:
    """``return Response(status_code=401)``"""
    return any(a.tag == "const" and a.value in (401, 403) for a in _codes(event, "Response"))


def _turns_away(event: Event) -> bool:
    """``HTTPException(400)`` or ``Response(status_code=404)``: the caller's fault, whatever it is called."""
    codes = [*_codes(event, "HTTPException"), *_codes(event, "Response")]
    return any(
        (a.tag == "const" and isinstance(a.value, int) and 400 <= a.value < 500)
        or (a.tag == "ext" and bool(_CALLERS_FAULT.search(a.name)))
        for a in codes
    )


def _codes(event: Event, ending: str) -> list[Any]:
    """The status codes that an exception or response is made with."""
    if event.kind != "external" or not event.name.endswith(ending):
        return []
    given = event.args[:1] if ending == "HTTPException" else event.args[1:2]
    return [a for v in (*given, *(v for k, v in event.keywords if k == "status_code")) for a in v]


def _answers_comparison(function: FunctionInfo, depth: int = 0) -> bool:
    """Whether a function of the project does nothing but say whether a signature is right."""
    if depth > _STEPS or any(e.kind == "external" and _is_answer(e) for e in function.events):
        return depth <= _STEPS
    callees = (e.callee for e in function.events if e.kind == "call")
    return any(_answers_comparison(c, depth + 1) for c in callees if c is not None)


def _is_answer(event: Event) -> bool:
    if event.name not in COMPARISONS:
        return bool(_ANSWERS.match(event.name))
    names = _names(event.expr) if event.expr is not None else ()
    return not any(_OTHER.search(name) for name in names)


def _nodes(*parts: Any) -> Iterator[ir.Expr]:
    """The statements and expressions in parts of a body; names that look like one (``f(x=…)``) are none."""
    return (n for n in own_nodes_below(parts) if len(n) > 2 and type(n[1]) is tuple)


def _names(expr: ir.Expr) -> Iterator[str]:
    return (n[-1] for n in _nodes(expr) if n[0] in ("n", "a"))


class _Body:
    """The statements of one function: which names hold what the request says, and what its conditions compare."""

    def __init__(self, function: FunctionInfo) -> None:
        self.body = function.body
        self.calls = {e.span for e in function.events if e.kind == "external" and _is_answer(e)}
        self.calls |= {
            e.span for e in function.events if e.kind == "call" and e.callee and _answers_comparison(e.callee)
        }
        self.assigned: dict[str, list[ir.Expr]] = {}
        for node in _nodes(self.body):
            targets = node[2] if node[0] == "=" else (node[2],) if node[0] in (":", "w") else ()
            for target in targets:
                if target[0] == "n" and node[-1] is not None:
                    self.assigned.setdefault(target[2], []).append(node[-1])
        injected = {n for n, d in function.dependencies.items() if isinstance(d, Dependency)}
        self.params = {p[0] for p in function.params} - injected - {"self"}
        self.headers = {n for n, (_, given) in function.param_values.items() if any(_holds_secret(a) for a in given)}

    def refuses(self, refusals: list[ir.Span4], signed: bool = False) -> bool:
        """Whether one of these refusals is what a comparison leads to; ``signed``: one of a header's signature."""
        compares = self._checks_signature if signed else self._compares
        return any(self._leads_to(block, refusals, compares) for block in all_blocks(self.body))

    def _leads_to(
        self, block: tuple[ir.Stmt, ...], refusals: list[ir.Span4], compares: Callable[[ir.Expr, int], bool]
    ) -> bool:
        for index, statement in enumerate(block):
            if statement[0] != "I" or not compares(statement[2], 0):
                continue
            ends = [*statement[3], *statement[4]]
            if statement[3] and statement[3][-1][0] == "R":
                ends += block[index + 1 :]
            if any(_within(span, end[1]) for span in refusals for end in ends):
                return True
        return False

    def _compares(self, test: ir.Expr, depth: int) -> bool:
        """Whether a condition asks if a secret is right."""
        for node in _nodes(test):
            if node[0] == "c" and node[1] in self.calls:
                return True
            if node[0] == "x" and len(node[3]) == 1 and node[3][0] in _SAME and self._sides(node[2], node[4][0]):
                return True
            named = self.assigned.get(node[2], ()) if node[0] == "n" and depth < _STEPS else ()
            if any(self._compares(value, depth + 1) for value in named):
                return True
        return False

    def _checks_signature(self, test: ir.Expr, depth: int) -> bool:
        """Whether a condition compares what a header says as secrets are compared: that is no check of a format."""
        for node in _nodes(test):
            if node[0] == "c" and node[1] in self.calls and any(self._is_said(a, 0) for a in _given(node)):
                return True
            named = self.assigned.get(node[2], ()) if node[0] == "n" and depth < _STEPS else ()
            if any(self._checks_signature(value, depth + 1) for value in named):
                return True
        return False

    def _sides(self, left: ir.Expr, right: ir.Expr) -> bool:
        if any(_OTHER.search(name) for name in (*_names(left), *_names(right))):
            return False
        return self._one_each(left, right) or self._one_each(right, left)

    def _one_each(self, said: ir.Expr, kept: ir.Expr) -> bool:
        """Whether one side is what the request says, and the other what it cannot know."""
        if not self._is_kept(kept, 0):
            return False
        if self._is_said(said, 0):
            return True
        return self._is_sent(said, 0) and any(_SECRET.search(n) for n in self._told(kept, 0))

    def _is_sent(self, expr: ir.Expr, depth: int) -> bool:
        """Whether an expression is a parameter, or is taken out of one: ``(await request.json()).get("secret")``."""
        op = expr[0]
        if op == "n":
            values = self.assigned.get(expr[2], ()) if depth < _STEPS else ()
            return expr[2] in self.params or any(self._is_sent(value, depth + 1) for value in values)
        if op == "a":
            return expr[3] not in _OF_SERVER and self._is_sent(expr[2], depth)
        if op == "c":
            return expr[2][0] == "a" and expr[2][3] in _TAKES_OUT and self._is_sent(expr[2][2], depth)
        return op in ("i", "aw") and self._is_sent(expr[2], depth)

    def _told(self, kept: ir.Expr, depth: int) -> Iterator[str]:
        """The names of a secret: its own, the key that it is kept under, and those of what a variable was given."""
        for node in _nodes(kept):
            if node[0] == "k" and isinstance(node[2], str):
                yield node[2]
            elif node[0] in ("n", "a"):
                yield node[-1]
                for value in self.assigned.get(node[2], ()) if node[0] == "n" and depth < _STEPS else ():
                    yield from self._told(value, depth + 1)

    def _is_said(self, expr: ir.Expr, depth: int) -> bool:
        for node in _nodes(expr):
            if node[0] == "n" and (node[2] in self.headers or (depth < _STEPS and self._holds_said(node[2], depth))):
                return True
            if node[0] == "c" and node[2][0] == "a" and node[2][3] == "get" and _is_given(node[2][2]):
                return not _is_plain(node[3][:1])
            if node[0] == "i" and _is_given(node[2]):
                return not _is_plain((node[3],))
        return False

    def _holds_said(self, name: str, depth: int) -> bool:
        return any(self._is_said(value, depth + 1) for value in self.assigned.get(name, ()))

    def _is_kept(self, expr: ir.Expr, depth: int) -> bool:
        """Whether an expression comes from the settings, the database or a computation, not from the request."""
        if self._is_said(expr, 0) or depth > _STEPS:
            return False
        op = expr[0]
        if op == "n":
            values = self.assigned.get(expr[2])
            if values is not None:
                return all(self._is_kept(value, depth + 1) for value in values)
            return expr[2] not in self.params
        if op in ("a", "i"):
            return self._is_kept(expr[2], depth)
        if op == "aw":
            return self._is_kept(expr[2], depth)
        if op == "c":
            converts = expr[2][0] == "n" and expr[2][2] in _CONVERTS
            return any(self._is_kept(a, depth) for a in expr[3]) if converts else True
        return op in ("f", "b") and any(self._is_kept(e, depth) for e in _parts(expr))


def _given(call: ir.Expr) -> list[ir.Expr]:
    return [*call[3], *(value for _, value in call[4])]


def _parts(expr: ir.Expr) -> Iterable[ir.Expr]:
    parts: tuple[Any, ...] = expr[2] if expr[0] == "f" else expr[3:]
    return [part for part in parts if type(part) is tuple]


def _is_given(expr: ir.Expr) -> bool:
    return bool(expr[0] == "a" and expr[3] in _GIVEN)


def _is_plain(key: tuple[ir.Expr, ...]) -> bool:
    """Whether a header is one of those that hold no secret."""
    return bool(key and key[0][0] == "k" and str(key[0][2]).lower() in _PLAIN_HEADERS)


def _holds_secret(atom: Any) -> bool:
    """Whether a parameter is filled from a header or cookie that may hold a secret."""
    if atom.tag != "ext" or not atom.name.startswith(("fastapi.Request().headers[", "fastapi.Request().cookies[")):
        return False
    return atom.name.partition("[")[2].rstrip("]") not in _PLAIN_HEADERS


def _within(span: ir.Span4, outer: ir.Span4) -> bool:
    return outer[:2] <= span[:2] and span[2:] <= outer[2:]
