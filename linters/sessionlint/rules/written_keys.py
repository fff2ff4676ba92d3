"""Keys that a function writes into the dictionaries it spreads: ``options = {"name": …}``, then ``f(**options)``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo


def spread_keys(function: FunctionInfo, call: ir.Expr | None) -> frozenset[str]:
    """The literal keys that a function itself gives the variables which a call of its spreads."""
    spread = {v[2] for k, v in call[4] if k is None and v[0] == "n"} if call is not None and call[0] == "c" else set()
    found: set[str] = set()
    pending: list[Any] = [function.body] if spread else []
    while pending:
        node = pending.pop()
        if type(node) is tuple and node:
            # all nodes have a span next; parameters and keywords, which begin with any name, have none there
            found.update(_put(node, spread) if len(node) > 3 and type(node[1]) is tuple else ())
            pending.extend(node)
    return frozenset(found)


def _put(node: tuple[Any, ...], names: set[str]) -> set[str]:
    """The keys that one node puts into a dictionary of one of these names."""
    op = node[0]
    if op == "=":
        keys = _keys(node[3]) if any(_is_one(t, names) for t in node[2]) else set()
        return keys | {t[3][2] for t in node[2] if t[0] == "i" and _is_one(t[2], names) and _is_text(t[3])}
    if op in (":", "w") and _is_one(node[2], names):
        return _keys(node[-1])
    if op == "c" and node[2][0] == "a" and _is_one(node[2][2], names):
        if node[2][3] == "setdefault":
            return {a[2] for a in node[3][:1] if _is_text(a)}
        return _keys(node) if node[2][3] == "update" else set()
    return set()


def _is_one(expr: Any, names: set[str]) -> bool:
    return bool(expr[0] == "n" and expr[2] in names)


def _is_text(expr: Any) -> bool:
    return bool(expr[0] == "k" and isinstance(expr[2], str))


def _keys(value: Any) -> set[str]:
    """What the displays and ``dict(…)`` calls in an expression have for keys."""
    if type(value) is not tuple or not value:
        return set()
    own: set[str] = set()
    if value[0] == "d" and len(value) == 4:
        own = {k[2] for k in value[2] if k is not None and _is_text(k)}
    elif value[0] == "c" and len(value) == 5 and type(value[1]) is tuple:
        own = {k for k, _ in value[4] if k is not None}
    return own.union(*(_keys(part) for part in value))
