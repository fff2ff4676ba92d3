"""Columns of subqueries by the names that they are given: ``Item.owner.label("who")``, then ``rows.c.who``.

Which subquery a column is taken from is not told: within one function all that has the name has to be such a column.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.predicates import tenant_name
from sessionlint.program.values import UNKNOWN, Const, Value, literal

METHOD = "label"
#: Stands for what is given a name and is no column of a tenant.
_OTHER = Const(False, "bool")


def note(frame: Frame, labelled: Any, args: list[Value]) -> None:
    """Something of a query is given a name."""
    name = literal(args[0]) if args else None
    if isinstance(name, str):
        of_tenant = labelled.tag == "column" and labelled.owner is not None and tenant_name(frame, labelled.name)
        frame.solver.write(_cell(frame, name), (labelled if of_tenant else _OTHER,))


def column(frame: Frame, name: str) -> Value:
    """The tenant's column of a subquery that has this name."""
    found = frame.solver.read(_cell(frame, name))
    return found if found and _OTHER not in found else UNKNOWN


def _cell(frame: Frame, name: str) -> tuple[Any, ...]:
    return ("named column", frame.function, name)


__all__ = ["METHOD", "column", "note"]
