"""``user, token = Depends(both)``: what a dependency returns side by side, for whoever takes it apart."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import Value, join

_CONTAINERS = ("seq", "map", "inst")


def with_parts(frame: Frame, value: Value) -> Value:
    """A value, and the tuples, records and dictionaries that the dependencies in it are known to return."""
    for atom in value:
        if atom.tag == "injected":
            parts: Value = frame.solver.ask("views_among", atom, _CONTAINERS)
            value = join(value, tuple([part for part in parts if _is_whole(frame, part)]))
    return value


def _is_whole(frame: Frame, part: Any) -> bool:
    """Whether it is known what stands where: not in a list of which only the elements are."""
    if part.tag == "inst":
        return frame.solver.is_record(part.info)
    return not (part.many if part.tag == "seq" else part.partial)


__all__ = ["with_parts"]
