"""What a decorator's inner function does around a call of what it wraps: itself, and by what else it calls.

What the wrapped functions do is told of each by itself; what is done besides happens at every call of any of them,
under conditions of its own, also where a wrapped function does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.guards import either, is_called_as, wanted_of

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import Effect, FunctionInfo


def note(frame: Frame, effect: Effect, callee: Any, under: frozenset[Any]) -> None:
    """An effect that is not one of a function which the evaluated one is put around."""
    function = frame.function
    if callee is not None and function in callee.wrappers:
        return
    for guard in under:
        if is_called_as(guard) and _is_wrapped(function, wanted_of(guard)):
            return
    known = frame.around.get(effect)
    frame.around[effect] = under if known is None else either(known, under)


def _is_wrapped(function: FunctionInfo, wanted: Any) -> bool:
    return any(atom.tag == "fn" and function in atom.info.wrappers for atom in wanted)


__all__ = ["note"]
