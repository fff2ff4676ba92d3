"""A service that opens its session takes it as a parameter, and every caller of the program hands one over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.fixes.callers import CallSite
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import add_argument, add_parameter
from sessionlint.fixes.moves_imports import add_import, free_name, import_for
from sessionlint.fixes.sessions_injection import add_session, leaves_writes, opening_block, refuse_names, refuse_shared
from sessionlint.fixes.sessions_opening import approved_context, handed_out, session_of
from sessionlint.fixes.sessions_settings import refuse_other_settings
from sessionlint.fixes.transactions_checks import check_unit, refuse_raise_after, swallowed
from sessionlint.fixes.transactions_flow import Flow, Point, Session, ends_in
from sessionlint.fixes.transactions_owner import (
    end_with_the_block,
    flush_at_the_end,
    flush_instead,
    open_up,
    rewrite,
    take_out,
    units_in,
)
from sessionlint.fixes.transactions_session import code_of
from sessionlint.program.api import EXEMPT_ROLES
from sessionlint.rules.transactions import closing_commits, owned

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo


def receive_instead(context: Context, edit: Edit, event: Event) -> None:
    """The ``with`` goes, its transactions too, and each call stands in a transaction of a session of the caller."""
    function = event.function
    if function.parent is not None or function.is_generator or function.registrations:
        refuse(f"{function.qualname}() is not called like a plain function")
    handle = session_of(context, event)
    call, opened, block, name = opening_block(context, event)
    flow = Flow(context, function, Session(handle, name, handle.is_async))
    refuse_names(flow, block, name)
    commits = closing_commits(context.program, function, handle)
    if commits is None or handle.begun:
        refuse("whether leaving the block commits is not known", event.path, event.span[0])
    if flow.other_calls:
        refuse("the session is handed to code that commits", event.path, flow.other_calls[0].span[0])
    needs = bool(commits or flow.commits or flow.inner_commits or flow.blocks)
    if not commits and leaves_writes(flow):
        refuse("what is written here is never committed", event.path, event.span[0])
    refuse_other_settings(context, handle, handed_out(context, approved_context(context)), event.path, event.span[0])
    for inner in flow.source.walk(block.body):
        if isinstance(inner, cst.Try | cst.TryStar) and flow.mentions(inner.body):
            for handler in inner.handlers:
                if not ends_in(handler.body.body, cst.Raise):
                    refuse(
                        "the handler goes on, in what would be the caller's transaction", event.path, flow.line(handler)
                    )
    _release(edit, flow, block, commits=commits)
    if swallowed(flow, block, flow.node):
        # what failed here must not end the caller's transaction
        edit.replace(event.path, call, f"{name}.begin_nested()")
        edit.change(event.path, opened, lambda old: old.with_changes(asname=None))
    else:
        if commits:
            flush_at_the_end(edit, flow, block)
        edit.unwrap(event.path, block)
    kind = add_import(edit, function.path, *_session_class(is_async=handle.is_async))
    node = context.node_of(function)
    at = sum(parameter.default is None for parameter in node.params.params) + len(node.params.posonly_params)
    add_parameter(edit, function.path, node, f"{name}: {kind}")
    _Callers(context, edit, function, name, at, needs=needs, is_async=handle.is_async).adjust()


def _session_class(*, is_async: bool) -> tuple[str, str]:
    return ("sqlalchemy.ext.asyncio", "AsyncSession") if is_async else ("sqlalchemy.orm", "Session")


def _release(edit: Edit, flow: Flow, block: cst.With, *, commits: bool) -> None:
    """Takes the ``with`` and the ends of the transaction out of the service."""
    statements: list[cst.BaseStatement] = list(block.body.body)  # type: ignore[arg-type]
    if flow.begins:
        refuse("the transaction begun here has no block", flow.path, flow.line(next(iter(flow.begins))))
    check_unit(flow, statements, flow.commits, commits_on_exit=commits)
    refuse_raise_after(flow, flow.commits)
    for inner, item, _ in flow.blocks:
        open_up(edit, flow, inner, item, block)
    for point in flow.inner_commits:
        end_with_the_block(edit, flow, point)
    for point in flow.commits:
        flush_instead(edit, flow, point.statement)
    for point in flow.rollbacks:
        take_out(edit, flow, point.statement)


class _Callers:
    """The calls of one service: each gets a session, and a transaction around it when the service ``needs`` one."""

    def __init__(
        self, context: Context, edit: Edit, function: FunctionInfo, name: str, at: int, *, needs: bool, is_async: bool
    ) -> None:
        self._context = context
        self._edit = edit
        self._function = function
        self._name = name
        self._at = at
        self._needs = needs
        self._is_async = is_async
        self._given: dict[FunctionInfo, str] = {}
        self._planned: dict[FunctionInfo, tuple[Session, list[CallSite]]] = {}

    def adjust(self) -> None:
        """Changes every call. Refuses when one is not known, or has no session to give and cannot get one."""
        function = self._function
        callers = self._context.callers(function)
        for mention in callers.unknown:
            refuse(f"{function.qualname}() is {mention.why}", mention.path, mention.line)
        if not callers.calls:
            refuse(f"nothing in the program calls {function.qualname}()", function.path, function.header[0])
        for call in callers.calls:
            self._adjust(call)
        for caller, (session, calls) in self._planned.items():
            self._own(caller, session, calls)

    def _adjust(self, call: CallSite) -> None:
        caller = call.function
        if caller is None or call.event is None or self._context.program.role(caller) in EXEMPT_ROLES:
            refuse(f"{self._function.qualname}() is called by what has no session to give", call.path, call.line)
        positional = sum(arg.keyword is None for arg in call.node.args) + (self._function.class_info is not None)
        if positional > self._at or any(arg.star for arg in call.node.args):
            refuse("the call gives arguments by position that the session would push back", call.path, call.line)
        sessions = self._in_sight(call, caller)
        if len(sessions) > 1:
            refuse(f"{caller.qualname}() has several sessions", call.path, call.line)
        if sessions:
            self._hand_over(call, caller, sessions[0])
        else:
            self._provide(call, caller)

    def _in_sight(self, call: CallSite, caller: FunctionInfo) -> list[Any]:
        """The sessions a caller has at the call: injected, received, or open around it."""
        program = self._context.program
        found: list[Any] = []
        for event in caller.events:
            if event.kind == "inject":
                found += program.sessions(event.subject)
            elif event.kind in ("use", "txn", "call"):
                values = event.subject if event.kind != "call" else [a for _, v in event.bindings for a in v]
                found += [a for a in values if a.tag == "param" and a.info is caller and program.kind(a) == "session"]
        assert call.event is not None
        found += program.sessions(call.event.open_sessions)
        return list(dict.fromkeys(found))

    def _hand_over(self, call: CallSite, caller: FunctionInfo, atom: Any) -> None:
        assert call.event is not None
        session = Session(atom, code_of(self._context, caller, atom), self._is_async)
        add_argument(self._edit, call.path, call.node, f"{self._name}={session.code}")
        if not self._needs or any(atom in t.subjects for t in owned(call.event)):
            return
        if atom.tag == "param":
            refuse(
                f"{caller.qualname}() received its session, too, and does not own its transaction", call.path, call.line
            )
        self._planned.setdefault(caller, (session, []))[1].append(call)

    def _own(self, caller: FunctionInfo, session: Session, calls: list[CallSite]) -> None:
        """Blocks around the calls, each with what the caller did on the session before."""
        flow = Flow(self._context, caller, session)
        points = []
        for call in calls:
            statement = flow.source.statement(call.node)
            if not isinstance(statement, cst.SimpleStatementLine) or call.event is None:
                refuse("the call stands in the head of a block", call.path, call.line)
            points.append(Point(statement, call.event, False))
        flow.commits = [*flow.commits, *points]
        rewrite(self._context, self._edit, caller, flow, units_in(self._context, flow))

    def _provide(self, call: CallSite, caller: FunctionInfo) -> None:
        """A caller without a session: an endpoint has one injected, background work opens one."""
        context, edit, path = self._context, self._edit, call.path
        role = context.program.role(caller)
        statement = context.source(path).statement(call.node)
        if not isinstance(statement, cst.SimpleStatementLine):
            refuse("the call stands in the head of a block", path, call.line)
        name = self._given.get(caller) or free_name(context, path, "session", line=caller.header[0])
        head = f"{'async ' if self._is_async else ''}with"
        if self._needs:
            # of two blocks around one statement the first becomes the inner one
            edit.wrap(path, statement, statement, f"{head} {name}.begin():")
        if role == "endpoint":
            if caller not in self._given:
                refuse_shared(context, caller)
                add_session(context, edit, caller, context.node_of(caller), name, is_async=self._is_async)
        elif role in ("background", None):
            approved_context(context)
            opening = import_for(edit, path, context.policy.session_contexts[0])
            edit.wrap(path, statement, statement, f"{head} {opening}() as {name}:")
        else:
            refuse(f"{caller.qualname}() has no session to give either", path, call.line)
        self._given[caller] = name
        add_argument(edit, path, call.node, f"{self._name}={name}")
