"""What stands against one block in place of commits by hand: paths on which it would save more, or less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.transactions_flow import Flow, Point, ends_in, exits

_EXITS = (cst.Return, cst.Raise, cst.Break, cst.Continue)
_UNDONE = "in one block an error would undo those before it"


def loose_begins(flow: Flow) -> list[Any]:
    """The statements that begin a transaction without a block, none of whose names is used for anything else."""
    ends = {p.statement for p in (*flow.commits, *flow.rollbacks)}
    for statement, name in flow.begins.items():
        for node in flow.source.walk(flow.node) if name else ():
            if isinstance(node, cst.Name) and node.value == name:
                around = flow.source.statement(node)
                if around is not statement and around not in ends:
                    refuse(f"{name} is used for more than its end", flow.path, flow.line(node))
    if flow.begins and not flow.commits:
        refuse("nothing commits what is begun here", flow.path, flow.line(next(iter(flow.begins))))
    return list(flow.begins)


def check_unit(
    flow: Flow, inside: Sequence[cst.BaseStatement], points: Sequence[Point], *, commits_on_exit: bool
) -> None:
    """Refuses when one commit at the end of ``inside`` would save more, or less, than its commits do."""
    for statement in inside:
        for node in flow.source.walk(statement):
            if isinstance(node, cst.Try | cst.TryStar):
                _refuse_handlers(flow, node, points)
    for rollback in [r for statement in inside for r in flow.points_in(statement, flow.rollbacks)]:
        block = flow.source.block(rollback.statement)
        body = list(block.body)
        following = body[body.index(rollback.statement) + 1 :]
        outer = flow.source.parents[inside[0]]
        if not ends_in(following, cst.Raise) or swallowed(flow, rollback.statement, outer):
            refuse("the function goes on after its rollback", flow.path, flow.line(rollback.statement))
    if commits_on_exit:
        return
    owned = [block for block, _, _ in flow.blocks]
    writes = [w for w in flow.writes if any(flow.holds(statement, w) for statement in inside)]
    writes = [w for w in writes if not any(flow.holds(block, w) for block in owned)]
    for leaving in [e for statement in inside for e in exits(flow, statement)]:
        if not flow.points_in(leaving, points):
            _refuse_early(flow, leaving, writes, points)
    for write in writes:
        if not is_committed(flow, write, points):
            reason = f"what line {write[0]} changes is committed on some paths only"
            refuse(reason, flow.path, write[0])


def refuse_early_exits(flow: Flow, statements: Sequence[cst.BaseStatement]) -> None:
    """Refuses when a block around ``statements`` would save what a ``return`` in them loses."""
    writes = [w for w in flow.writes if any(flow.holds(statement, w) for statement in statements)]
    for leaving in [e for statement in statements for e in exits(flow, statement)]:
        _refuse_early(flow, leaving, writes, ())


def _refuse_handlers(flow: Flow, statement: cst.Try | cst.TryStar, points: Sequence[Point]) -> None:
    """Handlers inside a block: nothing may go on after the transaction has failed."""
    tried = flow.points_in(statement.body, points)
    for handler in statement.handlers:
        if flow.points_in(handler, points):
            refuse("the handler commits, too, and needs a transaction of its own", flow.path, flow.line(handler))
        if tried and not ends_in(handler.body.body, cst.Raise):
            refuse("the handler goes on after the commit has failed", flow.path, flow.line(handler))


def _refuse_early(flow: Flow, leaving: cst.CSTNode, writes: Sequence[tuple[int, ...]], points: Sequence[Point]) -> None:
    """A ``return`` between a write and its commit loses the write, and a block would save it."""
    place = flow.source.span(leaving)[:2]
    last = max((p.event.span[:2] for p in points if p.event.span[:2] < place), default=(0, 0))
    for write in writes:
        if last < write[:2] < place and _reaches(flow, write, leaving):
            reason = f"the function leaves here without the commit, after the change on line {write[0]}"
            refuse(reason, flow.path, place[0])


def _statement_at(flow: Flow, span: tuple[int, ...]) -> cst.CSTNode:
    return flow.source.statement(flow.source.node_at(span, cst.CSTNode))  # type: ignore[arg-type, type-abstract]


def _reaches(flow: Flow, write: tuple[int, ...], leaving: cst.CSTNode) -> bool:
    """Whether a write can be followed by a statement further down, which may stand in another branch."""
    around = set(flow.source.ancestors(leaving))
    for node in flow.source.ancestors(_statement_at(flow, write)):
        if node in around:
            return True
        if isinstance(node, cst.IndentedBlock) and ends_in(node.body, *_EXITS):
            return False
    return True


def is_committed(flow: Flow, write: tuple[int, ...], points: Sequence[Point]) -> bool:
    """Whether every way on from a write that ends without an error meets a commit."""
    statement = _statement_at(flow, write)
    holders = [statement, *flow.source.ancestors(statement)]
    if any(isinstance(node, cst.IndentedBlock) and ends_in(node.body, cst.Raise) for node in holders):
        return True
    for point in points:
        if point.event.span[:2] > write[:2] or flow.holds(point.statement, write):  # type: ignore[arg-type]
            for level in _unconditional(flow, point.statement):
                if level in holders:
                    return True
    return False


def _unconditional(flow: Flow, statement: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The blocks from which a statement surely is reached: its own, and those around its ``try`` and ``with``."""
    for node in flow.source.ancestors(statement):
        if isinstance(node, cst.IndentedBlock | cst.Module):
            yield node
        elif isinstance(node, cst.Try):
            if not flow.holds(node.body, flow.source.span(statement)):
                return
        elif not isinstance(node, cst.With):
            return


