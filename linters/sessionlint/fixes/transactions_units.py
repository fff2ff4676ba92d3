"""The units of work of one function: which statements belong to one transaction, and what its block replaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.transactions_flow import Flow, Point, blocks, ends_in, exits

_EXITS = (cst.Return, cst.Raise, cst.Break, cst.Continue)


class State(Enum):
    """Whether a transaction of the session may be open: never yet, not any more, perhaps, or nothing goes on."""

    FRESH = "fresh"
    ENDED = "ended"
    OPEN = "open"
    GONE = "gone"


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Statements ``first`` to ``last`` of one block that one transaction takes in."""

    first: cst.BaseStatement
    last: cst.BaseStatement


@dataclass(slots=True)
class Units:
    """What to do in a function: blocks to make, statements to take out, commits that become a flush."""

    units: list[Unit] = field(default_factory=list)
    removed: list[cst.BaseStatement] = field(default_factory=list)
    flushed: list[cst.BaseStatement] = field(default_factory=list)


class _InseparableError(Exception):
    """The commits in a statement do not stand for units of their own; the whole statement may."""


def units_of(flow: Flow, *, expires: bool, commits_on_exit: bool) -> Units:
    """Finds the units that the commits of a function end. Refuses when they cannot be told apart.

    ``expires``: objects may be loaded anew after a commit. ``commits_on_exit``: what hands out the session commits
    when the function returns, so what is written on a path without a commit is not lost.
    """
    search = _Search(flow, expires, commits_on_exit)
    body = flow.node.body
    if not isinstance(body, cst.IndentedBlock):
        refuse("the function is written on one line", flow.path, flow.line(flow.node))
    if flow.function.is_generator:
        refuse("the function yields, so others run inside its transaction", flow.path, flow.line(flow.node))
    try:
        search.block(body.body, State.FRESH)
    except _InseparableError as error:
        reason, line = error.args
        refuse(reason, flow.path, line)
    return search.found


