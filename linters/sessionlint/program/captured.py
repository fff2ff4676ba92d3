"""Work that is made inside a function and calls what that was given: ``async def safely(): await function(*args)``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Param


def handed_on(outer: FunctionInfo, work: FunctionInfo) -> list[Param]:
    """The parameters of ``outer`` that a function inside it calls, and those that it passes in such a call."""
    if not _is_inside(outer, work) or not outer.params:
        return []
    own = {p[0] for p in work.params} | set(_bound(work.body))
    given = {p[0]: p[1] for p in outer.params if p[0] not in own}
    found: dict[str, None] = {}
    for call in _calls(work.body) if given else ():
        if call[2][0] == "n" and call[2][2] in given:
            passed = [(a[2] if a[0] == "*" else a) for a in (*call[3], *[v for _, v in call[4]])]
            found[call[2][2]] = None
            found.update({a[2]: None for a in passed if a[0] == "n" and a[2] in given})
    return [Param(outer, name) for name in found]


def _is_inside(outer: FunctionInfo, work: FunctionInfo) -> bool:
    around = work.parent
    while around is not None and around is not outer:
        around = around.parent
    return around is outer and outer.name != "<module>"


def _calls(node: Any) -> Iterator[ir.Expr]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "c" and len(child) == 5:
                yield child
            yield from _calls(child)


def _bound(node: Any) -> Iterator[str]:
    """The names that statements and comprehensions below give something."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        op = child[0]
        if op in ("=", ":", "L", "w") and len(child) > 3:
            yield from _names(child[2])
        elif op == "w/" and len(child) == 5:
            yield from _names(tuple([target for _, target in child[2] if target is not None]))
        elif op == "g" and len(child) == 5:
            yield from _names(tuple([target for target, _, _ in child[4]]))
        yield from _bound(child)


def _names(node: Any) -> Iterator[str]:
    """The names in targets."""
    if type(node) is tuple and node:
        if node[0] == "n" and len(node) == 3:
            yield node[2]
            return
        for child in node:
            yield from _names(child)
