"""JSON Web Tokens taken apart by hand: the part between the dots goes through base64 and ``json.loads``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.model import Event

_BASE64 = {
    "base64.urlsafe_b64decode", "base64.b64decode", "base64.standard_b64decode", "binascii.a2b_base64",
    "jwt.utils.base64url_decode", "jose.utils.base64url_decode",
}  # fmt: skip
_SPLITS = {"split", "rsplit", "partition", "rpartition"}
_TOKEN = regex(r"token|jwt|bearer|credential|authorization", re.I)
#: Tokens that prove something else than who calls.
_OTHER = regex(r"csrf|xsrf|webhook|reset|invite|unsubscribe|page|cursor|next", re.I)
#: ``header.payload.signature``
_PARTS = 3
_STEPS = 4


def decodes_by_hand(event: Event) -> bool:
    """Whether an ``external`` event decodes the payload of a token: a part of it, split at its dots, from base64."""
    if event.name not in _BASE64 or event.expr is None or event.expr[0] != "c" or not event.expr[3]:
        return False
    if not any(e.kind == "external" and e.name == "json.loads" for e in event.function.events):
        return False
    assigned = list(_assignments(event.function.body))
    pending, seen = [event.expr[3][0]], set[str]()
    for _ in range(_STEPS):
        if any(_is_part(node, None) for expr in pending for node in _nodes(expr)):
            return True
        names = {n[2] for expr in pending for n in _nodes(expr) if n[0] == "n"} - seen
        sources = [(target, value) for target, value in assigned if names & set(_targets(target))]
        if any(_is_part(node, target) for target, value in sources for node in _nodes(value)):
            return True
        seen |= names
        pending = [value for _, value in sources]
    return False


def _is_part(node: ir.Expr, target: ir.Expr | None) -> bool:
    """``token.split(".")`` by the token's name, the second part of anything, or what is unpacked into three parts."""
    if node[0] == "i" and node[2][0] == "c" and node[3][0] == "k" and node[3][2] == 1:
        return _splits(node[2]) and not any(_OTHER.search(n) for n in _names(node[2]))
    if not _splits(node):
        return False
    if target is not None and node[2][3] == "split" and target[0] in ("t", "l") and len(target[2]) == _PARTS:
        return True
    names = _names(node)
    return any(_TOKEN.search(n) for n in names) and not any(_OTHER.search(n) for n in names)


def _splits(node: ir.Expr) -> bool:
    """Whether a call takes a text apart at its dots."""
    if node[0] != "c" or node[2][0] != "a" or node[2][3] not in _SPLITS or not node[3] or node[3][0][0] != "k":
        return False
    return bool(node[3][0][2] == ".")


def _names(node: ir.Expr) -> list[str]:
    """The names of what such a call takes apart."""
    return [n[-1] for n in _nodes(node[2][2]) if n[0] in ("n", "a")]


def _targets(target: ir.Expr) -> Iterable[str]:
    return (n[2] for n in _nodes(target) if n[0] == "n")


def _assignments(node: Any) -> Iterable[tuple[ir.Expr, ir.Expr]]:
    """Targets and values of all assignments in a function's statements."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] == "=" and len(child) == 4:
            yield from ((target, child[3]) for target in child[2])
        elif child[0] in (":", "+=") and len(child) == 5 and child[4] is not None:
            yield child[2], child[4]
        elif child[0] == "w" and len(child) == 4:
            yield child[2], child[3]
        yield from _assignments(child)


def _nodes(node: Any) -> Iterable[ir.Expr]:
    """An expression and all within it."""
    if type(node) is not tuple or not node:
        return
    if type(node[0]) is str and len(node) > 2:
        yield node
    for child in node:
        yield from _nodes(child)
