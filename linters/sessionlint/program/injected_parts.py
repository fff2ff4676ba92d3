"""``user, token = Depends(both)``: what a dependency returns side by side, for whoever takes it apart."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import Value, join

_CONTAINERS = ("seq", "map")


def with_parts(frame: Frame, value: Value) -> Value:
    """A value, and the tuples and dictionaries that the dependencies in it are known to return."""
    for atom in value:
        if atom.tag == "injected":
            parts: Value = frame.solver.ask("views_among", atom, _CONTAINERS)
            value = join(value, tuple([part for part in parts if _is_whole(part)]))
    return value


def _is_whole(part: Any) -> bool:
    """Whether it is known what stands where: not in a list of which only the elements are."""
    return not (part.many if part.tag == "seq" else part.partial)


__all__ = ["with_parts"]
