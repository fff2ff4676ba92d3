"""Rows that are taken out of their session (``session.expunge(row)``): no session writes what becomes of them."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame


def taken_out(frame: Frame, e: ir.Expr) -> None:
    """What stands under a local name is in no session any more: of another one's row this would raise."""
    given: Any = e[3] if e[0] == "c" else ()
    if len(given) != 1 or given[0][0] != "n" or given[0][2] not in frame.env:
        return
    name: str = given[0][2]
    left = tuple([a for a in frame.env[name] if not _is_row(a)])
    if len(left) != len(frame.env[name]):
        frame.env[name] = left


def _is_row(atom: Any) -> bool:
    if atom.tag == "operation":
        return any(inner.tag == "row" for inner in atom.result)
    return bool(atom.tag == "row" and not atom.query)
