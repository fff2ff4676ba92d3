"""Names out of ``from jwt import *``: what nothing in a file defines, and no builtin is called, comes from there."""

from __future__ import annotations

import builtins
from typing import Any, Final

from sessionlint.program import knowledge, network

_BUILTINS: Final = frozenset(dir(builtins))
#: Libraries of whose names most matter: the first of them has what is in no other.
_FIRST: Final = ("sqlalchemy", "sqlmodel", "fastapi")
#: What starts or awaits work; ``asyncio`` gives these to whoever takes all of it.
_STARTS: Final = frozenset(
    f"asyncio.{name}"
    for name in (
        "create_task",
        "ensure_future",
        "gather",
        "wait",
        "wait_for",
        "as_completed",
        "shield",
        "run",
        "to_thread",
    )
)


def found(libraries: list[str], name: str) -> str | None:
    """The library's symbol that a name is, where a file takes all that these libraries have."""
    if not name[:1].isalpha() or name in _BUILTINS:
        return None
    symbols = [knowledge.canonical(f"{library}.{name}") for library in libraries]
    if len(symbols) == 1:
        return symbols[0]
    first = [s for library, s in zip(libraries, symbols, strict=True) if library.startswith(_FIRST)]
    return next((s for s in reversed(symbols) if _is_watched(s)), first[0] if first else None)


def is_bound(node: tuple[Any, ...], name: str) -> bool:
    """Whether statements give a name something, however little is known of that."""
    # a name may be spelled like an op: only a node has a place behind it
    op = node[0] if len(node) > 2 and type(node[1]) is tuple else None
    if op == "=" and len(node) == 4:
        return any(_names(target, name) for target in node[2])
    if op in (":", "+=", "w", "L") and len(node) > 3 and _names(node[2], name):
        return True
    if op in ("F", "C") and len(node) == 3:
        return bool(node[2][0] == name)
    if op == "imp" and len(node) == 3:
        return any((alias or module.partition(".")[0]) == name for module, alias in node[2])
    if op == "from" and len(node) == 5:
        return any((alias or imported) == name for imported, alias in node[4])
    if op == "w/" and len(node) == 5 and any(target is not None and _names(target, name) for _, target in node[2]):
        return True
    return any(is_bound(child, name) for child in node if type(child) is tuple)


def _names(target: Any, name: str) -> bool:
    if target[0] in ("t", "l"):
        return any(_names(part, name) for part in target[2])
    return bool((target[0] == "n" and target[2] == name) or (target[0] == "*" and _names(target[2], name)))


def _is_watched(symbol: str) -> bool:
    """Whether it is known what a library has under this name."""
    if symbol in knowledge.FACTORY_MAKERS or symbol in knowledge.ENGINE_MAKERS or symbol in knowledge.RAW_CONNECTIONS:
        return True
    if symbol in _STARTS or knowledge.handle_kind(symbol) is not None:
        return True
    return knowledge.JWT_DECODERS.match(symbol) is not None or network.is_network(symbol)


__all__ = ["found", "is_bound"]
