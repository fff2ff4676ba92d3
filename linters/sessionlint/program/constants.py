"""Constants that say they are: ``order: ClassVar[str] = "name"``, ``TABLE: Final = "items"``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import ANY_TEXT, Ext, Value

#: What a class variable that is a text is declared as, and one of which nothing is said.
_TEXTS = (ANY_TEXT, Ext("typing.ClassVar()"))


def is_declared(frame: Frame, annotation: ir.Expr, value: Value) -> bool:
    """Whether a literal's annotation says that nobody gives another one: its type tells nothing more, then."""
    if not value or any(a.tag != "const" or a.value is None for a in value):
        return False
    marks = _marks(frame, annotation)
    if "ClassVar" in marks:
        return True
    return "Final" in marks and (frame.class_scope is None or not _has_fields(frame, frame.class_scope))


def is_left_to_classes(frame: Frame, annotation: ir.Expr, typed: Value) -> bool:
    """``table: ClassVar[str]`` without a value: a text that the classes below write, and no object of its own has."""
    return len(typed) == 1 and typed[0] in _TEXTS and "ClassVar" in _marks(frame, annotation)


def _marks(frame: Frame, annotation: ir.Expr) -> list[str]:
    named = annotation[2] if annotation[0] == "i" else annotation
    if named[0] not in ("n", "a"):
        return []
    return [a.name.rpartition(".")[2] for a in frame.evaluate(named) if a.tag == "ext"]


def _has_fields(frame: Frame, info: Any) -> bool:
    """Whether a class takes what its body names as arguments, or from outside: data classes, settings."""
    return info.maker is not None or bool(info.decorators) or bool(frame.solver.external_bases(info))
