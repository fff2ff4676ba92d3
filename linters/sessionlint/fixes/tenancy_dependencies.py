"""TXN304: tenant resolvers in the ``dependencies`` of a route, a router or an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import remove_argument, removed
from sessionlint.rules.authentication import authentication
from sessionlint.rules.tenant_resolvers import resolves_tenant

if TYPE_CHECKING:
    from sessionlint.program.values import Dependency, Value
    from sessionlint.report import Finding


def drop_listed(context: Context, edit: Edit, finding: Finding) -> None:
    """Takes the tenant resolvers out of ``dependencies=[…]`` at a finding, and the list when nothing is left in it.

    Refuses where one of them alone authenticates the requests.
    """
    source = context.source(finding.path)
    call = source.node_at(finding.span, cst.Call)
    given = next((a for a in call.args if a.keyword is not None and a.keyword.value == "dependencies"), None)
    if given is None or not isinstance(given.value, cst.List):
        refuse("the list of dependencies is written elsewhere")
    span = (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)
    listed = context.program.dependencies_in(_dependencies(context, finding.path, span))
    places = {source.span(element.value): index for index, element in enumerate(given.value.elements)}
    going: dict[int, Dependency] = {}
    for dependency in listed:
        if resolves_tenant(context.program, dependency):
            path, at = dependency.site
            if path != finding.path or at not in places:
                refuse("the resolver is put together elsewhere", path, at[0])
            going[places[at]] = dependency
    if not going:
        refuse("the resolver is not written in the list of dependencies")
    known = authentication(context.program)
    staying = [d for d in listed if d not in going.values()]
    if any(known.guards(d) for d in going.values()) and not any(known.guards(d) for d in staying):
        refuse("the resolver is the only thing in the list that authenticates the request")
    if len(going) == len(given.value.elements):
        remove_argument(edit, finding.path, call, given)
        return

    def change(old: cst.List) -> cst.List:
        elements = list(old.elements)
        for index in sorted(going, reverse=True):
            elements = removed(elements, index)
        return old.with_changes(elements=elements)

    edit.change(finding.path, given.value, change)


def _dependencies(context: Context, path: str, span: tuple[int, int, int, int]) -> Value:
    """The ``dependencies`` that a decorator, a router or an ``include_router`` at a place is given."""
    program = context.program
    for function in program.functions:
        for route in function.routes:
            if (route.path_of_file, route.span) == (path, span):
                on_route: Value = route.dependencies
                return on_route
    options: dict[str, Value] = {**program.solver.routers, **program.solver.include_options}.get((path, span), {})
    return options.get("dependencies", ())
