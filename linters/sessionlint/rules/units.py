"""Units of work: ``with`` blocks of the project's managers that commit when they end well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import begun_if
from sessionlint.program.generators import is_left_at_once
from sessionlint.program.model import Transaction
from sessionlint.rules.sessions_inside import opened_for
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo, Summary

_ENTERS = {"__aexit__": "__aenter__", "__exit__": "__enter__"}
_MAX_HOPS = 12
_ENDS = ("commit", "rollback")
_ASKED = frozenset({"param", "injected"})
_CONTEXT = frozenset({"cm", "context"})
_SOMETIMES = frozenset({"branch", "loop", "handler"})


class _Unit(NamedTuple):
    """The ``with`` statement, and the transaction as one that its item opens."""

    block: ir.Span4
    transaction: Transaction


def own_units_around(program: Program, event: Event) -> tuple[Transaction, ...]:
    """The transactions that blocks of units of work in its function commit around an event, the outermost first."""
    found = program.shared(_units).get(event.function, ())
    return tuple(
        unit.transaction for unit in sorted(found, key=lambda unit: unit.block)
        if is_within(event.span, unit.block) and unit.transaction.site[1][2:] <= event.span[:2]
    )  # fmt: skip


def ended_unit(program: Program, event: Event, units: tuple[Transaction, ...]) -> Transaction | None:
    """The transaction of one of the blocks around a call, which the call ends before it; or begins once more.

    What the object of the block ends by its own methods is its own affair, but not what a function does that is handed
    the object.
    """
    begun = "begun" in event.flags
    if not begun and event.name not in _ENDS:
        return None
    unit = next((u for u in units[::-1] if not set(u.subjects).isdisjoint(event.subject)), None)
    return unit if unit is not None and not _ends_itself(program, unit, event) else None


def _ends_itself(program: Program, unit: Transaction, event: Event) -> bool:
    owner = unit.source.class_info if unit.source is not None else None
    current, effect = event.callee, event.effect
    for _ in range(_MAX_HOPS):
        if current is None or owner is None:
            return False
        if _is_family(program, current.class_info, owner):
            return current is event.callee or not _is_handed(program, event, owner)
        hop = current.summary.hop(effect)
        current, effect = (hop.callee, hop.inner) if hop is not None else (None, None)
    return False


def _is_family(program: Program, its: ClassInfo | None, owner: ClassInfo) -> bool:
    return its is not None and (owner in program.solver.mro(its) or its in program.solver.mro(owner))


def _is_handed(program: Program, event: Event, owner: ClassInfo) -> bool:
    """Whether the function that is called gets such an object as an argument."""
    calls = [e for e in event.function.events if e.kind == "call" and e.span == event.span and e.callee is event.callee]
    given = [a for call in calls for key, value in call.bindings if key.tag == "param" for a in value]
    views = [v for a in given for v in (program.solver.views(a) if a.tag in _ASKED else (a,))]
    return any(v.tag == "inst" and _is_family(program, v.info, owner) for v in views)


def has_units(program: Program, function: FunctionInfo) -> bool:
    """Whether a function enters units of work."""
    return function in program.shared(_units)


def _units(program: Program) -> dict[FunctionInfo, list[_Unit]]:
    found: dict[FunctionInfo, list[_Unit]] = {}
    for event in program.events("effect"):
        if event.name == "commit" and event.text == "txn" and _is_left(event):
            for entered in _entered(event):
                transaction = Transaction(event.subject, entered.site, False, entered.callee)
                found.setdefault(event.function, []).append(_Unit(event.span, transaction))
    for event in program.events("call"):
        callee = event.callee
        if callee is None or not (_CONTEXT.issubset(event.flags) or _goes_through(event, callee)):
            continue
        if _commits(program, event, callee.summary):
            found.setdefault(event.function, []).extend(_of_generator(event, callee))
    return {function: units for function, units in found.items() if units}


def _goes_through(event: Event, callee: FunctionInfo) -> bool:
    """Whether a ``for`` goes through a generator that gives one thing: its one round is a block."""
    return "iterated" in event.flags and callee.is_generator and callee.summary.yields_once


def _commits(program: Program, event: Event, summary: Summary) -> bool:
    """Whether a generator commits behind its ``yield``, by what the call says."""
    late = summary.commits_after_yield
    return bool(late) and bool(begun_if.committing(summary, late, dict(event.bindings), program.solver))


def _is_left(event: Event) -> bool:
    """Whether it is leaving an object's block that commits, whatever else the object was told."""
    method = event.callee
    if method is None or method.name not in _ENTERS or method.class_info is None:
        return False
    told = {p[0] for p in method.params[1:]}
    commits = [e.span for e in method.events if e.name == "commit" and "handler" not in e.flags]
    commits += _delegated(method, event)
    return any(all(_names(test) & told for test in _tests(method.body, span)) for span in commits)


