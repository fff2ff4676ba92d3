"""Checks against forged requests (CSRF): they tell where a request comes from, not who sends it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.model import Event, FunctionInfo

_FORGERY = regex(r"[cx]srf|(?:cross|same)_?(?:site|origin)|forgery", re.I)
_CALLER = regex(r"user|login|logged|signed_?in|auth|session|identity|jwt|account|principal|api_?key", re.I)
_UNKNOWN_CALLER = regex(r"401|unauthori[sz]ed|unauthenticated", re.I)


def is_forgery_secret(name: str) -> bool:
    """Whether a header, cookie or parameter of this name holds what proves only that a page of ours sent it."""
    return bool(_FORGERY.search(name))


def checks_forgery(function: FunctionInfo) -> bool:
    """Whether a function, or the class it belongs to, is called after checks against forged requests only."""
    current: FunctionInfo | None = function
    while current is not None:
        owner = current.class_info.name if current.class_info is not None else ""
        if _FORGERY.search(current.name) or _FORGERY.search(owner):
            return not _CALLER.search(f"{owner}.{current.name}")
        current = current.parent
    return False


def refuses_forgery(event: Event) -> bool:
    """Whether a refusal is about a forged request: its function or its text says so, and it does not say 401."""
    if asks_who_calls(event):
        return False
    return checks_forgery(event.function) or any(_FORGERY.search(text) for text in _said(event))


def asks_who_calls(event: Event) -> bool:
    """Whether a refusal says that the caller is unknown: 401."""
    return any(_UNKNOWN_CALLER.search(text) for text in _said(event))


def _said(event: Event) -> Iterator[str]:
    """The names and texts of a refusal: what is written there, and what its arguments are."""
    yield from _texts(event.expr) if event.expr is not None else ()
    for atom in (a for value in (*event.args, *(v for _, v in event.keywords)) for a in value):
        if atom.tag in ("const", "text", "ext"):
            yield str(atom.text if atom.tag == "text" else atom.value if atom.tag == "const" else atom.name)


def _texts(expr: ir.Expr) -> list[str]:
    """The names and texts of an expression."""
    if expr[0] in ("n", "a"):
        return [str(expr[-1])]
    if expr[0] == "k":
        return [str(expr[2])]
    if expr[0] == "c":
        parts = (expr[2], *expr[3], *(value for _, value in expr[4]))
    elif expr[0] == "f":
        parts = expr[2]
    else:
        return []
    return [text for part in parts for text in _texts(part)]
