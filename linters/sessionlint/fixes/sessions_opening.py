"""Background work and scripts open their session with the approved context manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_imports import import_for
from sessionlint.fixes.sessions_settings import refuse_other_settings
from sessionlint.fixes.source import Source
from sessionlint.fixes.transactions_checks import is_committed
from sessionlint.fixes.transactions_flow import Flow, Session, exits
from sessionlint.fixes.transactions_session import code_of
from sessionlint.program.values import Handle, Injected
from sessionlint.rules.opening import main_handle
from sessionlint.rules.remedies import called, needs_arguments
from sessionlint.rules.transactions import closing_commits, commits_on_exit, injector

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo


def open_instead(context: Context, edit: Edit, event: Event) -> str:
    """The call in a ``with``, or before a ``try`` that closes in ``finally``, gives way to the context manager.

    Gives what the title of the change has to add.
    """
    handle = session_of(context, event)
    approved = approved_context(context)
    source = context.source(event.path)
    call = source.node_at(event.span, cst.Call)
    if event.callee is not None and call.args:
        refuse("the call passes arguments, which the approved context manager does not take")
    flow = Flow(context, event.function, Session(handle, code_of(context, event.function, handle), handle.is_async))
    refuse_other_ending(context, flow, approved)
    note = refuse_other_settings(context, handle, handed_out(context, approved), event.path, event.span[0])
    opening = f"{import_for(edit, event.path, context.policy.session_contexts[0])}()"
    parent = source.parents[call]
    if isinstance(parent, cst.WithItem):
        holder = source.parents[parent]
        assert isinstance(holder, cst.With)
        _refuse_other_kind(holder.asynchronous is not None, approved, event)
        edit.replace(event.path, call, opening)
        if handle.begun:
            refuse("the session begins its transaction when it is opened")
    elif isinstance(parent, cst.For):
        _loop_to_block(edit, source, parent, flow, opening)
    else:
        _try_to_block(edit, source, call, flow, opening)
    return note


def session_of(context: Context, event: Event) -> Handle:
    """The one session that a call opens."""
    handle = main_handle(event.subject)
    if handle is None or handle.kind != "session":
        refuse(f"it is {('an ' + handle.kind) if handle else 'something'} and no session that is opened")
    return handle


def approved_context(context: Context) -> FunctionInfo:
    """The function behind the policy's first context manager, which has to take no arguments."""
    names = context.policy.session_contexts
    if not names:
        refuse("the policy names no session context")
    for function in sorted(context.program.approved_contexts, key=lambda f: (f.path, f.header)):
        if names[0].endswith(f".{called(function)}"):
            method = function.class_info is not None and called(function) == function.qualname
            if needs_arguments(function) or (method and not function.is_staticmethod):
                refuse(f"{called(function)}() needs arguments", function.path, function.header[0])
            return function
    return refuse(f"the policy's {names[0]} is no function of the program")


def handed_out(context: Context, function: FunctionInfo) -> Handle:
    """The session that a source of sessions hands out, followed to where it is made."""
    for _ in range(6):
        handed = function.summary.yields if function.is_generator else function.summary.returns
        injected = [a for a in handed if isinstance(a, Injected)]
        source = injector(context.program, injected[0]) if injected else None
        found = [a for a in handed if isinstance(a, Handle) and a.kind == "session"]
        if len(found) == 1 and source is None:
            return found[0]
        if source is None:
            break
        function = source
    return refuse(f"what {function.qualname}() hands out is not known", function.path, function.header[0])


def refuse_other_ending(context: Context, flow: Flow, approved: FunctionInfo) -> None:
    """What is written must be saved as before, and no more than that."""
    old = closing_commits(context.program, flow.function, flow.session.atom)
    new = commits_on_exit(context.program, approved)
    if new is None:
        refuse(f"whether {approved.qualname}() commits is not known", approved.path, approved.header[0])
    if old is new:
        return
    inside = [block for block, _, _ in flow.blocks]
    own = [*flow.commits, *flow.inner_commits]
    for write in flow.writes:
        if any(flow.holds(block, write) for block in inside) or is_committed(flow, write, own):
            continue
        what = f"{approved.qualname}() commits what is left" if new else f"{approved.qualname}() does not commit"
        refuse(f"{what}, unlike what opens the session now", flow.path, write[0])


def _refuse_other_kind(is_async: bool, approved: FunctionInfo, event: Event) -> None:
    if is_async is not approved.is_async:
        kind = "asynchronous" if approved.is_async else "synchronous"
        refuse(f"{approved.qualname}() is {kind}, and this block is not", event.path, event.span[0])


def _loop_to_block(edit: Edit, source: Source, loop: cst.For, flow: Flow, opening: str) -> None:
    """``async for session in get_db():`` becomes ``async with get_session() as session:``."""
    leaving = [e for s in loop.body.body for e in exits(flow, s) if isinstance(e, cst.Break | cst.Continue)]
    if leaving or loop.orelse is not None or not isinstance(loop.target, cst.Name):
        place = leaving[0] if leaving else loop
        refuse("the loop over the generator is left by break or continue", source.path, source.line(place))
    name = loop.target.value

    def change(old: cst.For) -> cst.With:
        item = cst.WithItem(cst.parse_expression(opening), cst.AsName(cst.Name(name)))
        return cst.With([item], old.body, asynchronous=old.asynchronous, leading_lines=old.leading_lines)

    edit.change(source.path, loop, change)


def _try_to_block(edit: Edit, source: Source, call: cst.Call, flow: Flow, opening: str) -> None:
    """``session = factory()``, then ``try: … finally: await session.close()``."""
    statement = source.statement(call)
    only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    body = list(source.block(statement).body)
    following = body[body.index(statement) + 1] if body.index(statement) + 1 < len(body) else None
    if not isinstance(only, cst.Assign | cst.AnnAssign) or not isinstance(following, cst.Try):
        refuse("the session is neither opened by a with nor closed in the finally of a try below it")
    closing = following.finalbody
    lines = [source.code(line).strip() for line in closing.body.body] if closing is not None else []
    name = flow.session.code
    if lines not in ([f"await {name}.close()"], [f"{name}.close()"]):
        refuse(
            "the finally does more than close the session, or does not close it", source.path, source.line(following)
        )
    if any(flow.mentions(later) for later in body[body.index(following) + 1 :]):
        refuse("the session is used after it was closed", source.path, source.line(following))
    head = f"{'async ' if flow.session.is_async else ''}with {opening} as {name}:"
    edit.remove(source.path, statement)
    if following.handlers:
        edit.change(source.path, following, lambda old: old.with_changes(finalbody=None))
        edit.wrap(source.path, following, following, head)
        return

    def change(old: cst.Try) -> cst.With:
        made = cst.parse_statement(f"{head}\n    pass\n")
        assert isinstance(made, cst.With)
        return made.with_changes(body=old.body, leading_lines=old.leading_lines)

    edit.change(source.path, following, change)
