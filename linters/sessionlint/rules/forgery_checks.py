"""Checks against forged requests (CSRF): they tell where a request comes from, not who sends it."""

from __future__ import annotations

import re

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo

_FORGERY = re.compile(r"[cx]srf|(?:cross|same)_?(?:site|origin)|forgery", re.I)
_CALLER = re.compile(r"user|login|logged|signed_?in|auth|session|identity|jwt|account|principal|api_?key", re.I)
_UNKNOWN_CALLER = re.compile(r"401|unauthori[sz]ed|unauthenticated", re.I)


def is_forgery_secret(name: str) -> bool:
    """Whether a header, cookie or parameter of this name holds what proves only that a page of ours sent it."""
    return bool(_FORGERY.search(name))


def checks_forgery(function: FunctionInfo) -> bool:
    """Whether a function, or the class it belongs to, is called after checks against forged requests only."""
    owner = function.class_info.name if function.class_info is not None else ""
    named = _FORGERY.search(function.name) or _FORGERY.search(owner)
    return bool(named) and not _CALLER.search(f"{owner}.{function.name}")


def refuses_forgery(event: Event) -> bool:
    """Whether a refusal is about a forged request: its function or its text says so, and it does not say 401."""
    if event.expr is None or _UNKNOWN_CALLER.search("".join(_texts(event.expr))):
        return False
    return checks_forgery(event.function) or any(_FORGERY.search(text) for text in _texts(event.expr))


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
