"""Attributes of a class itself, as opposed to its instances."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    calls,
    class_values,
    library_objects,
    making_anew,
    mapped,
    predicates,
    read_below,
    records,
    subclassing,
)
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Column, Fn, Method, Value, join_all

#: What of a mapped class stands for its table.
_TABLES = (
    "__table__", "c", "columns", "mapper", "attrs", "column_attrs", "all_orm_descriptors", "local_table",
    "mapped_table", "persist_selectable", "__mapper__",
)  # fmt: skip


def attribute(frame: Frame, atom: Any, name: str, e: ir.Expr) -> Value:
    """Its methods, mapped columns and variables."""
    solver = frame.solver
    method = solver.method(atom.info, name)
    if method is not None:
        if method.is_property and frame.solver.is_model(atom.info):
            given = solver.summary_of(method).returns if predicates.is_hybrid(method) else UNKNOWN
            compared = tuple(a for a in given if a.tag == "predicate" and a.columns)
            columns = tuple(Column(atom.info, a.name) for a in given if a.tag == "column")
            return compared or columns or (Column(atom.info, name),)
        if method.is_property:
            return UNKNOWN
        return (Fn(method, atom if method.is_classmethod else None),)
    if records.builds(frame, atom.info, name):
        return (Method(atom, name),)
    if name in _TABLES and name not in atom.info.attributes and frame.solver.is_model(atom.info):
        return (atom,)
    if name == "primary_key" and name not in atom.info.attributes and frame.solver.is_model(atom.info):
        return mapped.PRIMARY_KEY
    if frame.solver.is_model(atom.info) and _is_mapped(frame, atom.info, name):
        return (Column(atom.info, mapped.column_name(frame, atom.info, name)),)
    value = class_values.chosen(frame, atom.info, name, solver.attribute(atom.info, name), e)
    if value:
        return value
    own = solver.of_metaclass(atom.info, name)
    if own is not None and own.is_property:
        return read_below.told(frame, own, calls.call_function(frame, solver.bound(own, atom), [], [], e, run=True))
    if own is not None:
        return (solver.bound(own, atom),)
    if name == "__name__":
        return UNKNOWN
    if name == subclassing.BELOW:
        return (Method(atom, name),)
    if solver.class_kind(atom.info):
        return (Method(atom, name),)
    if name == making_anew.BARE:
        return (Method(atom, name),)
    if name == "query":
        return _of_base(frame, atom, name)
    return library_objects.of_class(frame, atom, name) if name == library_objects.NEW else UNKNOWN


def _of_base(frame: Frame, atom: Any, name: str) -> Value:
    """``Base.query = registry.query_property()`` of a base that a library has made; a mixin has that of those below."""
    around = (atom.info, *frame.solver.subclasses(atom.info))
    bases = {base for info in around for base in frame.solver.external_bases(info) if base.endswith("()")}
    return join_all([frame.solver.read(("state", base, name)) for base in sorted(bases)])


def _is_mapped(frame: Frame, info: Any, name: str) -> bool:
    if name.startswith("__") or name in ("metadata", "registry", "model_config", "query"):
        return False
    return not mapped.is_handle(frame, info, name)
