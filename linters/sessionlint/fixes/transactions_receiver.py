"""Functions that received a session leave its transaction to the owners above them, all of them in one change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.fixes.callers import CallSite
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import argument, parameters
from sessionlint.fixes.transactions_checks import check_unit, refuse_loops, refuse_raise_after, swallowed
from sessionlint.fixes.transactions_flow import ENDS, Flow, Session, committing, concerns
from sessionlint.fixes.transactions_owner import end_with_the_block, flush_instead, open_up, rewrite, take_out, units_in
from sessionlint.fixes.transactions_session import code_of, expires
from sessionlint.fixes.transactions_units import Units
from sessionlint.program.api import EXEMPT_ROLES
from sessionlint.rules.transactions import owner_of

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

_ALL_ENDS = (*ENDS, "rollback")
_MAX_FUNCTIONS = 60


def hand_over_all(context: Context, edit: Edit, found: Iterable[tuple[FunctionInfo, Any]], *, is_async: bool) -> None:
    """The same for several functions, each with the session it received."""
    handover = _Handover(context, edit, is_async)
    for function, atom in sorted(found, key=lambda pair: (pair[0].path, pair[0].header)):
        handover.collect(function, atom)
    handover.apply()


def hand_over(context: Context, edit: Edit, function: FunctionInfo, session: Session) -> None:
    """Takes the commits and rollbacks out of a function, and of all others that its owners' blocks come to hold."""
    handover = _Handover(context, edit, session.is_async)
    handover.collect(function, session.atom)
    handover.apply()


class _Handover:
    def __init__(self, context: Context, edit: Edit, is_async: bool) -> None:
        self._context = context
        self._edit = edit
        self._is_async = is_async
        self._receivers: dict[tuple[FunctionInfo, Any], Flow] = {}
        self._owners: dict[tuple[FunctionInfo, Any], Session] = {}
        self._plans: dict[tuple[FunctionInfo, Any], tuple[Flow, Units]] = {}
        self._outside: dict[tuple[str, Any], tuple[CallSite, Any]] = {}

    # who takes part

    def collect(self, function: FunctionInfo, atom: Any) -> None:
        """Finds every function that takes part: down to what commits, up to who owns the session."""
        pending = {(function, atom)}
        while pending:
            while pending:
                self._receive(*pending.pop(), pending)
                if len(self._receivers) > _MAX_FUNCTIONS:
                    refuse(f"more than {_MAX_FUNCTIONS} functions would have to change with it")
            wanted = frozenset(f for f, _ in self._receivers)
            for (owner, subject), session in self._owners.items():
                flow = Flow(self._context, owner, session, wanted)
                units = units_in(self._context, flow)
                self._plans[owner, subject] = (flow, units)
                pending |= self._drawn_in(flow, units) - self._receivers.keys()

    def _receive(self, function: FunctionInfo, atom: Any, pending: set[tuple[FunctionInfo, Any]]) -> None:
        if (function, atom) in self._receivers:
            return
        if self._context.program.role(function) in EXEMPT_ROLES:
            refuse(f"{function.qualname}() commits, and belongs to the session module or a test", *_place(function))
        session = Session(atom, _code(self._context, function, atom), self._is_async)
        self._receivers[function, atom] = Flow(self._context, function, session)
        pending |= committing(function, atom, *_ALL_ENDS) - self._receivers.keys()
        self._climb(function, atom, pending)

    def _climb(self, function: FunctionInfo, atom: Any, pending: set[tuple[FunctionInfo, Any]]) -> None:
        callers = self._context.callers(function)
        for mention in callers.unknown:
            refuse(f"{function.qualname}() is {mention.why}", mention.path, mention.line)
        if function.routes or callers.routed:
            refuse(f"{function.qualname}() is also called by a framework", *_place(function))
        if not callers.calls:
            refuse(f"nothing in the program calls {function.qualname}(), so nobody would commit", *_place(function))
        for call in callers.calls:
            caller = call.function
            if call.event is None or caller is None or self._context.program.role(caller) in EXEMPT_ROLES:
                self._outside[call.path, call.span] = (call, atom)
                continue
            for event in self._handed(call, caller, function, atom):
                for subject in event.subject:
                    if subject.tag == "param":
                        pending.add((caller, subject))
                    elif subject.tag in ("injected", "handle"):
                        if (caller, subject) not in self._owners:
                            code = code_of(self._context, caller, subject)
                            self._owners[caller, subject] = Session(subject, code, self._is_async)
                    else:
                        refuse("which session the call gets is not known", call.path, call.line)

    def _handed(self, call: CallSite, caller: FunctionInfo, function: FunctionInfo, atom: Any) -> list[Event]:
        """What the program knows of the session that a call hands over."""
        found = [
            event
            for event in caller.events
            if event.kind == "effect" and event.span == call.span and event.callee is function
            and event.effect is not None and event.effect.subject == atom and event.subject
        ]  # fmt: skip
        if not found:
            refuse(f"which session {function.qualname}() gets here is not known", call.path, call.line)
        subjects = {subject for event in found for subject in event.subject}
        if len(subjects) > 1:
            refuse(f"{function.qualname}() may get one of several sessions here", call.path, call.line)
        return found[:1]

    def _drawn_in(self, flow: Flow, units: Units) -> set[tuple[FunctionInfo, Any]]:
        """What else commits inside the blocks that an owner gets."""
        found: set[tuple[FunctionInfo, Any]] = set()
        for event in flow.other_calls:
            inside = any(
                flow.source.span(u.first)[:2] <= event.span[:2] and event.span[2:] <= flow.source.span(u.last)[2:]
                for u in units.units
            )
            if (inside or owner_of(event, event.subject)) and event.callee is not None and event.effect is not None:
                found |= committing(event.callee, event.effect.subject)
        return found

    # the change

    def apply(self) -> None:
        """Makes the change in every function that takes part."""
        wanted = frozenset(f for f, _ in self._receivers)
        for (function, _), old in self._receivers.items():
            self._release(Flow(self._context, function, old.session, wanted))
        for (owner, _), (flow, units) in self._plans.items():
            _refuse_after_rollback(flow, self._receivers.keys())
            rewrite(self._context, self._edit, owner, flow, units)
        for call, atom in self._outside.values():
            self._commit_outside(call, atom)

    def _release(self, flow: Flow) -> None:
        """Takes the ends of the transaction out of one function that received the session."""
        body = flow.node.body
        if not isinstance(body, cst.IndentedBlock):
            refuse("the function is written on one line", flow.path, flow.line(flow.node))
        if flow.function.is_generator:
            refuse("the function yields, so others run inside its transaction", flow.path, flow.line(flow.node))
        statements: list[cst.BaseStatement] = list(body.body)
        if flow.begins:
            refuse("the transaction begun here has no block", flow.path, flow.line(next(iter(flow.begins))))
        points = [*flow.commits]
        check_unit(flow, statements, points, commits_on_exit=False)
        refuse_raise_after(flow, points)
        for statement in statements:
            refuse_loops(flow, statement)
        for point in points:
            if not point.direct and swallowed(flow, point.statement, flow.node):
                refuse("a handler goes on after an error of this call", flow.path, point.event.span[0])
        if expires(self._context):
            _refuse_loads(flow)
        for block, item, _ in flow.blocks:
            open_up(self._edit, flow, block, item)
        for point in flow.inner_commits:
            end_with_the_block(self._edit, flow, point)
        for point in [p for p in points if p.direct]:
            flush_instead(self._edit, flow, point.statement)
        for point in flow.rollbacks:
            take_out(self._edit, flow, point.statement)

    def _commit_outside(self, call: CallSite, atom: Any) -> None:
        """A test, or the session module, commits itself what the function no longer does."""
        context, path = self._context, call.path
        role = context.policy.layer_of(path)
        if role not in ("test", "migration") and not context.policy.is_session_module(path):
            refuse("the program does not understand this call", path, call.line)
        if not any(f for f, a in self._receivers if a == atom and committing(f, a)):
            return
        source = context.source(path)
        if any(
            isinstance(node, cst.With) and any(".begin" in source.code(i.item) for i in node.items)
            for node in source.ancestors(call.node)
        ):
            return
        line = source.statement(call.node)
        if not isinstance(line, cst.SimpleStatementLine) or isinstance(line.body[-1], cst.Return):
            refuse("a test calls it where no commit can follow", path, call.line)
        function = atom.info
        names = [p.name.value for p in parameters(context.node_of(function))]
        given = argument(call.node, atom.name, names.index(atom.name)) if function.name != "__init__" else None
        if given is None or not source.code(given.value).replace(".", "").isidentifier():
            refuse("which session a test hands over is not written there", path, call.line)
        commit = f"{'await ' if self._is_async else ''}{source.code(given.value)}.commit()"
        self._edit.insert_after(path, line, commit)


