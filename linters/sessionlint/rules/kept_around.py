"""Lists and dictionaries of a function that its inner functions fill: they end with its call where those do."""

from __future__ import annotations

from typing import Any

from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.walking import nodes_below, own_nodes_below


def ends_with_call_around(event: Event) -> bool:
    """Whether an inner function keeps something in what a function around it has made, and does not outlive its call.

    One that is handed on, kept, returned or decorated may be called when that function is long gone.
    """
    owner = owner_around(event)
    inner = event.function
    while owner is not None and inner is not owner:
        parent = inner.parent
        if parent is None or not _is_only_called(inner, parent):
            return False
        inner = parent
    return owner is not None


def owner_around(event: Event) -> FunctionInfo | None:
    """The function around that has made what something is put into; ``None`` where that is the module's."""
    name = event.text.partition("[")[0].partition(".")[0]
    owner = event.function.parent
    while owner is not None and not _binds(owner, name):
        owner = owner.parent
    return None if owner is None or owner.name == "<module>" else owner


def _is_only_called(inner: FunctionInfo, owner: FunctionInfo) -> bool:
    if inner.decorators or inner.name == "<lambda>":
        return False
    called = {n[2][1] for n in nodes_below(owner.body) if n[0] == "c" and len(n) == 5 and n[2][0] == "n"}
    return all(n[1] in called for n in nodes_below(owner.body) if n[0] == "n" and len(n) == 3 and n[2] == inner.name)


def _binds(owner: FunctionInfo, name: str) -> bool:
    """Whether a name is the function's own: a parameter, or assigned there."""
    if any(param == name for param, *_ in owner.params):
        return True
    nodes = [n for n in own_nodes_below(owner.body) if len(n) > 2]
    if any(n[0] == "glob" and name in n[2] for n in nodes):
        return False
    return any(t[0] == "n" and t[2] == name for n in nodes if n[0] in ("=", ":") for t in _targets(n))


def _targets(node: Any) -> tuple[Any, ...]:
    targets: tuple[Any, ...] = node[2] if node[0] == "=" else (node[2],)
    return targets


__all__ = ["ends_with_call_around", "owner_around"]
