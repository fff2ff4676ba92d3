"""TXN201 and TXN202: commits and rollbacks by hand become the block of whoever owns the session."""

from __future__ import annotations

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.transactions_owner import rewrite_owner
from sessionlint.fixes.transactions_receiver import hand_over
from sessionlint.fixes.transactions_session import event_of, session_at
from sessionlint.report import Finding

_TITLE = "Let a transaction block commit and roll back"
_HAND_OVER = "Leave the transaction to the owner of the session"


def commit_by_block(context: Context, finding: Finding) -> Proposal:
    """One change for all commits and rollbacks of a function on one session.

    Who opened the session, or had it injected, gets ``async with session.begin():`` around each unit of work. Who
    received it flushes, and every owner of the program that calls it gets the block around the call.
    """
    event = event_of(context, finding)
    edit = context.edit()
    session = session_at(context, event)
    if session.atom.tag in ("injected", "handle"):
        rewrite_owner(context, edit, event.function, session)
        return edit.proposal(finding, _TITLE, "unsafe")
    if session.atom.tag != "param":
        refuse("where the session comes from is not known")
    hand_over(context, edit, event.function, session)
    return edit.proposal(finding, _HAND_OVER, "unsafe")
