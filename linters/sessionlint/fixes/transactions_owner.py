"""The owner of a session: commits by hand become blocks around the units of work that they end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit, statements
from sessionlint.fixes.moves_calls import removed
from sessionlint.fixes.source import Statement
from sessionlint.fixes.transactions_checks import swallowed
from sessionlint.fixes.transactions_flow import Flow, Point, Session, ends_in
from sessionlint.fixes.transactions_session import commits_on_exit, expires, refuse_used_before
from sessionlint.fixes.transactions_units import Unit, Units, units_of
from sessionlint.patterns import regex

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo

_ABOUT_COMMIT = regex(r"commit|roll(?:ing)?\s?back|transaction", re.I)


def rewrite_owner(context: Context, edit: Edit, function: FunctionInfo, session: Session) -> None:
    """Puts a block around each unit of work that a function ends itself."""
    flow = Flow(context, function, session)
    rewrite(context, edit, function, flow, units_in(context, flow))


def units_in(context: Context, flow: Flow) -> Units:
    """The units of an owner's function."""
    ends = commits_on_exit(context, flow.function, flow.session)
    return units_of(flow, expires=expires(context), commits_on_exit=ends)


def rewrite(context: Context, edit: Edit, function: FunctionInfo, flow: Flow, units: Units) -> None:
    """Makes the blocks that were found. Refuses where a transaction is open already when the function begins."""
    if units.units:
        refuse_used_before(context, function, flow.session)
    apply_units(edit, flow, units)
    for point in flow.inner_commits:
        end_with_the_block(edit, flow, point)


def apply_units(edit: Edit, flow: Flow, units: Units) -> None:
    """Makes the changes that were found."""
    for statement in units.removed:
        take_out(edit, flow, statement)
    for statement in units.flushed:
        flush_instead(edit, flow, statement)
    for unit in units.units:
        wrap(edit, flow, unit)


def wrap(edit: Edit, flow: Flow, unit: Unit) -> None:
    """Indents a unit below the head of its block."""
    edit.wrap(flow.path, unit.first, unit.last, flow.session.begin)


def flush_instead(edit: Edit, flow: Flow, statement: Statement) -> None:
    """Puts a flush in place of a commit: errors show where they did, and ids are there; none after another flush."""
    body = list(flow.source.block(statement).body)
    at = body.index(statement)
    before = flow.source.code(body[at - 1]).strip() if at else ""
    if before == flow.session.flush:
        take_out(edit, flow, statement)
        return
    (flush,) = statements(flow.session.flush)

    def change(old: cst.SimpleStatementLine) -> cst.SimpleStatementLine:
        behind = old.trailing_whitespace
        plain = behind.comment is not None and _ABOUT_COMMIT.search(behind.comment.value)
        above = [line for line in old.leading_lines if not line.comment or not _ABOUT_COMMIT.search(line.comment.value)]
        kept = flush.trailing_whitespace if plain else behind
        return flush.with_changes(leading_lines=above, trailing_whitespace=kept)  # type: ignore[no-any-return]

    edit.change(flow.path, statement, change)


def take_out(edit: Edit, flow: Flow, statement: Statement) -> None:
    """Removes a commit or rollback, and the comments that are about it."""
    comments = [line.comment for line in statement.leading_lines if line.comment is not None]
    if isinstance(statement, cst.SimpleStatementLine) and statement.trailing_whitespace.comment is not None:
        comments.append(statement.trailing_whitespace.comment)
    about = all(_ABOUT_COMMIT.search(comment.value) for comment in comments)
    edit.remove(flow.path, statement, with_comments=about)


def end_with_the_block(edit: Edit, flow: Flow, point: Point) -> None:
    """Takes out a commit inside a block: what follows it there fails, so the block may as well commit."""
    body: Sequence[cst.CSTNode] = flow.source.block(point.statement).body
    following = body[list(body).index(point.statement) + 1 :]
    if following and not ends_in(following[:1], cst.Return):
        flush_instead(edit, flow, point.statement)
    else:
        take_out(edit, flow, point.statement)


def open_up(edit: Edit, flow: Flow, block: cst.With, item: cst.WithItem, outer: cst.CSTNode | None = None) -> None:
    """Takes ``session.begin()`` out of a ``with``: its statements belong to the transaction around them.

    Where a handler (below ``outer``, which may be a savepoint) goes on after an error of it, it becomes a savepoint.
    """
    if item.asname is not None:
        refuse("the transaction has a name", flow.path, flow.line(block))
    if swallowed(flow, block, outer or flow.node):
        begin = item.item
        assert isinstance(begin, cst.Call)
        edit.replace(flow.path, begin.func, f"{flow.session.code}.begin_nested")
    elif len(block.items) > 1:
        at = list(block.items).index(item)
        edit.change(flow.path, block, lambda old: old.with_changes(items=removed(list(old.items), at)))
    else:
        flush_at_the_end(edit, flow, block)
        edit.unwrap(flow.path, block)


def _is_flush(flow: Flow, statement: cst.CSTNode) -> bool:
    only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    value = only.value if isinstance(only, cst.Expr) else None
    call = value.expression if isinstance(value, cst.Await) else value
    return isinstance(call, cst.Call) and flow.source.code(call.func) == f"{flow.session.code}.flush"


def flush_at_the_end(edit: Edit, flow: Flow, block: cst.With) -> None:
    """Sends what a block wrote that ended in a commit: errors of its statements show where they did, ids are there."""
    last = block.body.body[-1]
    writes = any(flow.holds(block, write) for write in flow.writes)
    if not writes or not isinstance(last, cst.SimpleStatementLine | cst.BaseCompoundStatement) or _is_flush(flow, last):
        return
    if not ends_in([last], cst.Return, cst.Raise, cst.Continue, cst.Break):
        edit.insert_after(flow.path, last, flow.session.flush)
    elif isinstance(last, cst.SimpleStatementLine) and not flow.mentions(last):
        edit.insert_before(flow.path, last, flow.session.flush)
