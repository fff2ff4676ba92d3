"""The units of work of one function: which statements belong to one transaction, and what its block replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.source import Statement
from sessionlint.fixes.transactions_checks import check_unit, loose_begins, refuse_loops, refuse_undone, swallowed
from sessionlint.fixes.transactions_flow import Flow, blocks, ends_in

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

    first: Statement
    last: Statement


@dataclass(slots=True)
class Units:
    """What to do in a function: blocks to make, statements to take out, commits that become a flush."""

    units: list[Unit] = field(default_factory=list)
    removed: list[Statement] = field(default_factory=list)
    flushed: list[Statement] = field(default_factory=list)


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
        search.block(list(body.body), State.FRESH)  # type: ignore[arg-type]
    except _InseparableError as error:
        reason, line = error.args
        refuse(reason, flow.path, line)
    search.found.removed += loose_begins(flow)
    return search.found


class _Search:
    def __init__(self, flow: Flow, expires: bool, commits_on_exit: bool) -> None:
        self.flow = flow
        self.found = Units()
        self._expires = expires
        self._commits_on_exit = commits_on_exit

    def block(self, statements: Sequence[Statement], state: State) -> State:
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
                if self.flow.opened_by(statement):
                    self._alone(next(blocks(statement)), State.FRESH)
                    state = State.ENDED
                    continue
                start = self._started(statement, index, start, state)
            if isinstance(statement, cst.SimpleStatementLine) and ends_in([statement], *_EXITS):
                return State.OPEN if start is not None else State.GONE
        return State.OPEN if start is not None else state

    def _started(self, statement: Statement, index: int, start: int | None, state: State) -> int | None:
        """The statement since which a transaction may be open, after this one."""
        if start is not None or state is State.OPEN:
            return start if start is not None else index
        if (
            statement in self.flow.begins
            or self._makes_it(statement)
            or _is_rollback(self.flow, statement)
            or self.flow.owns_a_block(statement)
        ):
            return None
        if state is State.ENDED and not self.flow.mentions(statement):
            harmless = isinstance(statement, cst.SimpleStatementLine) and ends_in([statement], *_EXITS)
            return None if harmless or self.flow.is_harmless(statement, expires=self._expires) else index
        return index if self.flow.uses(statement) else None

    def _makes_it(self, statement: Statement) -> bool:
        """``session = factory()``, which opens no transaction."""
        only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        targets = [t.target for t in only.targets] if isinstance(only, cst.Assign) else [getattr(only, "target", None)]
        return any(isinstance(target, cst.Name) and target.value == self.flow.session.code for target in targets)

    # compound statements

    def _compound(self, statement: Statement, state: State) -> State:
        """Looks for the units inside a compound statement. Raises when there are none of their own."""
        flow = self.flow
        if any(not isinstance(block, cst.IndentedBlock) for block in blocks(statement)):
            refuse("a block stands on the line of what holds it", flow.path, flow.line(statement))
        if self.flow.opened_by(statement):
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
        for handler in statement.handlers:
            self._check_pending(statement, handler)
        # an error may come out of the middle: only what lies inside units leaves nothing open
        entry = State.OPEN if end is State.OPEN else State.ENDED
        ends = [end, *(self._inside(handler.body, entry) for handler in statement.handlers)]
        if statement.finalbody is not None and flow.points_in(statement.finalbody):
            refuse("the commit stands in finally, where errors pass by", flow.path, flow.line(statement.finalbody))
        return _joined(ends)

    def _check_pending(self, statement: cst.Try, handler: cst.ExceptHandler) -> None:
        """A block rolls back what an error leaves undone; by hand, a later commit would have saved it."""
        flow = self.flow
        if not flow.points_in(statement.body) or not any(flow.holds(statement.body, w) for w in flow.writes):
            return
        commits = flow.points_in(handler)
        rollbacks = flow.points_in(handler, flow.rollbacks)
        if rollbacks and (not commits or rollbacks[0].event.span < commits[0].event.span):
            return
        end = flow.source.span(statement)[2:]
        later = commits or any(point.event.span[:2] > end for point in flow.commits)
        if later or (self._commits_on_exit and not ends_in(handler.body.body, cst.Raise)):
            if later and not commits and ends_in(handler.body.body, cst.Raise, cst.Return):
                return
            refuse("what the try did before its error is saved after this handler", flow.path, flow.line(handler))

    # rollbacks outside units

    def _rollbacks(self, statements: Sequence[Statement], index: int, state: State) -> None:
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

    def _leaves(self, statements: Sequence[Statement], index: int) -> bool:
        """Whether an error leaves the block after the rollback, and nothing on its way uses the session."""
        following = statements[index + 1 :]
        if not ends_in(following, cst.Raise) or any(self.flow.mentions(statement) for statement in following):
            return False
        return not swallowed(self.flow, statements[index], self.flow.node)

    # units

    def _unit(self, statements: Sequence[Statement], first: int, last: int) -> None:
        flow = self.flow
        unit = Unit(statements[first], statements[last])
        inside = statements[first : last + 1]
        points = [point for statement in inside for point in flow.points_in(statement)]
        for statement in inside:
            refuse_loops(flow, statement, "the session is used before it")
        check_unit(flow, inside, points, commits_on_exit=self._commits_on_exit)
        for point in points:
            refuse_undone(flow, point, inside, expires=self._expires)
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


def _is_rollback(flow: Flow, statement: Statement) -> bool:
    return any(point.statement is statement for point in flow.rollbacks)


def _joined(ends: Sequence[State]) -> State:
    for state in (State.OPEN, State.ENDED, State.FRESH):
        if state in ends:
            return state
    return State.GONE


def _head(statement: Statement) -> list[cst.CSTNode]:
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
