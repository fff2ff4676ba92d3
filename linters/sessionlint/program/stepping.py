"""Generators that are taken from by hand, step by step: what comes behind a ``yield`` happens in a later step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.atoms import Const

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import Effect, Summary

#: Stands for the function itself in the facts of a path.
PASSES: Final = Const(None, "yields")
#: So many ``yield``s, or steps, are told apart: the fact that there was one, two…
_PASSED: Final = ("passed one", "passed two", "passed three")
_STEPS: Final = ("taken", "taken twice", "taken thrice")
#: What happens there when a generator is closed, or something is thrown into it, comes whenever that is done.
_WHENEVER: Final = frozenset({"finally", "handler"})


def passed(frame: Frame) -> int:
    """How many ``yield``s every path to here has passed."""
    for count, fact in enumerate(_PASSED):
        if frame.facts.get((PASSES, fact)) != 1:
            return count
    return len(_PASSED)


def at_yield(frame: Frame) -> None:
    """A generator gives something, and goes on when it is asked for more."""
    count = passed(frame)
    if count < len(_PASSED):
        frame.facts[(PASSES, _PASSED[count])] = 1


def note(frame: Frame, effect: Effect, is_new: bool) -> None:
    """An effect happens behind so many ``yield``s at least."""
    count = passed(frame) if _WHENEVER.isdisjoint(frame.flags) else 0
    if is_new and count:
        frame.late[effect] = count
    elif effect in frame.late:
        if count:
            frame.late[effect] = min(count, frame.late[effect])
        else:
            del frame.late[effect]


def begin(frame: Frame, source: Any) -> int:
    """The next step of a generator: which one it is at most, or 0 where that cannot be told."""
    count = 0
    for fact in _STEPS:
        if (source, fact) not in frame.facts:
            break
        count += 1
    if count < len(_STEPS):
        frame.facts[(source, _STEPS[count])] = 1
    return count + 1 if count < len(_STEPS) and is_counted(frame, source) else 0


def is_counted(frame: Frame, source: Any) -> bool:
    """Whether all steps of a generator are in sight: those of one that this function makes, outside of loops."""
    return "loop" not in frame.flags and not frame.function.children and frame.is_own(source)


def forget(frame: Frame, source: Any) -> None:
    """A generator is made anew where one was before."""
    for fact in _STEPS:
        frame.learn(source, fact, False)


def comes_later(frame: Frame, summary: Summary, effect: Effect) -> bool:
    """Whether the step that is done here does not come to an effect."""
    return summary.late.get(effect, 0) >= frame.step
