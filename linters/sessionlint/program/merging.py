"""``other.merge(row)`` and ``other.add(row)``: what was changed in a row is written by the session that gets it."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import loaded_rows, row_classes
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect, FunctionInfo, Hop
from sessionlint.program.values import UNKNOWN, Value, const, join

_NO: Value = const(False)
#: The effect on an argument that is added to a session, and the flag of a change of what is.
ATTACHED, ADDED = "attached", "added"


def copied(frame: Frame, into: Value, given: Value) -> None:
    """Takes back that the row's own session has to write what was changed so far; the copy is a write by itself."""
    inside = [inner for a in given for inner in (a.result if a.tag == "operation" else (a,))]
    changed = [Effect("change", "argument", a) for a in inside if a.tag == "param"]
    owners = [a.session for a in loaded_rows.rows_in(frame, given) if a.session not in into]
    changed += [Effect("change", "row", owner) for owner in owners]
    for effect in changed:
        frame.effects.pop(effect, None)
        frame.guarded.pop(effect, None)
    for index, event in enumerate(frame.events) if owners else ():
        if "change" in (event.kind, event.text) and not set(owners).isdisjoint(event.subject):
            frame.events[index] = event._replace(subject=tuple([s for s in event.subject if s not in owners]))


def attaches_only(keywords: list[tuple[str, Value]]) -> bool:
    """``session.merge(cached, load=False)``: SQLAlchemy takes no row there of which anything was changed."""
    return dict(keywords).get("load") == _NO


def adds_loaded(frame: Frame, sessions: Value, given: Value, e: ir.Expr) -> bool:
    """``session.add(row)`` of a row that it has loaded itself, and that nothing was done with since: no write.

    A row that only its name was given and that is added at once cannot have been changed.
    """
    if e[0] != "c" or len(e[3]) != 1 or e[3][0][0] != "n" or "loop" in frame.flags:
        return False
    rows = loaded_rows.rows_in(frame, given)
    if len(rows) != len(given) or any(r.query or r.session not in sessions for r in rows):
        return False
    return _is_named_twice(frame.function.body, e[3][0])


def _is_named_twice(body: Any, last: ir.Expr) -> bool:
    """Whether a name stands once before this place."""
    number = 0
    pending: list[Any] = [body]
    while pending:
        node = pending.pop()
        if len(node) == 3 and node[0] == "n" and node[2] == last[2] and type(node[1]) is tuple:
            number += node[1] <= last[1]
        pending.extend([child for child in node if type(child) is tuple and child])
    return number == 2


def attached(frame: Frame, given: Value, span: ir.Span4, hop: Hop, guards: frozenset[Any] = frozenset()) -> None:
    """``session.add(row)`` of an argument: a row that some caller has loaded is no longer in the session it was in.

    SQLAlchemy adds no row that still is in another one; so whatever is changed in it, this session has to write.
    """
    for param in [a for a in join(given, row_classes.itself(frame, given)) if a.tag == "param"]:
        frame.effect(Effect("change", ATTACHED, param), span, hop.note, hop.callee, hop.inner, guards)


def is_attached(function: FunctionInfo, param: Any) -> bool:
    """Whether a function adds an argument to a session."""
    return Effect("change", ATTACHED, param) in function.summary.effects


def receiver(frame: Frame, function: FunctionInfo, subject: Any, e: ir.Expr) -> Value:
    """The arguments that ``row`` in ``row.save(session)`` may stand for, where a method adds its own object."""
    if function.class_info is None or subject.tag != "param" or subject.info is not function:
        return UNKNOWN
    if subject.name != function.params[0][0]:
        return UNKNOWN
    if e[0] != "c" or e[2][0] != "a" or e[2][2][0] != "n":
        return UNKNOWN
    return tuple([a for a in frame.lookup(e[2][2][2]) if a.tag == "param"])
