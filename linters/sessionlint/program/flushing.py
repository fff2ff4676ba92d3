"""Flushes that find nothing to send, and so open no transaction."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import all_blocks
from sessionlint.program.frame import Frame

_ENDS = ("commit", "rollback")


def sends_nothing(frame: Frame, subjects: tuple[Any, ...], e: ir.Expr) -> bool:
    """Whether a flush is the very next statement after the one that ended the session's transaction.

    What is assigned to rows in between, by whatever helper, would be sent: so nothing may stand there.
    """
    if any(frame.know(subject, "ended") != 1 for subject in subjects):
        return False
    session = ir.dotted(e[2][2]) if e[0] == "c" and e[2][0] == "a" else None
    before = _statement_before(frame.function.body, e[1]) if session is not None else None
    if before is None or before[0] != "E":
        return False
    call = before[2][2] if before[2][0] == "aw" else before[2]
    return bool(call[0] == "c" and call[2][0] == "a" and call[2][3] in _ENDS and ir.dotted(call[2][2]) == session)


def _statement_before(node: Any, span: ir.Span4) -> Any:
    """The statement that stands before the expression statement of a call at ``span`` in the same block."""
    for block in all_blocks(node):
        for before, after in pairwise(block):
            if after[0] == "E" and (after[2][2] if after[2][0] == "aw" else after[2])[1] == span:
                return before
    return None
