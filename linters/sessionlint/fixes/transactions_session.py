"""The session behind a finding: what it is for the program, how the function writes it, what its source does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.transactions_flow import Session
from sessionlint.program.values import Const, Handle, Injected
from sessionlint.report import Finding
from sessionlint.rules.transactions import behind, closing_commits, injector, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo


def event_of(context: Context, finding: Finding) -> Event:
    """The transaction event a finding is about."""
    found = context.events_at(finding.span, "txn")
    if not found:
        refuse("the transaction is ended in SQL text, or by other code that the call is handed to")
    return found[0]


def session_at(context: Context, event: Event) -> Session:
    """The session of a direct commit, rollback or begin. Refuses when it may be one of several."""
    atoms = {getattr(a, "parent", None) or a for a in event.subject}
    sessions = [a for a in atoms if context.program.kind(a) == "session"]
    if len(sessions) != 1 or len(atoms) != 1:
        refuse("it may be one of several sessions", event.path, event.span[0])
    call = context.source(event.path).node_at(event.span, cst.Call)
    assert isinstance(call.func, cst.Attribute)
    code = context.source(event.path).code(call.func.value)
    if event.text != "session" or not code.replace(".", "").isidentifier():
        code = code_of(context, event.function, sessions[0])
    return Session(sessions[0], code, "awaited" in event.flags or _in_async_with(context, event, call))


def _in_async_with(context: Context, event: Event, call: cst.Call) -> bool:
    holder = context.source(event.path).around(call, cst.With)
    return "context" in event.flags and holder is not None and holder.asynchronous is not None


def code_of(context: Context, function: FunctionInfo, atom: Any) -> str:
    """How a function writes a session it has: its parameter, or what the opening call was bound to."""
    for event in function.events:
        if event.kind == "inject" and atom in event.subject:
            return event.name
    if atom.tag == "param" and atom.info is function:
        return str(atom.name)
    if isinstance(atom, Handle) and atom.site[0] == function.path:
        source = context.source(function.path)
        node: cst.CSTNode = source.node_at(atom.site[1], cst.Call)
        for outer in (node, *source.ancestors(node)):
            target = _target(outer)
            if target is not None:
                return source.code(target)
            if isinstance(outer, cst.BaseStatement):
                break
    return refuse("the function has no name for the session", function.path, function.header[0])


def _target(node: cst.CSTNode) -> cst.CSTNode | None:
    if isinstance(node, cst.WithItem) and node.asname is not None:
        return node.asname.name if isinstance(node.asname.name, cst.Name) else None
    if isinstance(node, cst.Assign) and len(node.targets) == 1:
        return node.targets[0].target if isinstance(node.targets[0].target, cst.Name) else None
    if isinstance(node, cst.AnnAssign | cst.For):
        return node.target if isinstance(node.target, cst.Name) else None
    return None


def expires(context: Context) -> bool:
    """Whether a commit may make the objects of a session be loaded anew: some factory does not switch that off."""
    for event in context.program.events("create"):
        if context.policy.layer_of(event.path) in ("test", "migration"):
            continue
        from_class = event.name == "session" and not any(isinstance(a, Handle) for a in event.value)
        if event.name == "factory" or from_class:
            given = dict(event.keywords).get("expire_on_commit", ())
            if given != (Const(False, "bool"),):
                return True
    return False


def commits_on_exit(context: Context, function: FunctionInfo, session: Session) -> bool:
    """Whether closing the session surely commits what is left."""
    return closing_commits(context.program, function, session.atom) is True


def refuse_used_before(context: Context, function: FunctionInfo, session: Session) -> None:
    """A block cannot begin where the transaction is open already: by the session's source, or by a dependency."""
    program, atom = context.program, session.atom
    source = injector(program, atom) if isinstance(atom, Injected) else _opener(function, atom)
    if getattr(atom, "begun", False) or (source is not None and source.summary.yield_transactions):
        name = source.qualname if source is not None else "what opens the session"
        place = (source.path, source.header[0]) if source is not None else ("", 0)
        refuse(f"{name}() hands the session out with an open transaction", *place)
    if not isinstance(atom, Injected):
        return
    if source is None or not (source.is_generator or source.is_context_manager):
        name = source.qualname if source is not None else "what is injected"
        place = (source.path, source.header[0]) if source is not None else ("", 0)
        refuse(f"{name}() hands out a session that other code may have used already", *place)
    for dependency in request_dependencies(program, function):
        for target in behind(program, dependency):
            if any(
                e.subject == atom and e.kind in ("use", "txn") and e.name != "close" for e in target.summary.effects
            ):
                path, span = dependency.site
                reason = (
                    f"the dependency {target.qualname}() uses the same session first; give it a short one of its own"
                )
                refuse(reason, path, span[0])


def _opener(function: FunctionInfo, atom: Any) -> FunctionInfo | None:
    opened = (e.callee for e in function.events if e.kind == "obtain" and atom in e.subject)
    return next(opened, None)
