"""Sessions that a round of a loop opens and closes: where a name still has one of them in the next, it is closed."""

from __future__ import annotations

from itertools import islice
from typing import Any

from sessionlint.facts import ir
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


def over(frame: Frame, since: int, body: tuple[ir.Stmt, ...], before: dict[str, Value]) -> None:
    """No round is left: what a name has from the ``with`` of a round, and from nowhere else, is closed.

    Where there was no round at all the name has nothing in it. ``since`` counts what had been left before the loop.
    """
    first, last = body[0][1], body[-1][1]
    for handle in dict.fromkeys(frame.left[since:]):
        if handle.tag != "handle" or handle.kind != SESSION or handle.registry or handle.site[0] != frame.path:
            continue
        span = handle.site[1]
        if not (first[:2] <= span[:2] and span[2:] <= last[2:]) or frame.know(handle, "closed") == YES:
            continue
        names = [name for name, value in frame.env.items() if handle in value]
        if names and not any(_had_another(frame, name, since, before) for name in names):
            frame.facts[(handle, "closed")] = YES
            frame.learn(handle, "open", False)


def _had_another(frame: Frame, name: str, since: int, before: dict[str, Value]) -> bool:
    """Whether a name may have something else in it than literals and what the loop's own blocks have closed."""
    known = before.get(name, ())
    unknown = name in before and (known == UNKNOWN or any(a.tag != "const" for a in known))
    return unknown or any(a.tag != "const" and a not in frame.left[since:] for a in frame.env[name])


def _has_another(frame: Frame, name: str, closed: list[Any]) -> bool:
    others = [atom for atom in frame.env[name] if atom.tag != "const" and atom not in closed]
    return any(frame.know(atom, "closed") != YES for atom in others)
