"""Functions that are given a tenant id for later: ``add_task(f, tenant_id=…)``, ``partial(f, tenant_id=…)``, tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Param, Pending
from sessionlint.rules.tenancy import is_tenant_name

#: Combined signatures, whose parts are tasks with their arguments.
_COMBINED = tuple([f"celery.{place}{kind}" for place in ("", "canvas.") for kind in ("chain", "group", "chord")])
_POSITIONAL = (ir.KIND_POSONLY, ir.KIND_NORMAL)


def preparing(listing: FileListing) -> Iterator[Event]:
    """The calls of a file that make a function with some of its arguments, or combine such ones."""
    external = listing.by_kind.get("external", ())
    return (e for e in external if e.name == "functools.partial" or e.name in _COMBINED)


def prepared(program: Program, event: Event) -> Iterator[tuple[FunctionInfo, str]]:
    """The functions and their tenant parameters that ``partial(f, tenant_id=…)`` fills in."""
    if event.name in _COMBINED:
        for atom in (a for value in event.args for a in value):
            yield from _of_partial(program, atom)
        return
    for atom in event.args[0] if event.args else ():
        if atom.tag == "fn":
            names = [k for k, _ in event.keywords]
            yield from _filled(program, atom.info, len(event.args) - 1, names)
            if any(p[1] == ir.KIND_KWARGS for p in atom.info.params):
                known = {p[0] for p in atom.info.params}
                yield from ((atom.info, n) for n in names if n not in known and is_tenant_name(program, n))


def scheduled(program: Program, event: Event) -> Iterator[tuple[FunctionInfo, str]]:
    """The started functions and their tenant parameters, given in ``add_task(f, …)`` or ``create_task(f(…))``."""
    pending = [a for v in (event.value, *event.args) for a in v if isinstance(a, Pending)]
    for work in pending:
        for identity, value in work.bindings:
            if isinstance(identity, Param) and identity.info is work.info and is_tenant_name(program, identity.name):
                default = work.info.param_values.get(identity.name, ((), ()))[1]
                # a coroutine cannot be made without what has no default
                asked = event.text == "task" and any(p[0] == identity.name and p[3] is None for p in work.info.params)
                if value != default or asked:
                    yield work.info, identity.name
    if event.text == "task":
        return
    names = [k for k, _ in event.keywords]
    for atom in event.value:
        if atom.tag == "partial":
            yield from _of_partial(program, atom, len(event.args) - len(names), names)
        elif atom.tag in ("fn", "pending"):
            yield from _filled(program, atom.info, len(event.args) - len(names), names)


def _of_partial(program: Program, atom: Any, count: int = 0, names: list[str] | None = None) -> Iterator[Any]:
    if atom.tag == "partial":
        given = [*(names or ()), *(k for k, _ in atom.keywords)]
        for inner in atom.function:
            if inner.tag == "fn":
                yield from _filled(program, inner.info, count + len(atom.args), given)


def _filled(
    program: Program, function: FunctionInfo, count: int, names: list[str]
) -> Iterator[tuple[FunctionInfo, str]]:
    """A function and its tenant parameters among the first ones and those that are given by name."""
    params = [p[0] for p in function.params if p[1] in _POSITIONAL]
    is_bound = function.class_info is not None and not function.is_staticmethod
    # a task that is bound gets itself first
    if is_bound or (params and params[0] == "self"):
        params = params[1:]
    known = {p[0] for p in function.params}
    for name in dict.fromkeys([*params[:count], *names]):
        if name in known and is_tenant_name(program, name):
            yield function, name


__all__ = ["prepared", "preparing", "scheduled"]
