"""Sessions that a round of a loop opens and closes: where a name still has one of them in the next, it is closed."""

from __future__ import annotations

from itertools import islice
from typing import Any

from sessionlint.program.frame import YES, Frame
from sessionlint.program.values import SESSION, UNKNOWN, Value


def closed_by_now(frame: Frame, made: int, since: int, before: dict[tuple[Any, str], int]) -> list[Any]:
    """What this round has opened and closed; counted are what was made and what was left before the loop.

    A ``with`` closes whichever way it is left, and so also before a ``continue`` in it.
    """
    states = [facts for _, facts, goes_on in frame.loop_exits if goes_on]
    if not frame.dead:
        states.append(frame.facts)
    found: list[Any] = []
    for handle in islice(frame.begins, made, None):
        key = (handle, "closed")
        if handle.kind != SESSION or handle.registry or key in before:
            continue
        if handle in frame.left[since:] or (states and all(facts.get(key) == YES for facts in states)):
            found.append(handle)
    return found


def begin_again(frame: Frame, closed: list[Any], before: dict[str, Value]) -> None:
    """The next round begins; one that its name may have besides another that is open is left in doubt."""
    for handle in closed:
        names = [name for name, value in frame.env.items() if handle in value]
        if not any(before.get(name) == UNKNOWN or _has_another(frame, name, closed) for name in names):
            frame.facts[(handle, "closed")] = YES


def _has_another(frame: Frame, name: str, closed: list[Any]) -> bool:
    others = [atom for atom in frame.env[name] if atom.tag != "const" and atom not in closed]
    return any(frame.know(atom, "closed") != YES for atom in others)
