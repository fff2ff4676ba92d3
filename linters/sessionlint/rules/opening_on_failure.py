"""What opens a session when the block or function it stands around fails: context managers and decorators.

Their ``except`` is written elsewhere, and runs while the session around the block is still open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.model import Effect, Event, FunctionInfo
from sessionlint.program.values import CONNECTION, SESSION, Handle
from sessionlint.rules.two_halves import EXITS

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_OPENS = Effect("create", SESSION, None)
_CONNECTS = Effect("create", CONNECTION, None)
_OPENINGS = frozenset({"obtain", "create", "call"})


def opener_around(program: Program, event: Event) -> FunctionInfo | None:
    """What opens a session on the failure of what is done in the block, or by the function, of a ``call`` event."""
    callee = event.callee
    if callee is None:
        return None
    if callee.is_context_manager:
        return callee if "cm" in event.flags and _on_failure(callee, _yields) else None
    if callee.name in EXITS:
        leave = _leaving(program, event, callee)
        return leave if leave is not None and _asks_for_error(leave) else None
    for wrapper in callee.wrappers if event.function is not callee and event.function not in callee.wrappers else ():
        if _on_failure(wrapper, lambda body: any(e.callee is callee for e in body)):
            return wrapper
    return None


def may_open(function: FunctionInfo) -> bool:
    """Whether a function opens a session, or a connection that none of its arguments spares it."""
    summary = function.summary
    return _OPENS in summary.effects or (_CONNECTS in summary.effects and not summary.guards.get(_CONNECTS))


def opening_of(function: FunctionInfo) -> Effect:
    """What :func:`may_open` found."""
    return _OPENS if _OPENS in function.summary.effects else _CONNECTS


def is_opened(atom: Any) -> bool:
    """Whether it is a session that is opened, or a connection of its own: not the one that a session works on."""
    return isinstance(atom, Handle) and (atom.kind == SESSION or (atom.kind == CONNECTION and atom.parent is None))


def _yields(body: tuple[Event, ...]) -> bool:
    return any(e.kind == "yield" for e in body)


def _on_failure(function: FunctionInfo, tries: Any) -> bool:
    """Whether an ``except`` of a function opens a session, and what it tries is the block or function around."""
    for handler in function.events:
        if handler.kind == "handler" and handler.expr is not None:
            _, body, events = handler.expr
            if tries(body) and any(_opens(e) for e in events):
                return True
    return False


def _opens(event: Event) -> bool:
    if event.kind == "call":
        return event.callee is not None and may_open(event.callee)
    return event.kind in _OPENINGS and any(is_opened(a) for a in event.subject)


def _leaving(program: Program, event: Event, enter: FunctionInfo) -> FunctionInfo | None:
    """The method that leaves the object which this call enters."""
    made = [a.info for _, value in event.bindings[:1] for a in value if a.tag == "inst"]
    owner = made[0] if made else enter.class_info
    return None if owner is None else program.solver.method(owner, EXITS[enter.name])


def _asks_for_error(leave: FunctionInfo) -> bool:
    """Whether ``__exit__`` opens a session where it has asked for the error it is told of."""
    told = {p[0] for p in leave.params[1:]}
    spans = [e.span for e in leave.events if _opens(e)]
    return any(
        start[:2] <= span[:2] and span[2:] <= end[2:]
        for start, end in _branches(leave.body, told)
        for span in spans
    )  # fmt: skip


def _branches(statements: tuple[ir.Stmt, ...], told: set[str]) -> Iterator[tuple[ir.Span4, ir.Span4]]:
    """Where the statements under ``if error:`` begin and end."""
    for statement in statements:
        if statement[0] == "I" and _asks(statement[2], told) and statement[3]:
            yield statement[3][0][1], statement[3][-1][1]


def _asks(test: ir.Expr, told: set[str]) -> bool:
    """``error``, ``error is not None``: not ``error is None``."""
    if test[0] == "x":
        return test[2][0] == "n" and test[2][2] in told and tuple(test[3]) == ("is not",)
    return test[0] == "n" and test[2] in told
