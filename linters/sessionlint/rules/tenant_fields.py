"""Fields of data classes that become parameters of their constructors, where the class works on data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.values import Dependency, Param
from sessionlint.rules.tenancy import is_tenant_name

#: Class decorators that write a constructor from the fields.
_DECORATORS = frozenset(
    {
        "dataclasses.dataclass", "pydantic.dataclasses.dataclass", "attrs.define", "attrs.mutable", "attrs.frozen",
        "attr.s", "attr.attrs", "attr.define", "attr.mutable", "attr.frozen", "attr.dataclass",
    }
)  # fmt: skip
_HELD = ("session", "factory", "engine", "connection")
_SKIPPED = ("auth", "model", "test", "migration", "session")


class TenantField(NamedTuple):
    """A field with a tenant's name, and its place among the constructor's arguments."""

    owner: ClassInfo
    name: str
    span: ir.Span4
    position: int


def tenant_fields(program: Program) -> dict[ClassInfo, TenantField]:
    """The data classes that work on data and keep a tenant's id, with the field that does."""
    return {found.owner: found for found in _found(program)}


def passes(event: Event, field: TenantField) -> bool:
    """Whether a call of the class gives the field a value."""
    if any(name == field.name for name, _ in event.keywords):
        return True
    return field.position < len(event.args)


def handles_data(program: Program, function: FunctionInfo) -> bool:
    """Whether a function takes a session or works on one."""
    if any(program.sessions((Param(function, p[0]),)) for p in function.params):
        return True
    if any(
        isinstance(d, Dependency) and program.sessions(function.param_values[n][1])
        for n, d in function.dependencies.items()
    ):
        return True
    return any(e.kind in ("use", "obtain", "txn") and e.subject for e in function.events)


def _found(program: Program) -> Iterator[TenantField]:
    for info in program.classes:
        if not any(is_tenant_name(program, name) for name in info.attributes):
            continue
        if program.policy.is_session_module(info.path) or program.policy.layer_of(info.path) in _SKIPPED:
            continue
        if _is_data_class(info) and _works_on_data(program, info):
            names = [n for cls in reversed(program.solver.mro(info)) for n in cls.attributes if not n.startswith("__")]
            for name, entry in info.attributes.items():
                if is_tenant_name(program, name):
                    yield TenantField(info, name, entry[0], names.index(name))


def _is_data_class(info: ClassInfo) -> bool:
    return any(a.tag == "ext" and a.name.removesuffix("()") in _DECORATORS for a in info.decorators)


def _works_on_data(program: Program, info: ClassInfo) -> bool:
    for cls in program.solver.mro(info):
        if any(handles_data(program, method) for method in cls.methods.values()):
            return True
        for _, annotation, default, _ in cls.attributes.values():
            held = (*program.solver.instances(annotation), *default)
            if any(program.kind(a) in _HELD for a in held):
                return True
    return False
