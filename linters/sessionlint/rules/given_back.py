"""Functions that open nothing: what they hand out is among the arguments that their caller gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Handle, contained

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def is_given_back(program: Program, event: Event, handle: Handle) -> bool:
    """Whether a function only looks for what it hands out, in ``*args`` or in a list for example."""
    looking = event.callee
    if looking is None or _opens(looking, handle):
        return False
    given = (program.solver.peek(("param", looking, name)) for name, *_ in looking.params)
    return any(atom == handle for value in given for atom in contained(value))


def _opens(function: FunctionInfo, handle: Handle) -> bool:
    """Whether a function, or one that it gets the handle from, makes it."""
    key = (handle.kind, handle.root)
    seen: set[FunctionInfo] = set()
    current: FunctionInfo | None = function
    while current is not None and current not in seen:
        if any(e.kind == "create" and e.site == handle.root for e in current.events):
            return True
        seen.add(current)
        hop = current.summary.sources.get(key)
        current = hop.callee if hop is not None else None
    return False
