"""TXN203 to TXN206: transactions begun without a block, by who does not own them, or twice."""

from __future__ import annotations

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.source import Statement
from sessionlint.fixes.transactions_checks import refuse_early_exits, swallowed
from sessionlint.fixes.transactions_flow import Flow, committing, last_name
from sessionlint.fixes.transactions_owner import open_up, rewrite_owner, take_out
from sessionlint.fixes.transactions_receiver import hand_over, hand_over_all
from sessionlint.fixes.transactions_session import event_of, refuse_used_before, session_at
from sessionlint.report import Finding
from sessionlint.rules.transactions import owner_of

_OWNER = "Leave the transaction to the owner of the session"


def begin_by_block(context: Context, finding: Finding) -> Proposal:
    """A ``begin()`` or ``begin_nested()`` whose end is written by hand becomes a block."""
    event = event_of(context, finding)
    edit = context.edit()
    session = session_at(context, event)
    if event.name == "begin_nested":
        _savepoint(edit, Flow(context, event.function, session), finding)
        return edit.proposal(finding, "End the savepoint with its block", "unsafe")
    if session.atom.tag not in ("injected", "handle"):
        refuse(f"{event.function.qualname}() received the session, and its caller owns the transaction")
    rewrite_owner(context, edit, event.function, session)
    return edit.proposal(finding, "Let a transaction block commit and roll back", "unsafe")


def _savepoint(edit: Edit, flow: Flow, finding: Finding) -> None:
    """``sp = session.begin_nested()``, then a ``try`` that commits it at its end and rolls it back in its handlers."""
    source = flow.source
    call = source.node_at(finding.span, cst.Call)
    statement = source.statement(call)
    body = list(source.block(statement).body)
    following = body[body.index(statement) + 1 : body.index(statement) + 2]
    tried = following[0] if following else None
    only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    target = only.targets[0].target if isinstance(only, cst.Assign) and len(only.targets) == 1 else None
    if (
        not isinstance(target, cst.Name)
        or not isinstance(tried, cst.Try)
        or not isinstance(tried.body, cst.IndentedBlock)
    ):
        refuse("no try right below it commits the savepoint and rolls it back")
    uses = [
        n for n in source.walk(flow.node) if isinstance(n, cst.Name) and n.value == target.value and n is not target
    ]
    ends = [source.statement(node) for node in uses]
    commits = [s for s in ends if s is tried.body.body[-1] and _ends(source.code(s), target.value, "commit")]
    rollbacks = [s for s in ends if _ends(source.code(s), target.value, "rollback")]
    in_handlers = all(any(s in handler.body.body for handler in tried.handlers) for s in rollbacks)
    if len(commits) != 1 or len(rollbacks) != len(tried.handlers) or len(ends) != 1 + len(rollbacks) or not in_handlers:
        refuse("the savepoint does not end in a commit at the end of the try and a rollback in each handler")
    inside = tried.body.body[:-1]
    if not inside:
        refuse("there is nothing between the savepoint and its commit")
    for ended in (statement, *commits, *rollbacks):
        take_out(edit, flow, ended)
    edit.wrap(flow.path, inside[0], inside[-1], flow.session.savepoint)  # type: ignore[arg-type]


def _ends(code: str, name: str, end: str) -> bool:
    return code.strip().removeprefix("await ").partition("#")[0].strip() == f"{name}.{end}()"


def leave_to_the_caller(context: Context, finding: Finding) -> Proposal:
    """A service's own block goes, and every owner of the program that calls it gets one around the call."""
    event = event_of(context, finding)
    edit = context.edit()
    hand_over(context, edit, event.function, session_at(context, event))
    return edit.proposal(finding, _OWNER, "unsafe")


def leave_to_this_owner(context: Context, finding: Finding) -> Proposal:
    """TXN205: what a call inside a block commits, rolls back or begins is left to that block."""
    events = [e for e in context.events_at(finding.span, "effect") if e.text == "txn" and owner_of(e, e.subject)]
    found = {
        pair
        for event in events
        if event.callee is not None and event.effect is not None
        for pair in committing(event.callee, event.effect.subject, "commit", "begin", "rollback")
    }
    if not found:
        refuse("what ends the transaction below is not known")
    direct = [e for f, _ in found for e in f.events if e.kind == "txn"]
    edit = context.edit()
    hand_over_all(
        context, edit, found, is_async=any("awaited" in e.flags for e in direct) or _is_async(context, finding)
    )
    return edit.proposal(finding, _OWNER, "unsafe")


def _is_async(context: Context, finding: Finding) -> bool:
    function = context.function_at(finding.path, finding.span.line)
    return function is not None and function.is_async


def begin_once(context: Context, finding: Finding) -> Proposal:
    """A second ``begin()``: inside a block it opens up, after earlier statements the block takes them in."""
    event = event_of(context, finding)
    edit = context.edit()
    session = session_at(context, event)
    flow = Flow(context, event.function, session)
    found = [(block, item) for block, item, other in flow.blocks if other.span == event.span]
    if not found:
        refuse("the transaction begun here has no block")
    block, item = found[0]
    if owner_of(event, event.subject):
        open_up(edit, flow, block, item)
        return edit.proposal(finding, "Join the transaction that is open", "unsafe")
    if session.atom.tag in ("injected", "handle"):
        refuse_used_before(context, event.function, session)
    first, last = _taken_in(flow, block)
    if len(block.items) > 1 or item.asname is not None:
        refuse("the block opens more than the transaction", flow.path, flow.line(block))
    edit.unwrap(flow.path, block)
    edit.wrap(flow.path, first, last, session.begin)
    return edit.proposal(finding, "Begin the transaction before the session is used", "unsafe")


def _taken_in(flow: Flow, block: cst.With) -> tuple[Statement, Statement]:
    """From the first statement that uses the session to the one that holds the block, in the outermost such block."""
    found: tuple[Statement, Statement] | None = None
    current: cst.CSTNode = block
    for outer in (*flow.source.ancestors(block),):
        if isinstance(outer, cst.IndentedBlock):
            statements = list(outer.body)
            at = statements.index(current)  # type: ignore[arg-type]
            since = max((i + 1 for i, s in enumerate(statements[:at]) if flow.owns_a_block(s)), default=0)
            earlier = [s for s in statements[since:at] if flow.uses(s)]
            if earlier:
                if any(last_name(p) in ("commit", "rollback") for p in _ends_between(flow, earlier)):
                    refuse("the session's transaction is ended before", flow.path, flow.line(block))
                found = (earlier[0], current)  # type: ignore[assignment]
                refuse_early_exits(flow, statements[statements.index(earlier[0]) : at])
        elif isinstance(outer, cst.BaseStatement):
            current = outer
            if isinstance(outer, cst.For | cst.While) and found is None:
                refuse("the block is begun in every round of a loop", flow.path, flow.line(outer))
        if outer is flow.node or (isinstance(outer, cst.With) and flow.opened_by(outer)):
            break
    if found is None:
        refuse("the session is used before in a place that the block cannot take in", flow.path, flow.line(block))
    if swallowed(flow, block, flow.source.parents[found[0]]):
        refuse("a handler goes on after an error of the block", flow.path, flow.line(block))
    return found


def _ends_between(flow: Flow, statements: list[cst.BaseStatement]) -> list[cst.BaseExpression]:
    nodes = [node for statement in statements for node in flow.source.walk(statement)]
    return [node.func for node in nodes if isinstance(node, cst.Call)]
