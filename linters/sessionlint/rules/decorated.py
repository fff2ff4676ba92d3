"""Transactions that a decorator opens around the function it is put on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sessionlint.program.frame import identity
from sessionlint.program.model import Transaction
from sessionlint.program.values import Value
from sessionlint.rules.transactions import owned

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.report import TraceStep

_ASKS = ("in_transaction", "get_transaction")


class Around(NamedTuple):
    """The transaction, the decorator that opens it, and what its sessions are called inside the decorated function."""

    transaction: Transaction
    decorator: FunctionInfo
    sessions: Value

    def step(self, program: Program) -> TraceStep:
        """Where it is opened."""
        return program.step(self.transaction.site, f"@{self.decorator.name} opens the transaction here")


def around(program: Program, function: FunctionInfo) -> Around | None:
    """The transaction in which a decorator runs the function, if one does."""
    return program.shared(_arounds).get(function)


def is_told_inside(program: Program, event: Event) -> bool:
    """Whether a decorator calls what it is put on in its transaction: what is wrong there is told in that function."""
    callee = event.callee
    return callee is not None and event.function in callee.wrappers and bool(owned(event)) and (
        callee in program.shared(_arounds)
    )  # fmt: skip


def begun_around(program: Program, event: Event) -> Around | None:
    """The decorator's transaction on the session of an event, unless the function asks first whether there is one."""
    found = around(program, event.function)
    subjects = set(event.subject)
    if found is None or owned(event) or subjects.isdisjoint(found.sessions):
        return None
    asked = any(e.kind == "use" and e.name in _ASKS and subjects & set(e.subject) for e in event.function.events)
    return None if asked else found


def _arounds(program: Program) -> dict[FunctionInfo, Around]:
    found: dict[FunctionInfo, Around] = {}
    for wrapper in dict.fromkeys(w for f in program.functions for w in f.wrappers):
        for event in wrapper.events:
            callee = event.callee
            if event.kind != "call" or callee is None or wrapper not in callee.wrappers or callee in found:
                continue
            for transaction in owned(event)[-1:]:
                found[callee] = Around(transaction, _outermost(wrapper), _sessions(event, callee, transaction))
    return found


def _outermost(wrapper: FunctionInfo) -> FunctionInfo:
    while wrapper.parent is not None and wrapper.parent.name != "<module>":
        wrapper = wrapper.parent
    return wrapper


def _sessions(call: Event, function: FunctionInfo, transaction: Transaction) -> Value:
    """What FastAPI or the decorator passes under the name of the decorator's parameter, or as an argument."""
    found = [key for key, value in call.bindings if not set(value).isdisjoint(transaction.subjects)]
    named = {p[0] for p in function.params}
    for subject in transaction.subjects:
        if subject.tag != "param" or subject.info is not call.function:
            found.append(subject)
        elif subject.name in named:
            found.append(identity(function, subject.name))
    return tuple(dict.fromkeys(found))
