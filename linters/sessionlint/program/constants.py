"""Constants with annotations: ``order: ClassVar[str] = "name"``, ``TABLE: str = "items"``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import ANY_TEXT, UNKNOWN, Value

#: Bases that give a class no constructor.
_WITHOUT_FIELDS = ("abc.", "typing.", "typing_extensions.", "builtins.object")


def is_declared(frame: Frame, annotation: ir.Expr, value: Value) -> bool:
    """Whether nobody gives another literal but by assigning it: the annotation's type tells nothing more, then.

    What fields have goes by who makes the object.
    """
    if not value or any(a.tag != "const" or a.value is None for a in value):
        return False
    if frame.class_scope is None or not _has_fields(frame, frame.class_scope):
        return True
    return "ClassVar" in _marks(frame, annotation)


def of_field(frame: Frame, annotation: ir.Expr, value: Value) -> Value:
    """``harbour: Final = "north"`` in a data class: a field that is a text, as its default is."""
    if frame.class_scope is None or value[0].tag != "const" or value[0].kind != "str":
        return UNKNOWN
    if annotation is None or annotation[0] == "i":
        return UNKNOWN
    is_field = "Final" in _marks(frame, annotation) and _has_fields(frame, frame.class_scope)
    return (ANY_TEXT,) if is_field else UNKNOWN


def is_left_to_classes(frame: Frame, annotation: ir.Expr, typed: Value) -> bool:
    """``table: ClassVar[str]`` without a value: a text that the classes below write, and no object of its own has.

    So is ``table: str`` in a class that takes no fields: an object has another one only where that is assigned.
    """
    if typed != (ANY_TEXT,):
        # one of which nothing is said
        return not typed and annotation[0] != "i" and "ClassVar" in _marks(frame, annotation)
    if frame.class_scope is not None and not _has_fields(frame, frame.class_scope):
        return True
    return "ClassVar" in _marks(frame, annotation)


def _marks(frame: Frame, annotation: ir.Expr) -> list[str]:
    named = annotation[2] if annotation[0] == "i" else annotation
    if named[0] not in ("n", "a"):
        return []
    return [a.name.rpartition(".")[2] for a in frame.evaluate(named) if a.tag == "ext"]


def _has_fields(frame: Frame, info: Any) -> bool:
    """Whether a class takes what its body names as arguments, or from outside: data classes, settings."""
    if info.maker is not None or info.decorators:
        return True
    return any(not base.startswith(_WITHOUT_FIELDS) for base in frame.solver.external_bases(info))
