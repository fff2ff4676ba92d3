"""Lists in the fields of schemas: whoever sends a request gives another one than the default."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.records import ELSEWHERE, UNTOLD
from sessionlint.program.values import Seq, Value

#: Bases whose classes are made of what comes from outside.
_SCHEMAS = ("pydantic.", "pydantic_settings.", "sqlmodel.", "msgspec.")
_DATA_CLASSES = "pydantic.dataclasses."
#: Cells of the lists that fields of data classes are declared to be.
_DECLARED = "declared list"
_LISTS = frozenset({
    "list", "set", "frozenset", "List", "Set", "FrozenSet", "Sequence", "MutableSequence", "Collection", "Iterable",
    "tuple", "Tuple", "conlist", "conset",
})  # fmt: skip
_AROUND = ("Optional", "Union", "Annotated", "Required", "NotRequired")


def note(frame: Frame, name: str, annotation: ir.Expr | None, default: Value) -> None:
    """``ids: list[str] = []`` in the body of a schema: a default is never the only value."""
    owner = frame.class_scope
    if annotation is None or not any(a.tag in ("seq", "map") for a in default):
        return
    is_schema = _is_schema(frame, owner)
    elements = _elements(frame, annotation) if is_schema or owner.maker is not None else ()
    if elements:
        # a data class may be one that requests make, or not
        frame.solver.write(("attr" if is_schema else _DECLARED, owner, name), (Seq((elements,), True),))


def asked(frame: Frame, declared: Value) -> None:
    """What an endpoint or dependency is declared to take: its data classes are made of requests."""
    for info in [a.info for a in declared if a.tag in ("cls", "inst") and a.info.maker is not None]:
        for name in info.attributes:
            frame.solver.write((ELSEWHERE, info, name), UNTOLD)
            given = frame.solver.read((_DECLARED, info, name))
            if given:
                frame.solver.write(("attr", info, name), given)


def _is_schema(frame: Frame, owner: Any) -> bool:
    if any(b.startswith(_SCHEMAS) for b in frame.solver.external_bases(owner)):
        return True
    return any(a.tag == "ext" and a.name.startswith(_DATA_CLASSES) for a in owner.decorators)


def _elements(frame: Frame, annotation: ir.Expr) -> Value:
    """What a declared list has; nothing for what is no list, or may be an object of the project."""
    if annotation[0] == "b" and annotation[2] == "|":
        return _elements(frame, annotation[3]) or _elements(frame, annotation[4])
    base, inner = (annotation[2], annotation[3]) if annotation[0] == "i" else (annotation, None)
    named = [a.name.rpartition(".")[2] for a in frame.evaluate(base) if a.tag == "ext"] if base[0] in "na" else []
    if not named:
        return ()
    parts: tuple[ir.Expr, ...] = () if inner is None else inner[2] if inner[0] == "t" else (inner,)
    if named[0] in _AROUND:
        return next((found for part in parts if (found := _elements(frame, part))), ())
    if named[0] not in _LISTS:
        return ()
    if parts and parts[0][0] == "k":
        # a class that is named before there is one
        return ()
    declared = frame.solver.instances(frame.evaluate(parts[0])) if parts else ()
    if any(a.tag != "ext" for a in declared):
        return ()
    return declared or UNTOLD


__all__ = ["asked", "note"]