def _code(context: Context, function: FunctionInfo, atom: Any) -> str:
    """How a function that received a session writes it: a parameter, or what its uses say."""
    if atom.tag == "param" and atom.info is function:
        return str(atom.name)
    source = context.source(function.path)
    for event in function.events:
        if event.kind in ("txn", "use") and concerns(event, atom):
            call = source.node_at(event.span, cst.Call)
            if isinstance(call.func, cst.Attribute):
                return source.code(call.func.value)
    return "self"


def _place(function: FunctionInfo) -> tuple[str, int]:
    return function.path, function.header[0]


def _refuse_loads(flow: Flow) -> None:
    """What is read again after the commit would be forgotten once more when the owner's block ends."""
    first = min((p.event.span[:2] for p in flow.commits if p.direct), default=None)
    for event in flow.events:
        if first is not None and event.kind == "use" and event.name == "refresh" and event.span[:2] > first:
            reason = "the owner's commit would forget what is read here (some factory lacks expire_on_commit=False)"
            refuse(reason, flow.path, event.span[0])


def _refuse_after_rollback(flow: Flow, receivers: Any) -> None:
    """Where a callee no longer rolls back, its error has to leave the owner, or a block of the owner."""
    wanted = {f for f, _ in receivers}
    points = {point.event.span for point in flow.commits}
    for event in flow.events:
        ends = event.kind == "effect" and event.text == "txn" and event.name == "rollback"
        if not ends or event.callee is None or event.effect is None or event.span in points:
            continue
        below = {f for f, _ in committing(event.callee, event.effect.subject, "rollback")}
        statement = flow.source.statement(flow.source.node_at(event.span, cst.Call))
        if below & wanted and not owner_of(event, event.subject) and swallowed(flow, statement, flow.node):
            refuse("a handler goes on after an error of this call", flow.path, event.span[0])
