"""``other.merge(row)``: what was changed in a row of one session is written by the session it is copied into."""

from __future__ import annotations

from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect
from sessionlint.program.values import Value


def copied(frame: Frame, into: Value, given: Value) -> None:
    """Takes back that the row's own session has to write what was changed so far; the copy is a write by itself."""
    rows = [inner for a in given for inner in (a.result if a.tag == "operation" else (a,))]
    changed = [Effect("change", "argument", a) for a in rows if a.tag == "param"]
    owners = [a.session for a in rows if a.tag == "row" and a.session not in into]
    changed += [Effect("change", "row", owner) for owner in owners]
    for effect in changed:
        frame.effects.pop(effect, None)
        frame.guarded.pop(effect, None)
    for index, event in enumerate(frame.events) if owners else ():
        if "change" in (event.kind, event.text) and not set(owners).isdisjoint(event.subject):
            frame.events[index] = event._replace(subject=tuple([s for s in event.subject if s not in owners]))