def _delegated(method: FunctionInfo, event: Event) -> list[ir.Span4]:
    """Where a method leaves a transaction that its object entered by hand: that commits or rolls back by itself."""
    hop = method.summary.hop(event.effect)
    told = any(e.name == "commit" for e in method.events)
    return [hop.site[1]] if hop is not None and hop.callee is None and not told else []


def _entered(left: Event) -> Iterator[Event]:
    """How the object was entered whose block a call of ``__exit__`` leaves."""
    entering = _ENTERS[left.callee.name] if left.callee is not None else ""
    calls = (e for e in left.function.events if e.kind == "call" and "context" in e.flags)
    for event in calls:
        if event.callee is None or event.callee.name != entering or not is_within(event.span, left.span):
            continue
        if set(_objects(event)) & set(_objects_of(left)):
            yield event
            return


def _objects(event: Event) -> list[Any]:
    return [a for _, value in event.bindings[:1] for a in value]


def _objects_of(left: Event) -> list[Any]:
    calls = (e for e in left.function.events if e.kind == "call" and e.span == left.span and e.callee is left.callee)
    return [a for call in calls for a in _objects(call)]


def _tests(node: Any, span: ir.Span4) -> Iterator[ir.Expr]:
    """The tests of the ``if`` statements around a place."""
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "I" and len(child) == 5 and is_within(span, child[1]):
                yield child[2]
            yield from _tests(child, span)


def _names(node: Any) -> set[str]:
    found: set[str] = set()
    pending = [node]
    while pending:
        current = pending.pop()
        if type(current) is tuple and current:
            if current[0] == "n" and len(current) == 3:
                found.add(current[2])
            pending.extend(current)
    return found


def _of_generator(event: Event, callee: FunctionInfo) -> Iterator[_Unit]:
    commits = [e for e in callee.events if e.name == "commit" and (e.kind == "txn" or e.text == "txn")]
    block = next(_blocks(event.function.body, event.span, "iterated" in event.flags), None)
    if block is None or not any(_SOMETIMES.isdisjoint(e.flags) for e in commits):
        return
    given = dict(event.bindings)
    made = {a for e in event.function.events if e.kind == "obtain" and e.span == event.span for a in e.subject}
    roots = {getattr(a, "root", None) for a, _ in callee.summary.commits_after_yield}
    handed = [a for subject, _ in callee.summary.commits_after_yield for a in given.get(subject, ())]
    subjects = (*handed, *(a for a in made if getattr(a, "root", None) in roots))
    if subjects:
        yield _Unit(block, Transaction(tuple(dict.fromkeys(subjects)), event.site, False, callee))
    elif inside := [a for a in opened_for(callee) if a.root in roots]:
        # in the object that it gives, whose own methods may end it
        own = tuple([a._replace(site=event.site) for a in inside])
        hop = callee.summary.sources.get((own[0].kind, own[0].root))
        yield _Unit(block, Transaction(own, event.site, False, hop.callee if hop is not None else callee))


def _blocks(node: Any, item: ir.Span4, iterated: bool) -> Iterator[ir.Span4]:
    """The ``with`` that an item stands in, or the rounds of the ``for`` that goes through it to its end."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] == "w/" and len(child) == 5 and not iterated and any(i[1] == item for i, _ in child[2]):
            yield child[1]
        elif child[0] == "L" and len(child) == 7 and iterated and child[3][1] == item and not is_left_at_once(child[4]):
            yield (*child[1][:2], *child[4][-1][1][2:])
        if child[0] not in ("F", "C"):
            yield from _blocks(child, item, iterated)
