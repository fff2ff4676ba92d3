"""Lists that are declared to hold numbers, UUIDs or some literals: ``ids: list[int]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program import memo as memory
from sessionlint.program import texts
from sessionlint.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame


def are_plain(value: Value) -> bool:
    """Whether whatever a declared element is, no foreign text can be in it."""
    return bool(value) and all(a.tag == "ext" and texts.is_harmless(a.name) for a in value)


def declared(frame: Frame, param: Any) -> Value:
    """The lists that a parameter is declared to be, whatever is passed: such an annotation is believed of numbers."""
    frame.solver.remember(memory.SIGNATURE, param.info, param.info.signature)
    annotation = param.info.param_values.get(param.name, (UNKNOWN, UNKNOWN))[0]
    if not any(a.tag == "annotated" for a in annotation):
        return UNKNOWN
    lists = [a for a in frame.solver.instances(annotation) if a.tag == "seq"]
    return tuple([a for a in lists if all(are_plain(item) for item in a.items)])
