"""Foreign keys that a table declares beside its columns: ``ForeignKeyConstraint(["box"], ["boxes.id"])``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.strings import texts_of
from sessionlint.program.values import Value

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

#: A constraint by the place it stands in, and what its columns point at.
_Constraint = tuple["ir.Span4", dict[str, str]]


def constrained_in(program: Program, path: str, span: ir.Span4) -> dict[str, str]:
    """The columns of a class or table to which a constraint written inside of it gives a target, with that target."""
    found: dict[str, str] = {}
    for where, targets in program.shared(_constraints).get(path, ()):
        if _is_inside(where, span):
            found.update(targets)
    return found


def beside(program: Program, column: Event) -> dict[str, str]:
    """The same for the ``Table(…)`` that a column is an argument of."""
    if column.path not in program.shared(_constraints):
        return {}
    tables = program.shared(_tables).get(column.path, ())
    around = next((span for span in tables if _is_inside(column.span, span)), None)
    return constrained_in(program, column.path, around) if around is not None else {}


def _constraints(program: Program) -> dict[str, list[_Constraint]]:
    found: dict[str, list[_Constraint]] = {}
    for event in program.events("external"):
        if event.name == "sqlalchemy.ForeignKeyConstraint":
            named = {**dict(zip(("columns", "refcolumns"), event.args, strict=False)), **dict(event.keywords)}
            columns, targets = _names(named.get("columns", ())), _names(named.get("refcolumns", ()))
            if len(columns) == len(targets):
                found.setdefault(event.path, []).append((event.span, dict(zip(columns, targets, strict=True))))
    return found


def _tables(program: Program) -> dict[str, list[ir.Span4]]:
    found: dict[str, list[ir.Span4]] = {}
    for event in program.events("external"):
        if event.name == "sqlalchemy.Table":
            found.setdefault(event.path, []).append(event.span)
    return found


def _names(value: Value) -> list[str]:
    """The literals in a list; none where one of them is not known."""
    if len(value) != 1 or value[0].tag != "seq" or value[0].many:
        return []
    texts = [texts_of(item)[:1] for item in value[0].items]
    return [text[0].text for text in texts] if all(t and not t[0].dynamic for t in texts) else []


def _is_inside(inner: ir.Span4, outer: ir.Span4) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]
