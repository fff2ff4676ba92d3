"""Sessions that a parameter may be given, and no call in sight gives: ``Orders()`` of ``session: Session | None``.

What such a function or object works with is always a session of its own. A call that passes something nobody knows
may pass one; so may callers of what nobody in sight calls. What tests pass says nothing of the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Value
from sessionlint.rules.callers import calls_by_callee

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

#: Through so many functions it may be passed on.
_HOPS = 4


def is_never_given(program: Program, session: Any, hops: int = _HOPS) -> bool:
    """Whether a session is a parameter that every call in sight leaves out, or passes ``None`` for."""
    if session.tag != "param" or not hops or not _may_be_left_out(session):
        return False
    calls = program.shared(calls_by_callee).get(session.info, ())
    told = [e for e in calls if program.role(e.function) != "test"]
    return bool(told) and all(_gives_none(program, call, session, hops) for call in told)


def _may_be_left_out(session: Any) -> bool:
    """Whether it is none by default: what must be passed is what is passed."""
    default: Value = session.info.param_values.get(session.name, ((), ()))[1]
    return _is_none(default)


def _gives_none(program: Program, call: Event, session: Any, hops: int) -> bool:
    expr = call.expr
    if expr is None or expr[0] != "c" or any(n is None for n, _ in expr[4]) or any(a[0] == "*" for a in expr[3]):
        return False
    value = dict(call.bindings).get(session, ())
    return _is_none(value) or (len(value) == 1 and is_never_given(program, value[0], hops - 1))


def _is_none(value: Value) -> bool:
    return len(value) == 1 and value[0].tag == "const" and value[0].value is None