def refuse_undone(flow: Flow, point: Point, inside: Sequence[cst.BaseStatement], *, expires: bool) -> None:
    """What follows a commit inside the unit would, when it fails, undo what was saved."""
    current: cst.CSTNode = point.statement
    for outer in flow.source.ancestors(point.statement):
        if current in inside:
            return
        if isinstance(outer, cst.IndentedBlock):
            body = list(outer.body)
            for later in body[body.index(current) + 1 :]:  # type: ignore[arg-type]
                plain = isinstance(later, cst.SimpleStatementLine) and ends_in(
                    [later], cst.Return, cst.Break, cst.Continue
                )
                if flow.mentions(later) or not (plain or flow.is_harmless(later, expires=expires)):
                    reason = "this runs after a commit, and would undo it when it fails in one block with it"
                    refuse(reason, flow.path, flow.line(later))
        if isinstance(outer, cst.BaseStatement):
            if isinstance(outer, cst.Try) and (outer.orelse is not None or outer.finalbody is not None):
                refuse("what follows the commit in else or finally would undo it", flow.path, flow.line(outer))
            current = outer


def refuse_raise_after(flow: Flow, points: Sequence[Point]) -> None:
    """An error raised after a commit would undo, in the owner's block, what was saved."""
    first = min((point.event.span[:2] for point in points), default=None)
    for node in flow.source.walk(flow.node.body) if first is not None else ():
        if isinstance(node, cst.Raise) and first is not None and flow.source.span(node)[:2] > first:
            if any(isinstance(outer, cst.ExceptHandler) for outer in flow.source.ancestors(node)):
                continue
            refuse("this raises after a commit, and would undo it", flow.path, flow.line(node))


def refuse_loops(flow: Flow, statement: cst.BaseStatement, why: str = _UNDONE) -> None:
    """Refuses when a loop commits in each of its rounds, for one block would save all of them or none."""
    for node in flow.source.walk(statement):
        if isinstance(node, cst.For | cst.While):
            name, reason = "loop", why
            rounds = [p for p in flow.points_in(node) if not _is_last_round(flow, p)]
        elif isinstance(node, cst.BaseComp):
            name, reason = "comprehension", _UNDONE
            # what is gone through is asked for once
            rounds = [p for p in flow.points_in(node) if not flow.holds(node.for_in.iter, p.event.span)]
        else:
            continue
        if rounds:
            refuse(f"every round of the {name} commits on its own, and {reason}", flow.path, flow.line(node))


def _is_last_round(flow: Flow, point: Point) -> bool:
    """Whether the loop around a commit ends right after it."""
    body = list(flow.source.block(point.statement).body)
    return ends_in(body[body.index(point.statement) :], cst.Return, cst.Break, cst.Raise)


def swallowed(flow: Flow, statement: cst.CSTNode, outer: cst.CSTNode) -> bool:
    """Whether a handler below ``outer`` may catch what ``statement`` raises and go on."""
    span = flow.source.span(statement)
    for node in flow.source.ancestors(statement):
        if node is outer:
            return False
        is_tried = isinstance(node, cst.Try | cst.TryStar) and flow.holds(node.body, span)
        if is_tried and not all(ends_in(h.body.body, cst.Raise) for h in node.handlers):  # type: ignore[attr-defined]
            return True
    return False
