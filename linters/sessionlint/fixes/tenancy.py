"""TXN301 to TXN304: tenant conditions, parameters, arguments and resolvers taken out of the whole program."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError, Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.source import Function, Source
from sessionlint.fixes.tenancy_dependencies import drop_listed
from sessionlint.fixes.tenancy_functions import condition_at, conditions_of, erase, is_choice
from sessionlint.fixes.tenancy_removal import BEYOND, removal_of
from sessionlint.fixes.tenancy_sql import SqlMove, literals, move
from sessionlint.program.model import FunctionInfo
from sessionlint.report import Finding
from sessionlint.rules.authentication import authentication
from sessionlint.rules.tenancy import is_tenant_name, tenant_parameters


def drop_condition(context: Context, finding: Finding) -> Proposal:
    """TXN301: all tenant conditions of the function go, with what only fed them; or those of its tenant parameter."""
    source = context.source(finding.path)
    node = _condition(source, context, finding)
    function = source.function(node)
    whole = _with_parameter(context, finding, node)
    if whole is not None:
        return whole
    everything = list(conditions_of(context, source, function))
    try:
        edit = _locally(context, source, function, conditions=everything)
    except CannotFixError:
        edit = _locally(context, source, function, conditions=[node])
    return edit.proposal(finding, "Remove the tenant from the query", "unsafe")


def drop_sql_condition(context: Context, finding: Finding) -> Proposal:
    """TXN302: the condition goes from the text, and its value from the parameters."""
    source = context.source(finding.path)
    function = source.function(source.node_at(finding.span, cst.BaseExpression))  # type: ignore[type-abstract]
    found = list(literals(context.program, source, function or source.module))
    if not found:
        refuse("the text is put together outside the function")
    whole = _with_parameter(context, finding, None)
    if whole is not None:
        return whole
    moves = [move(context.policy, source, function, literal) for literal in found]
    edit = _locally(context, source, function, texts=moves)
    return edit.proposal(finding, "Remove the tenant from the SQL text", "unsafe")


def drop_parameter(context: Context, finding: Finding) -> Proposal:
    """TXN303: the parameter goes, with every argument for it in the program and everything it fed."""
    return removal_of(context, _parameters_of(context, finding)).proposal(finding)


def drop_resolver(context: Context, finding: Finding) -> Proposal:
    """TXN304: the injected parameter goes where its value only chooses rows, or serves for nothing.

    A resolver in ``dependencies=[…]`` gives nobody a value, so it goes from the list.
    """
    function = context.function_at(finding.path, finding.span.line, finding.span.column)
    place = (finding.span.line, finding.span.column)
    named = [p[0] for p in function.params if p[4][:2] == place] if function is not None else []
    if function is None or not named:
        edit = context.edit()
        drop_listed(context, edit, finding)
        return edit.proposal(finding, "Remove the tenant resolver", "unsafe")
    _check_authentication(context, function, named[0])
    return removal_of(context, [(function, named[0])]).proposal(finding)


def _locally(
    context: Context, source: Source, function: Function | None, *,
    conditions: Iterable[cst.CSTNode] = (), texts: Iterable[SqlMove] = (), arguments: Iterable[cst.Arg] = (),
) -> Edit:  # fmt: skip
    edit = context.edit()
    erase(context, edit, source, function, list(conditions), list(texts), list(arguments))
    return edit


def _condition(source: Source, context: Context, finding: Finding) -> cst.CSTNode:
    span = (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)
    name = next((event.name for event in context.events_at(finding.span, "predicate")), "")
    node = condition_at(source, span, name)
    if node is None:
        refuse("the condition is in a dictionary, or made by another function")
    if not is_choice(source, node):
        refuse("the condition asks for something else than the rows of a tenant")
    return node


def _parameters_of(context: Context, finding: Finding) -> list[tuple[FunctionInfo, str]]:
    """What a finding of TXN303 is about: the parameter it stands at, or that of the function its trace leads to."""
    if finding.trace:
        step = finding.trace[0]
        function = context.function_at(step.path, step.line)
        found = [p[0] for p in tenant_parameters(context.program, function)] if function else []
    else:
        function = context.function_at(finding.path, finding.span.line, finding.span.column)
        place = (finding.span.line, finding.span.column)
        found = [p[0] for p in function.params if p[4][:2] == place] if function else []
    if function is None or not found:
        refuse("the parameter is not written in a def of the program")
    return [(function, name) for name in found]


def _with_parameter(context: Context, finding: Finding, node: cst.CSTNode | None) -> Proposal | None:
    """The removal of the function's tenant parameter, if that takes the condition at ``finding`` along."""
    function = context.function_at(finding.path, finding.span.line, finding.span.column)
    for name in [p[0] for p in function.params if is_tenant_name(context.program, p[0])] if function else []:
        assert function is not None
        if function.path != finding.path or context.program.role(function) in (*BEYOND, "model"):
            continue
        try:
            removal = removal_of(context, [(function, name)])
        except CannotFixError:
            continue
        if node is None or node in removal.touched:
            return removal.proposal(finding)
    return None


def _check_authentication(context: Context, function: FunctionInfo, name: str) -> None:
    """A resolver may be all that keeps strangers out."""
    known = authentication(context.program)
    dependency = function.dependencies.get(name)
    others = [d for other, d in function.dependencies.items() if other != name]
    if dependency is not None and known.guards(dependency) and not any(known.guards(other) for other in others):
        refuse("the resolver is the only thing that authenticates the request")
