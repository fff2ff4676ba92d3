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
from sessionlint.program.values import Value

_STARRED = (ir.KIND_VARARGS, ir.KIND_KWARGS)
#: What an inner function may have found among its starred arguments.
_FOUND = frozenset({"param", "injected", "ext"})


def around_one(
    frame: Frame, function: FunctionInfo, wrapper: FunctionInfo, mapped: dict[Any, Value]
) -> dict[Effect, Effect]:
    """What the statements of the inner function do around ``function``, by what the inner function's summary says."""
    summary: Summary = frame.solver.summary_of(wrapper)
    own = [effect for effect, hop in summary.effects.items() if _is_own(effect, hop)]
    if not any(kind in _STARRED for _, kind, *_ in wrapper.params):
        return {effect: effect for effect in own}
    told: dict[Effect, Effect] = {}
    for effect in own:
        for one in _of_one(frame, effect, function, wrapper, mapped):
            told.setdefault(one, effect)
    return told


def _is_own(effect: Effect, hop: Hop) -> bool:
    return hop.callee is None and (effect.subject is not None or effect.kind == "network")


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