class _Search:
    def __init__(self, flow: Flow, expires: bool, commits_on_exit: bool) -> None:
        self.flow = flow
        self.found = Units()
        self._expires = expires
        self._commits_on_exit = commits_on_exit

    def block(self, statements: Sequence[cst.BaseStatement], state: State) -> State:
        """Goes through the statements of a block; gives how it ends. ``OPEN`` stays so until the session is closed."""
        flow = self.flow
        start: int | None = None
        inner_open = False
        for index, statement in enumerate(statements):
            if flow.points_in(statement):
                if state is State.OPEN and start is None:
                    raise _InseparableError("the session is used before in another block", flow.line(statement))
                if start is None and not isinstance(statement, cst.SimpleStatementLine):
                    kept = self._copy()
                    try:
                        state = self._compound(statement, state)
                    except _InseparableError:
                        self.found = kept
                    else:
                        start, inner_open = (index, True) if state is State.OPEN else (None, False)
                        continue
                if inner_open:
                    raise _InseparableError("the session is used between two commits", flow.line(statement))
                self._unit(statements, index if start is None else start, index)
                state, start = State.ENDED, None
            elif flow.points_in(statement, flow.rollbacks):
                self._rollbacks(statements, index, state if start is None else State.OPEN)
                start = self._started(statement, index, start, state)
            else:
                if self._opens_it(statement):
                    self._alone(next(blocks(statement)), State.FRESH)
                    state = State.ENDED
                    continue
                start = self._started(statement, index, start, state)
            if isinstance(statement, cst.SimpleStatementLine) and ends_in([statement], *_EXITS):
                return State.OPEN if start is not None else State.GONE
        return State.OPEN if start is not None else state

    def _started(self, statement: cst.BaseStatement, index: int, start: int | None, state: State) -> int | None:
        """The statement since which a transaction may be open, after this one."""
        if start is not None or state is State.OPEN:
            return start if start is not None else index
        if _is_rollback(self.flow, statement) or self._owns_a_block(statement):
            return None
        if state is State.ENDED and not self.flow.mentions(statement):
            harmless = isinstance(statement, cst.SimpleStatementLine) and ends_in([statement], *_EXITS)
            return None if harmless or self.flow.is_harmless(statement, expires=self._expires) else index
        return index if self.flow.mentions(statement) and not self.flow.only_hands_over(statement) else None

    def _owns_a_block(self, statement: cst.BaseStatement) -> bool:
        """``async with session.begin():``, which leaves nothing open."""
        if not isinstance(statement, cst.With):
            return False
        heads = [self.flow.source.span(item.item) for item in statement.items]
        return any(e.kind == "txn" and e.name == "begin" and e.span in heads for e in self.flow.events)

    def _opens_it(self, statement: cst.BaseStatement) -> bool:
        """A ``with`` that opens the session itself, or an ``async for`` over a generator that hands it out."""
        if isinstance(statement, cst.For):
            return self.flow.source.code(statement.target) == self.flow.session.code
        if not isinstance(statement, cst.With) or not isinstance(statement.body, cst.IndentedBlock):
            return False
        if any(self.flow.source.code(item.item) == self.flow.session.code for item in statement.items):
            return True
        return any(item.asname and self.flow.source.code(item.asname.name) == self.flow.session.code
                   for item in statement.items)  # fmt: skip

    # compound statements

    def _compound(self, statement: cst.BaseStatement, state: State) -> State:
        """Looks for the units inside a compound statement. Raises when there are none of their own."""
        flow = self.flow
        if any(not isinstance(block, cst.IndentedBlock) for block in blocks(statement)):
            refuse("a block stands on the line of what holds it", flow.path, flow.line(statement))
        if self._opens_it(statement):
            self._alone(next(blocks(statement)), State.FRESH)
            return State.ENDED
        if any(flow.mentions(part) for part in _head(statement)):
            raise _InseparableError("the session is used in the head of a block", flow.line(statement))
        if isinstance(statement, cst.If):
            return self._branches(statement, state)
        if isinstance(statement, cst.Try):
            return self._try(statement, state)
        if isinstance(statement, cst.For | cst.While):
            for block in blocks(statement):
                if self._alone(block, State.ENDED) is State.OPEN:
                    reason = "the session is used after the commit, and again in the next round of the loop"
                    refuse(reason, flow.path, flow.line(statement))
            return State.ENDED
        if isinstance(statement, cst.With):
            return self._inside(statement.body, state)
        raise _InseparableError("the commit stands in an unusual block", flow.line(statement))

    def _inside(self, block: cst.BaseSuite, state: State) -> State:
        return self.block(block.body, state)  # type: ignore[arg-type]

    def _alone(self, block: cst.BaseSuite, state: State) -> State:
        """A block whose units cannot be part of a larger one. Refuses where they do not stand for themselves."""
        try:
            return self._inside(block, state)
        except _InseparableError as error:
            reason, line = error.args
            refuse(reason, self.flow.path, line)

    def _branches(self, statement: cst.If, state: State) -> State:
        ends = [self._inside(block, state) for block in blocks(statement)]
        following = statement.orelse
        while isinstance(following, cst.If):
            following = following.orelse
        return _joined(ends if isinstance(following, cst.Else) else [*ends, state])

    def _try(self, statement: cst.Try, state: State) -> State:
        flow = self.flow
        end = self._inside(statement.body, state)
        if statement.orelse is not None and end is not State.GONE:
            end = self._inside(statement.orelse.body, end)
        # an error may come out of the middle: only what lies inside units leaves nothing open
        entry = State.OPEN if end is State.OPEN else State.ENDED
        ends = [end, *(self._inside(handler.body, entry) for handler in statement.handlers)]
        if statement.finalbody is not None and flow.points_in(statement.finalbody):
            refuse("the commit stands in finally, where errors pass by", flow.path, flow.line(statement.finalbody))
        return _joined(ends)

    # rollbacks outside units

    def _rollbacks(self, statements: Sequence[cst.BaseStatement], index: int, state: State) -> None:
        """Takes out rollbacks that undo nothing, or that closing the session makes up for."""
        flow, statement = self.flow, statements[index]
        if not isinstance(statement, cst.SimpleStatementLine):
            for block in blocks(statement):
                for at, inner in enumerate(block.body):
                    if flow.points_in(inner, flow.rollbacks):
                        self._rollbacks(block.body, at, State.OPEN)  # type: ignore[arg-type]
            return
        if state is not State.OPEN or self._leaves(statements, index):
            self.found.removed.append(statement)
            return
        raise _InseparableError("the function goes on after its rollback", flow.line(statement))

    def _leaves(self, statements: Sequence[cst.BaseStatement], index: int) -> bool:
        """Whether an error leaves the block after the rollback, and nothing on its way uses the session."""
        following = statements[index + 1 :]
        if not ends_in(following, cst.Raise) or any(self.flow.mentions(statement) for statement in following):
            return False
        return not swallowed(self.flow, statements[index], self.flow.node)

    # units

    def _unit(self, statements: Sequence[cst.BaseStatement], first: int, last: int) -> None:
        flow = self.flow
        unit = Unit(statements[first], statements[last])
        inside = statements[first : last + 1]
        points = [point for statement in inside for point in flow.points_in(statement)]
        for statement in inside:
            _refuse_loops(flow, statement)
        check_unit(flow, inside, points, commits_on_exit=self._commits_on_exit)
        for point in [p for p in points if p.direct]:
            if point.statement is unit.last:
                self.found.removed.append(point.statement)
            else:
                self.found.flushed.append(point.statement)
        for rollback in [r for statement in inside for r in flow.points_in(statement, flow.rollbacks)]:
            self.found.removed.append(rollback.statement)
        if unit.last in self.found.removed:
            if first == last:
                return
            unit = Unit(unit.first, statements[last - 1])
        self.found.units.append(unit)

    def _copy(self) -> Units:
        return Units(list(self.found.units), list(self.found.removed), list(self.found.flushed))


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
    writes = [w for w in flow.writes if any(flow.holds(statement, w) for statement in inside)]
    for leaving in [e for statement in inside for e in exits(flow, statement)]:
        if not flow.points_in(leaving, points):
            _refuse_early(flow, leaving, writes, points)
    for write in writes:
        if not _is_committed(flow, write, points):
            reason = f"what line {write[0]} changes is committed on some paths only"
            refuse(reason, flow.path, write[0])


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


