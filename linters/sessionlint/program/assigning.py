"""Assigning an attribute may run something: a property's setter, a descriptor, what ``@validates`` a column."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import loaded_rows
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard
from sessionlint.program.implied import run
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.row_classes import MAPPED_BY, VALIDATED
from sessionlint.program.values import UNKNOWN, Value

_SETS: Final = "__set__"


def assigned(frame: Frame, owners: Value, name: str, value: Value, target: ir.Expr) -> None:
    """Runs what assigning ``value`` to the attribute of these objects runs."""
    for atom in owners:
        if atom.tag == "inst":
            _of_object(frame, atom, name, value, target)
        elif atom.tag == "row":
            _of_row(frame, atom, name, value, target)
        elif atom.tag in ("operation", "injected"):
            # ``db.get(Page, 1)`` of a session that nobody awaits, or what a dependency has loaded
            for row in loaded_rows.rows_in(frame, (atom,)):
                _of_row(frame, row, name, value, target)
        elif atom.tag == "param":
            for view in frame.solver.ask("views_among", atom, ("inst",)):
                frame.guards.append(Guard(atom, "is", view, True))
                _of_object(frame, view, name, value, target)
                frame.guards.pop()


def _of_object(frame: Frame, owner: Any, name: str, value: Value, target: ir.Expr) -> None:
    for cls in frame.solver.mro(owner.info):
        entry = cls.attributes.get(name)
        if entry is not None:
            for descriptor in entry[2]:
                method = frame.solver.method(descriptor.info, _SETS) if descriptor.tag == "inst" else None
                if method is not None:
                    run(frame, method, descriptor, [(owner,), value], target)
        if name in cls.setters:
            run(frame, cls.setters[name], owner, [value], target)
        for method, names in cls.called[1]:
            if names is None or name in names:
                run(frame, method, owner, [UNKNOWN, value], target)


def _of_row(frame: Frame, row: Any, name: str, value: Value, target: ir.Expr) -> None:
    """Of rows it is told where all mapped classes that have such a column have it validated."""
    validated = frame.solver.read((VALIDATED, name))
    if not validated:
        return
    mapped = frame.solver.read((MAPPED_BY, name))
    methods: list[FunctionInfo] = [a.info for a in validated]
    if all(_has_one(frame, a.info, methods) for a in mapped):
        for method in methods:
            run(frame, method, row, [UNKNOWN, value], target)


def _has_one(frame: Frame, info: ClassInfo, methods: list[FunctionInfo]) -> bool:
    return any(method in cls.methods.values() for cls in frame.solver.mro(info) for method in methods)


__all__ = ["assigned"]
