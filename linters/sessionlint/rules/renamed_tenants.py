"""Tenant ids that are passed on to a parameter of another name: ``rows_of(user.tenant_id)`` for ``rows_of(key)``."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Param
from sessionlint.rules.tenancy import is_tenant_expression, is_tenant_name
from sessionlint.rules.tenant_fields import handles_data

#: Tuples, lists and sets as they are written.
_LISTS = frozenset({"t", "l", "e"})


def passing_tenants(listing: FileListing, names: tuple[str, ...]) -> Iterator[Event]:
    """The calls of a file that are passed something by a tenant's name."""
    for event in listing.by_kind.get("call", ()):
        expr = event.expr
        if expr is not None and expr[0] == "c" and any(_by_name(a, names) for a in _arguments(expr)):
            yield event


def _arguments(call: ir.Expr) -> tuple[ir.Expr, ...]:
    return (*call[3], *[value for _, value in call[4]]) if call[4] else call[3]


def _by_name(expr: ir.Expr, names: tuple[str, ...]) -> bool:
    if expr[0] == "i":
        return expr[3][0] == "k" and expr[3][2] in names
    if expr[0] in _LISTS:
        return any(_by_name(element, names) for element in expr[2])
    return expr[0] in ("a", "n") and expr[-1] in names


def under_another_name(program: Program, event: Event) -> tuple[FunctionInfo, str] | None:
    """The callee, which works on data, and its parameter that a call fills with a tenant id."""
    callee, expr = event.callee, event.expr
    if callee is None or expr is None or not _works_on_data(program, callee):
        return None
    positions = [p[0] for p in callee.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    if callee.class_info is not None and not callee.is_staticmethod:
        positions = positions[1:]
    given = [*zip(positions, expr[3], strict=False), *expr[4]]
    # the column itself is no tenant's id
    columns = {k.name for k, v in event.bindings if isinstance(k, Param) and any(a.tag == "column" for a in v)}
    known = {p[0] for p in callee.params} - columns
    for name, value in given:
        if name in known and not is_tenant_name(program, name) and _is_tenant(program, value):
            return callee, str(name)
    return None


def _is_tenant(program: Program, expr: ir.Expr) -> bool:
    """Whether an argument reads a tenant by name, or lists some: ``only=[tenant_id]``."""
    if expr[0] in _LISTS:
        return any(is_tenant_expression(program, element) for element in expr[2])
    return is_tenant_expression(program, expr)


def _works_on_data(program: Program, function: FunctionInfo) -> bool:
    return any(e.kind == "predicate" for e in function.events) or handles_data(program, function)
