"""``object_session(item)``: of an argument only callers know which session has loaded it."""

from __future__ import annotations

from typing import Any

from sessionlint.program import knowledge, loaded_rows
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Injected, Operation, Param, Row, Value


def note(frame: Frame, asked: Value) -> None:
    """The session of a parameter is asked for."""
    for atom in asked:
        if isinstance(atom, Param) and atom.info is frame.function:
            frame.asked_rows[atom.name] = None


def carry(frame: Frame, function: FunctionInfo, names: tuple[str, ...], mapped: dict[Any, Value]) -> None:
    """A callee asks its arguments for their session: that of the rows which this call passes, if all are one's."""
    passed = tuple([a for name in names for a in mapped.get(Param(function, name), ())])
    sessions, others = _whose(frame, passed)
    if len(sessions) == 1 and not others:
        for session in knowledge.AMBIENT_SESSIONS:
            mapped.setdefault(session, (sessions[0],))
    note(frame, passed)


def _whose(frame: Frame, value: Value) -> tuple[list[Any], bool]:
    """The sessions of the rows in a value, and whether it may be something else; what ``db.get()`` gives is a row."""
    loaded: list[Any] = []
    for atom in value:
        if isinstance(atom, Injected):
            loaded += loaded_rows.of_request(frame, atom) or (atom,)
        else:
            loaded += atom.result if isinstance(atom, Operation) else (atom,)
    rows = [a for a in loaded if isinstance(a, Row)]
    return list(dict.fromkeys([row.session for row in rows])), len(rows) < len(loaded)


def sessions_of(frame: Frame, value: Value) -> Value:
    """The sessions of the rows that a value may be."""
    return tuple(_whose(frame, value)[0])