def _is_committed(flow: Flow, write: tuple[int, ...], points: Sequence[Point]) -> bool:
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


def _refuse_loops(flow: Flow, statement: cst.BaseStatement) -> None:
    for node in flow.source.walk(statement):
        if isinstance(node, cst.For | cst.While) and flow.points_in(node):
            reason = "every round of the loop commits on its own, and the session is used before it"
            refuse(reason, flow.path, flow.line(node))


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


def _is_rollback(flow: Flow, statement: cst.BaseStatement) -> bool:
    return any(point.statement is statement for point in flow.rollbacks)


def _joined(ends: Sequence[State]) -> State:
    for state in (State.OPEN, State.ENDED, State.FRESH):
        if state in ends:
            return state
    return State.GONE


def _head(statement: cst.BaseStatement) -> list[cst.CSTNode]:
    """What is evaluated before the blocks of a compound statement."""
    if isinstance(statement, cst.If):
        following = statement.orelse
        return [statement.test, *(_head(following) if isinstance(following, cst.If) else ())]
    if isinstance(statement, cst.While):
        return [statement.test]
    if isinstance(statement, cst.For):
        return [statement.iter]
    if isinstance(statement, cst.With):
        return list(statement.items)
    if isinstance(statement, cst.Match):
        return [statement.subject]
    return []
