"""Rows that are taken out of their session (``session.expunge(row)``), or have outlived it.

No session writes what becomes of them.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.loaded_rows import rows_in
from sessionlint.program.values import contained


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


def handed_out(frame: Frame, held: frozenset[tuple[Any, str]]) -> list[Any]:
    """The function's own sessions that are closed when its caller gets rows of theirs: those are detached."""
    rows = [a for a in rows_in(frame, tuple(contained(frame.returns))) if not a.query and not a.streamed]
    own = dict.fromkeys([a.session for a in rows if a.session.tag == "handle" and frame.is_own(a.session)])
    return [session for session in own if (session, "closed") in held or _is_left_by_return(frame, session)]


def _is_left_by_return(frame: Frame, session: Any) -> bool:
    """Whether every ``return`` of one of its rows leaves the ``with`` that closes it."""
    returns = [e for e in frame.events if e.kind == "return"]
    giving = [e for e in returns if any(a.session == session for a in rows_in(frame, tuple(contained(e.value))))]
    return bool(giving) and all(session in e.open_sessions for e in giving)
