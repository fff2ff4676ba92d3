"""What a decorator's inner function does around one of the functions it wraps: ``db = session_in(args, kwargs)``.

Gone through once for all that it wraps, it has so many starred arguments that nobody can tell whose session is whose,
and more than a value holds. What it does to a session that it told by its class among them, it does to the session of
whichever function is called.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import Effect, FunctionInfo, Hop, Summary
from sessionlint.program.values import UNKNOWN, Closed, Const, Fn, Value

_STARRED = (ir.KIND_VARARGS, ir.KIND_KWARGS)
#: What an inner function may have found among its starred arguments.
_FOUND = frozenset({"param", "injected", "ext"})
#: Among the arguments of a call: what the decorators put around the function does not run.
BARE = Const("__wrapped__", "bare")
_BARE = Closed(((BARE, UNKNOWN),))


def bare(function: Fn) -> Fn:
    """``decorated.__wrapped__``: the function without its decorators."""
    plain = function.info.class_info is None and function.receiver is None
    return Fn(function.info, _BARE) if plain and function.info.wrappers else function


def around_one(
    frame: Frame, function: FunctionInfo, wrapper: FunctionInfo, mapped: dict[Any, Value]
) -> dict[Effect, Effect]:
    """What the statements of the inner function do around ``function``, by what the inner function's summary says."""
    summary: Summary = frame.solver.summary_of(wrapper)
    own = [effect for effect, hop in summary.effects.items() if _is_own(effect, hop)]
    if not summary.finds or not any(kind in _STARRED for _, kind, *_ in wrapper.params):
        return {effect: effect for effect in own}
    params = [identity(function, name) for name, *_ in function.params]
    told: dict[Effect, Effect] = {}
    for effect in own:
        for one in _of_one(frame, effect, params, mapped):
            told.setdefault(one, effect)
    return told


def _is_own(effect: Effect, hop: Hop) -> bool:
    return hop.callee is None and (effect.subject is not None or effect.kind == "network")


def _of_one(frame: Frame, effect: Effect, params: list[Any], mapped: dict[Any, Value]) -> list[Effect]:
    """An effect on something the inner function has no parameter for: on what of the kind the function takes."""
    subject = effect.subject
    if subject is None or subject.tag not in _FOUND or subject in mapped:
        return [effect]
    kind = frame.solver.kind_of(subject)
    return [effect._replace(subject=p) for p in params if frame.solver.kind_of(p) == kind] if kind else []
