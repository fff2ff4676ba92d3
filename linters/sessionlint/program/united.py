"""Dictionaries that are put together: ``claims | {"at": now}``."""

from __future__ import annotations

from sessionlint.program.frame import Frame
from sessionlint.program.values import SPREAD, Map, Value


def dictionary(frame: Frame, value: Value) -> Map | None:
    """The dictionary that a value is; what a library gave or somebody passes is one of which no key is known."""
    if len(value) == 1 and value[0].tag == "map":
        one: Map = value[0]
        return one
    if any(a.tag not in ("param", "injected", "ext") for a in value):
        return None
    seen = [v for a in value for v in (frame.solver.views(a) if a.tag != "ext" else (a,))]
    given = [a for a in seen if a.tag == "ext"]
    return Map(tuple([(SPREAD, (a,)) for a in given]), True) if given and len(given) == len(seen) else None


__all__ = ["dictionary"]
