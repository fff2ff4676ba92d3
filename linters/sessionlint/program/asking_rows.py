"""``object_session(item)``: of an argument only callers know which session has loaded it."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge, loaded_rows
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Injected, Operation, Param, Row, Value


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


def added(frame: Frame, sessions: Value, given: Value, e: ir.Expr) -> None:
    """``session.add(row)`` of a row that was made here: from there on its methods find that session."""
    if e[0] != "c" or not e[3] or e[3][0][0] != "n" or len(given) != 1 or given[0].tag != "inst":
        return
    name = e[3][0][2]
    if frame.added_to.get(name, sessions) != sessions:
        frame.added_to[name] = UNKNOWN  # one branch adds it here, another there
    elif frame.solver.is_model(given[0].info):
        frame.added_to[name] = sessions


def of_receiver(frame: Frame, e: ir.Expr) -> dict[Any, Value]:
    """The session that ``object_session(self)`` gives in a method of a row which was added to one here."""
    if e[0] != "c" or e[2][0] != "a" or e[2][2][0] != "n":
        return {}
    sessions = frame.added_to.get(e[2][2][2])
    return dict.fromkeys(knowledge.AMBIENT_SESSIONS, sessions) if sessions else {}


def sessions_of(frame: Frame, value: Value) -> Value:
    """The sessions of the rows that a value may be."""
    return tuple(_whose(frame, value)[0])
