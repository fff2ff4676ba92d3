"""Statements that are passed: ``execute(statement)`` writes where what the caller passes is an INSERT.

An effect of its own tells callers of it: each knows what it passes, or whose parameter that is in turn. What an object
was given to keep by a method is a write where all that any caller gives is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import sqlends, strings, unsaved
from sessionlint.program.model import Effect, FunctionInfo, Hop
from sessionlint.program.substitution import stand_in
from sessionlint.program.values import Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: The effect of a call that sends a statement which it is passed.
SEND = "send"
#: Methods of a query that take another statement into it.
TAKES_CTE = frozenset({"select_from", "join", "outerjoin", "join_from", "outerjoin_from", "add_cte", "add_columns"})
FROM_STATEMENT = "from_statement"
#: What a notification is: told at the commit, and lost without one.
_NOTIFIES = "sqlalchemy.func.pg_notify()"
WRITERS = frozenset({"sqlalchemy.update()", "sqlalchemy.delete()", "sqlalchemy.insert()", _NOTIFIES})
_WRITE = Effect("use", "write", None)


class Sent(NamedTuple):
    """The subject of such an effect: who sends, and the parameter that holds what is sent."""

    session: Any
    statement: Any
    tag: str = "sent"


def writes(value: Value) -> bool:
    """Whether a statement is known to write."""
    if any(a.tag == "ext" and a.name in WRITERS for a in value):
        return True
    text = strings.text_of(value)
    return text is not None and sqlends.writes(text.text)


def inside(args: list[Value]) -> Value:
    """What writes in a query that is made of these: ``select(insert(Item).returning(Item).cte())``."""
    for value in args:
        for atom in value:
            if atom.tag == "ext" and atom.name in WRITERS:
                return (atom,)
    return ()


def note(frame: Frame, subjects: Value, statement: Value, e: ir.Expr, how: str) -> bool:
    """A statement is sent; gives whether it writes, by all that any caller has it keep."""
    certain = False
    for atom in statement:
        if atom.tag != "param" or frame.solver.kind_of(atom) is not None:
            continue
        if atom.info is frame.function or atom.info.name == "__init__":
            for subject in subjects:
                if subject.tag != "handle" or not frame.is_own(subject):
                    frame.effect(Effect(SEND, "write", Sent(subject, atom)), e[1], how)
        elif not certain and atom.info.class_info is not None:
            given = frame.solver.arguments_of(atom)
            certain = bool(given) and all(a.tag == "param" or writes((a,)) for a in given) and writes(given)
    return certain


def carry(
    frame: Frame, function: FunctionInfo, effect: Effect, mapped: dict[Any, Value], e: ir.Expr, guards: frozenset[Any]
) -> None:
    """A call writes by what it passes; what it passes on is told to its callers in turn."""
    sent: Sent = effect.subject
    statement = mapped.get(sent.statement)
    if not statement:
        return
    note = f"{function.called} is called here"
    sessions = mapped[sent.session] if sent.session in mapped else stand_in(frame, sent.session, mapped)
    for atom in statement:
        if atom.tag == "param":
            for session in sessions:
                frame.effect(Effect(SEND, "write", Sent(session, atom)), e[1], note, function, effect, guards)
    if not writes(statement):
        return
    for session in sessions:
        outer = _WRITE._replace(subject=session)
        frame.effect(outer, e[1], note, function, effect, guards)
        frame.learn(session, "ended", False)
        frame.learn(session, "written")
        unsaved.by_callee(frame, session, outer, Hop(frame.site(e[1]), note, function, effect), guards, e)
    frame.emit("effect", e[1], callee=function, name="write", text="use", subject=sessions, effect=effect, expr=e)
