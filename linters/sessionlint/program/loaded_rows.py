"""Rows in a value: loaded here, given by an operation that nobody awaits, or loaded by a dependency."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Value


def rows_in(frame: Frame, value: Value) -> list[Any]:
    """The rows that the atoms of a value are, or give."""
    found: list[Any] = []
    for atom in value:
        if atom.tag == "row":
            found.append(atom)
        elif atom.tag == "operation":
            found += [inner for inner in atom.result if inner.tag == "row"]
        elif atom.tag == "seq":
            for item in atom.items:
                found += rows_in(frame, item)
        elif atom.tag == "injected":
            found += of_request(frame, atom)
    return found


def each_passed(frame: Frame, param: Any) -> Value:
    """What going through an argument gives that some callers pass rows for: rows, if it is one of these."""
    for view in frame.solver.ask("views_among", param, ("row", "operation", "seq")):
        if rows_in(frame, (view,)):
            return (param,)
    return UNKNOWN


def of_request(frame: Frame, injected: Any) -> Value:
    """The rows that a dependency has loaded on a session of the request: that is open as long as the endpoint runs."""
    views = frame.solver.views(injected)
    if not views:
        return UNKNOWN
    given = [inner for atom in views for inner in (atom.result if atom.tag == "operation" else (atom,))]
    return tuple([a for a in given if a.tag == "row" and not a.query and a.session.tag == "injected"])
