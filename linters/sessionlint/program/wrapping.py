"""What a decorator's inner function does around one of the functions it wraps: ``db = session_in(args, kwargs)``.

Gone through once for all that it wraps, it has so many starred arguments that nobody can tell whose session is whose,
and more than a value holds. What it does to a session that it told by its class among them, it does to the session of
whichever function is called.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.conditions import left_of
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import Effect, FunctionInfo, Summary
from sessionlint.program.values import UNKNOWN, Closed, Const, Fn, Value

_STARRED = (ir.KIND_VARARGS, ir.KIND_KWARGS)
#: What an inner function may have found among its starred arguments.
_FOUND = frozenset({"param", "injected", "ext"})
#: What is said of a session whose transaction is open.
_OPEN = ("used", "begun")
#: Among the arguments of a call: what the decorators put around the function does not run.
BARE = Const("__wrapped__", "bare")
_BARE = Closed(((BARE, UNKNOWN),))


def bare(function: Fn) -> Fn:
    """``decorated.__wrapped__``: the function without its decorators."""
    plain = function.info.class_info is None and function.receiver is None
    return Fn(function.info, _BARE) if plain and function.info.wrappers else function


def is_bare(function: Fn) -> bool:
    """Whether a function is called without its decorators."""
    return bool(function.receiver == _BARE)


def around_one(
    frame: Frame, function: FunctionInfo, wrapper: FunctionInfo, mapped: dict[Any, Value]
) -> dict[Effect, Effect]:
    """What the inner function does around ``function``, by what the inner function's summary says."""
    summary: Summary = frame.solver.summary_of(wrapper)
    own = [effect for effect in summary.around if effect.subject is not None or effect.kind == "network"]
    if not any(kind in _STARRED for _, kind, *_ in wrapper.params):
        return {effect: effect for effect in own}
    told: dict[Effect, Effect] = {}
    for effect in own:
        for one in _of_one(frame, effect, function, wrapper, mapped):
            told.setdefault(one, effect)
    return told


def ends_block(frame: Frame, summary: Summary, begun: Effect, mapped: dict[Any, Value]) -> bool:
    """Whether what the inner function begins at every such call is over when it is left."""
    conditions = summary.around.get(begun)
    if conditions and left_of(conditions, mapped, frame.solver) != frozenset():
        return False
    return summary.leaves.isdisjoint({(begun.subject, fact) for fact in _OPEN})


def _of_one(
    frame: Frame, effect: Effect, function: FunctionInfo, wrapper: FunctionInfo, mapped: dict[Any, Value]
) -> list[Effect]:
    """An effect on something the inner function has no parameter for: on what of the kind the function takes."""
    subject = effect.subject
    if subject is None or subject.tag not in _FOUND or subject in mapped:
        return [effect]
    finds = wrapper.summary.finds
    named = subject.tag == "param" and wrapper in subject.info.wrappers
    if not finds and not named:
        return [effect]
    kind = frame.solver.kind_of(subject)
    own = [identity(function, name) for name, *_ in function.params]
    params = [p for p in own if frame.solver.kind_of(p) == kind]
    if not finds:
        # a parameter of another function that it wraps, taken by its name or place
        params = [p for p in params if getattr(p, "name", "") == subject.name] or (params if len(params) == 1 else [])
    return [effect._replace(subject=p) for p in params] if kind else []
