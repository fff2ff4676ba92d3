"""Engines that a function makes of what one call gives it: ``build(url, tls=False)``, ``sized(url, 2)``.

What any call may give it says little of one of them. Where a call passes literals, a function that does nothing but
put an engine together is gone through once more, and each engine it makes is told of there as that call has it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import configured
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import Effect, Event, FunctionInfo
from sessionlint.program.values import ENGINE, UNKNOWN, Value

#: The event that tells of an engine as one call of the function has it; its ``value`` is a :class:`Made`.
MADE = "made"
_MAKES = Effect("create", ENGINE, None)


class Made(NamedTuple):
    """An engine as one call has it: the event of its creation."""

    event: Any
    tag: str = "made"


def making(frame: Frame, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...] | None:
    """The statements of a function that puts an engine together out of its parameters; ``None`` for all others."""
    if _MAKES not in frame.effects or not frame.function.params or not any(map(_is_made, frame.events)):
        return None
    return configured.answering(frame.function, body, True)


def _is_made(event: Event) -> bool:
    """Whether an engine is made here, or by a function called here that is gone through itself."""
    if event.kind == "call":
        return event.callee is not None and event.callee.summary.makes is not None
    return event.kind == MADE or (event.kind == "create" and event.name == ENGINE)


def tell(
    frame: Frame, function: FunctionInfo, body: tuple[ir.Stmt, ...], bindings: dict[Any, Value], e: ir.Expr
) -> None:
    """A call of such a function: the engines it makes then."""
    if frame.dead or not any(_is_written(v) for v in bindings.values()):
        return
    inner = configured.gone_through(frame, function, body, _known(function, bindings))
    for event in inner.events if inner is not None else ():
        if event.kind == MADE:
            frame.emit(MADE, e[1], callee=function, value=event.value, expr=e)
        elif event.kind == "create" and event.name == ENGINE:
            frame.emit(MADE, e[1], callee=function, value=(Made(event),), expr=e)


def _known(function: FunctionInfo, bindings: dict[Any, Value]) -> dict[str, Value]:
    return {name: bindings.get(identity(function, name), UNKNOWN) for name, *_ in function.params}


def _is_written(value: Value) -> bool:
    return len(value) == 1 and value[0].tag == "const"


__all__ = ["MADE", "Made", "making", "tell"]
