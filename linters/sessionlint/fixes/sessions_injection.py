"""An endpoint that opens its session has it injected instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import add_argument, add_parameter, parameters
from sessionlint.fixes.moves_imports import add_import, import_for
from sessionlint.fixes.scopes import refuse_without_scopes
from sessionlint.fixes.sessions_opening import handed_out, session_of
from sessionlint.fixes.sessions_settings import refuse_other_settings
from sessionlint.fixes.transactions_checks import is_committed
from sessionlint.fixes.transactions_flow import Flow, Session
from sessionlint.program.values import Injected
from sessionlint.rules.remedies import gives_session
from sessionlint.rules.transactions import behind, closing_commits, commits_on_exit, injector, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo


def inject_instead(context: Context, edit: Edit, event: Event) -> None:
    """The ``with`` that opens the session gives way to a parameter; a block stays where leaving it committed."""
    function, path = event.function, event.path
    node, handle = context.node_of(function), session_of(context, event)
    call, item, block, name = opening_block(context, event)
    if not context.policy.session_dependencies:
        refuse("the policy names no session dependency")
    if handle.begun:
        refuse("the session begins its transaction when it is opened", path, event.span[0])
    flow = Flow(context, function, Session(handle, name, handle.is_async))
    approved = _approved_dependency(context)
    refuse_names(flow, block, name)
    refuse_shared(context, function)
    refuse_other_settings(context, handle, handed_out(context, approved), path, event.span[0])
    commits = closing_commits(context.program, function, handle)
    if commits is None:
        refuse("whether leaving the block commits is not known", path, event.span[0])
    if commits and (flow.commits or flow.inner_commits or flow.rollbacks or flow.blocks):
        refuse("the block commits when it is left, and its statements end transactions themselves", path, event.span[0])
    if not commits and commits_on_exit(context.program, approved) is not False and leaves_writes(flow):
        refuse(f"{approved.qualname}() commits what is left, unlike this block", approved.path, approved.header[0])
    if commits:
        edit.replace(path, call, f"{name}.begin()")
        edit.change(path, item, lambda old: old.with_changes(asname=None))
    else:
        edit.unwrap(path, block)
    add_session(context, edit, function, node, name, is_async=handle.is_async)


def opening_block(context: Context, event: Event) -> tuple[cst.Call, cst.WithItem, cst.With, str]:
    """The call that opens a session, the ``with`` it stands in and nothing else does, and the session's name."""
    source, path = context.source(event.path), event.path
    call = source.node_at(event.span, cst.Call)
    item = source.parents[call]
    block = source.parents.get(item)
    if not isinstance(item, cst.WithItem) or not isinstance(block, cst.With):
        refuse("the session is not opened by a with", path, event.span[0])
    name = item.asname.name.value if item.asname is not None and isinstance(item.asname.name, cst.Name) else ""
    if not name or len(block.items) > 1 or not isinstance(block.body, cst.IndentedBlock):
        refuse("the with opens more than the session, or gives it no name", path, event.span[0])
    return call, item, block, name


def add_session(
    context: Context, edit: Edit, function: FunctionInfo, node: cst.FunctionDef, name: str, *, is_async: bool
) -> None:
    """Gives an endpoint a parameter for the approved dependency; who calls it directly hands its own session over."""
    path = function.path
    kind = add_import(edit, path, "sqlalchemy.ext.asyncio" if is_async else "sqlalchemy.orm",
                      "AsyncSession" if is_async else "Session")  # fmt: skip
    depends = add_import(edit, path, "fastapi", "Depends")
    dependency = import_for(edit, path, context.policy.session_dependencies[0])
    # a dependency that commits has to do so before the response
    commits = bool(commits_on_exit(context.program, _approved_dependency(context)))
    if commits:
        refuse_without_scopes(context, path)
    scope = ', scope="function"' if commits else ""
    add_parameter(edit, path, node, f"{name}: {kind} = {depends}({dependency}{scope})")
    callers = context.callers(function)
    for mention in callers.unknown:
        refuse(f"{function.qualname}() is {mention.why}", mention.path, mention.line)
    for site in callers.calls:
        if site.function is None or site.event is None:
            refuse(f"{function.qualname}() is called directly, by what has no session to give", site.path, site.line)
        sessions = [e.name for e in site.function.events if e.kind == "inject" and context.program.sessions(e.subject)]
        if len(sessions) != 1:
            refuse(f"{function.qualname}() is called directly, by what has no session to give", site.path, site.line)
        add_argument(edit, site.path, site.node, f"{name}={sessions[0]}")


def _approved_dependency(context: Context) -> FunctionInfo:
    wanted = context.policy.session_dependencies[0]
    for function in context.program.approved_dependencies:
        if wanted.endswith(f".{function.qualname}"):
            if not gives_session(context.program, function):
                refuse(f"{wanted} gives no session to an endpoint that depends on it")
            return function
    return refuse(f"the policy's {wanted} is no function of the program")


def leaves_writes(flow: Flow) -> bool:
    """Whether something is written that no commit and no block of the function saves."""
    owned, points = [block for block, _, _ in flow.blocks], [*flow.commits, *flow.inner_commits]
    loose = (w for w in flow.writes if not any(flow.holds(block, w) for block in owned))
    return any(not is_committed(flow, write, points) for write in loose)


def refuse_names(flow: Flow, block: cst.With, name: str) -> None:
    """The session now lives as long as the request: its name must mean nothing else in the function."""
    source, path = flow.source, flow.path
    if any(parameter.name.value == name for parameter in parameters(flow.node)):
        refuse(f"the function has a parameter {name} already", path, source.line(flow.node))
    around = source.span(block)
    for node in source.walk(flow.node.body):
        if isinstance(node, cst.Name) and node.value == name:
            span = source.span(node)
            if not (around[:2] <= span[:2] and span[2:] <= around[2:]):
                refuse(f"{name} is used outside the block, too", path, span[0])
    for outer in source.ancestors(block):
        if outer is flow.node:
            return
        if isinstance(outer, cst.For | cst.While):
            refuse("every round of a loop opens a session of its own", path, source.line(outer))
        if isinstance(outer, cst.FunctionDef | cst.Lambda):
            refuse("an inner function opens the session", path, source.line(block))


def refuse_shared(context: Context, function: FunctionInfo) -> None:
    """A dependency that uses the injected session has begun its transaction before the endpoint runs."""
    program = context.program
    for dependency in request_dependencies(program, function):
        for target in behind(program, dependency):
            for effect in target.summary.effects:
                subject = effect.subject
                uses = isinstance(subject, Injected) and effect.kind in ("use", "txn") and effect.name != "close"
                if uses and injector(program, subject) in program.approved_dependencies:
                    path, span = dependency.site
                    refuse(f"the dependency {target.qualname}() uses that session first", path, span[0])
