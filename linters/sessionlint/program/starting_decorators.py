"""Decorators whose inner function starts what they wrap in the background."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.program.announcing import tell
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo, Summary
from sessionlint.program.threads import STARTS
from sessionlint.program.values import UNKNOWN, Fn, Param, Pending, Value


def starts(frame: Frame, wrapper: FunctionInfo, function: FunctionInfo) -> bool:
    """Whether a decorator's inner function starts what it wraps, instead of running it or giving it to be awaited."""
    if wrapper is frame.function:
        return False
    summary = frame.solver.summary_of(wrapper)
    if any(True for param in handed_over(summary) if Fn(function) in frame.solver.peek(("param", *param[:2]))):
        return True
    if not function.is_async or wrapper.is_async:
        return False
    hop = summary.effects.get(STARTS)
    given_back = any(a.tag == "pending" and a.info is function for a in summary.returns)
    return hop is not None and not given_back and (hop.callee is None or _hands_on(summary, wrapper))


def _hands_on(summary: Summary, wrapper: FunctionInfo) -> bool:
    """Whether a decorator's inner function gives the coroutines of what it wraps to a helper that starts them."""
    started = (e.subject for e in summary.effects if e[:2] == STARTS[:2] and isinstance(e.subject, Pending))
    return any(True for work in started if wrapper in work.info.wrappers)


def handed_over(summary: Summary) -> Iterator[Param]:
    """The parameters, those of the functions around it included, that a function itself hands to background work."""
    for effect, hop in summary.effects.items():
        if hop.callee is None and effect[:2] == STARTS[:2] and isinstance(effect.subject, Param):
            yield effect.subject


def start_wrapped(frame: Frame, wrapper: FunctionInfo, pending: Pending, e: ir.Expr) -> Value:
    """A call of a function whose decorator starts it in the background."""
    frame.emit(
        "schedule", e[1], name=f"@{wrapper.qualname.partition('.')[0]}", value=(pending,), text="decorator", expr=e
    )
    tell(frame, (pending,), [], e)
    return UNKNOWN
