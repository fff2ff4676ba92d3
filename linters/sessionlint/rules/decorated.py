"""Transactions that a decorator opens around the function it is put on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.frame import identity
from sessionlint.program.model import Transaction
from sessionlint.program.values import Value
from sessionlint.rules.transactions import owned
from sessionlint.rules.walking import own_expressions_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.report import TraceStep

_MAX_HOPS, _MAX_HELPERS = 8, 2
#: What asks a session whether a transaction is open.
ASKS = ("in_transaction", "get_transaction")


class Around(NamedTuple):
    """The transaction, the decorator that opens it, and what its sessions are called inside the decorated function.

    ``through`` are the decorator's inner function and the helpers by which it calls what it is put on.
    """

    transaction: Transaction
    decorator: FunctionInfo
    sessions: Value
    through: frozenset[FunctionInfo]

    def step(self, program: Program) -> TraceStep:
        """Where it is opened."""
        return program.step(self.transaction.site, f"@{self.decorator.name} opens the transaction here")


def around(program: Program, function: FunctionInfo) -> Around | None:
    """The transaction in which a decorator runs the function, if one does."""
    return program.shared(_arounds).get(function)


def is_told_inside(program: Program, event: Event) -> bool:
    """Whether a decorator calls what it is put on in its transaction: what is wrong there is told in that function."""
    known = program.shared(_arounds)
    current, wanted = event.callee, event.effect
    for _ in range(_MAX_HOPS if owned(event) else 0):
        found = known.get(current) if current is not None else None
        if found is not None and event.function in found.through:
            return True
        hop = current.summary.effects.get(wanted) if current is not None and wanted is not None else None
        current, wanted = (hop.callee, hop.inner) if hop is not None else (None, None)
    return False


def begun_around(program: Program, event: Event) -> Around | None:
    """The decorator's transaction on the session of an event, unless the function asks first whether there is one."""
    found = around(program, event.function)
    subjects = set(event.subject)
    if found is None or owned(event) or subjects.isdisjoint(found.sessions):
        return None
    asked = any(e.kind == "use" and e.name in ASKS and subjects & set(e.subject) for e in event.function.events)
    return None if asked else found


def block_around(program: Program, function: FunctionInfo) -> Transaction | None:
    """The transaction in which a decorator runs the function, and that it commits whatever the function gives back."""
    found = around(program, function) if function.wrappers else None
    if found is None:
        return None
    for caller in found.through:
        calls = [
            e.span for e in caller.events if e.kind == "call" and (e.callee is function or e.callee in found.through)
        ]
        if calls and not _hands_back(caller, calls):
            return None
    return found.transaction._replace(subjects=found.sessions, source=found.decorator)


def _hands_back(caller: FunctionInfo, calls: list[ir.Span4]) -> bool:
    """Whether a function gives back what comes of these calls, or drops it, and never looks at it."""
    nodes = list(own_expressions_below(ir.body_of(caller.facts)))
    given = [n for n in nodes if n[0] == "=" and len(n) == 4 and _called(n[3]) in calls]
    names = {n[2] for g in given for n in g[2] if n[0] == "n"}
    passed = [n[2] for n in nodes if n[0] in ("R", "E") and len(n) == 3 and n[2]]
    if set(calls) - {_called(n[3]) for n in given} - {_called(n) for n in passed}:
        return False
    meant = {n[1] for n in (*(n for g in given for n in g[2]), *passed) if n[0] == "n"}
    return all(n[0] == "n" for g in given for n in g[2]) and not any(
        n[0] == "n" and n[2] in names and n[1] not in meant for n in nodes
    )


def _called(expr: ir.Expr) -> ir.Span4:
    """Where a call stands that may be awaited."""
    span: ir.Span4 = expr[2][1] if expr[0] == "aw" else expr[1]
    return span


def _arounds(program: Program) -> dict[FunctionInfo, Around]:
    found: dict[FunctionInfo, Around] = {}
    calls = (e for e in program.events("call") if e.callee is not None and e.callee.wrappers)
    helpers = {e.function for e in calls}
    for wrapper in dict.fromkeys(w for f in program.functions for w in f.wrappers):
        _follow(wrapper, wrapper, (wrapper,), None, helpers, found)
    return found


def _follow(
    wrapper: FunctionInfo, function: FunctionInfo, through: tuple[FunctionInfo, ...], opened: Transaction | None,
    helpers: set[FunctionInfo], found: dict[FunctionInfo, Around],
) -> None:  # fmt: skip
    """The functions that ``wrapper`` is put around and calls in a transaction, itself or by helpers it calls."""
    for event in function.events:
        callee = event.callee
        transaction = _innermost(event) or opened
        if event.kind != "call" or callee is None or callee in through:
            continue
        if wrapper not in callee.wrappers:
            if callee in helpers and callee.path == wrapper.path and len(through) < _MAX_HELPERS:
                _follow(wrapper, callee, (*through, callee), transaction, helpers, found)
        elif transaction is not None and callee not in found:
            sessions = _sessions(event, wrapper, callee, transaction)
            found[callee] = Around(transaction, _outermost(wrapper), sessions, frozenset(through))


def _innermost(event: Event) -> Transaction | None:
    """The innermost transaction around a call, on all that the session of its block may be."""
    blocks = owned(event)
    same = [t for t in blocks if t.site == blocks[-1].site]
    if len(same) < 2:
        return same[0] if same else None
    return same[-1]._replace(subjects=tuple(dict.fromkeys(a for t in same for a in t.subjects)))


def _outermost(wrapper: FunctionInfo) -> FunctionInfo:
    while wrapper.parent is not None and wrapper.parent.name != "<module>":
        wrapper = wrapper.parent
    return wrapper


def _sessions(call: Event, wrapper: FunctionInfo, function: FunctionInfo, transaction: Transaction) -> Value:
    """What FastAPI or the decorator passes under the name of the decorator's parameter, or as an argument."""
    found = [key for key, value in call.bindings if not set(value).isdisjoint(transaction.subjects)]
    named = {p[0] for p in function.params}
    for subject in transaction.subjects:
        if subject.tag != "param" or subject.info is not wrapper:
            found.append(subject)
        elif subject.name in named:
            found.append(identity(function, subject.name))
    return tuple(dict.fromkeys(found))
