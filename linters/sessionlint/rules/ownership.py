"""Who closes a session: what happens to a handle between the call that makes it and the end of the function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from sessionlint.program.handles import HELD
from sessionlint.program.model import ClassInfo, Effect, Event, FunctionInfo
from sessionlint.program.values import FACTORY, Handle, Param, Site, Value, contained
from sessionlint.rules.caches import is_cached
from sessionlint.rules.closing_conditions import on_other_condition
from sessionlint.rules.early_returns import fails_before, left_before, returned_without
from sessionlint.rules.lending import gives_back, lent_by
from sessionlint.rules.local_holders import is_put_aside
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program

Verdict = Literal[
    "closed", "passed on", "closed without finally", "never closed", "left open by a return", "left before the try",
    "work before the try", "closed on a condition",
]  # fmt: skip

_SOMETIMES = frozenset({"branch", "handler"})
_KEEPS = frozenset({"store", "setattr", "setitem", "return"})
_SHARED = frozenset({"global", "class", "state"})
#: Libraries that look at what they are given and keep nothing, or give it back in what they make.
_LOOKS_ONLY = (
    "sqlalchemy.",
    "sqlmodel.",
    "builtins.",
    "typing.",
    "functools.partial",
    "operator.methodcaller",
    "types.SimpleNamespace",
)


def made(event: Event) -> list[Handle]:
    """The handles this call made anew for its function, which now owns them."""
    return [
        a for a in event.subject
        if isinstance(a, Handle) and a.kind in HELD and a.parent is None and a.site == event.site
        and (not a.registry or _is_alone_in_registry(event, a))
    ]  # fmt: skip


def _is_alone_in_registry(event: Event, handle: Handle) -> bool:
    """Whether the callee makes the registry of the session, too, and lets nobody else have it."""
    current, seen = event.callee, set[FunctionInfo]()
    while current is not None and current not in seen:
        seen.add(current)
        if any(e.kind == "create" and e.name == FACTORY and e.site == handle.root for e in current.events):
            kept = any(_gives_away(e, handle.root) for e in current.events)
            return current.name != "<module>" and not kept and not is_cached(current)
        hop = current.summary.sources.get((handle.kind, handle.root))
        current = hop.callee if hop is not None else None
    return False


def _gives_away(event: Event, registry: Site) -> bool:
    """Whether a registry that was made in a function may be had by others after this event."""
    if event.kind in ("create", "use", "txn") or (event.kind == "bind" and "global" not in event.flags):
        return False
    passed = (*event.args, *(v for _, v in (*event.keywords, *event.bindings)))
    given = [a for value in (event.value, event.subject, *passed) for a in contained(value)]
    return any(isinstance(a, Handle) and (a.kind, a.site) == (FACTORY, registry) for a in given)


def of_registry(program: Program, event: Event) -> list[Handle]:
    """The sessions of scoped registries that a function has to close: closed by itself, or asked for and never emptied.

    Who is handed one by a property is not told that it may be new: whoever ends the scope closes it.
    """
    kept = [a for a in event.subject if isinstance(a, Handle) and a.registry and a.kind == "session"]
    kept = [a for a in kept if a.site != event.site]
    asked = bool(kept) and event.kind == "create"
    emptied = program.shared(_emptied) if asked else frozenset()
    return [a for a in kept if (asked and a.site not in emptied) or any(_closings(event, a))]


def _emptied(program: Program) -> frozenset[Site]:
    """The registries that a ``remove()`` empties somewhere: at the end of a request, of a job, of a thread."""
    ends = [e for e in program.events("txn") if e.name == "close" and e.text == "remove"]
    given = [v for e in ends for a in e.subject for v in (a, *_passed(program, a))]
    return frozenset(v.site for v in given if isinstance(v, Handle))


def _passed(program: Program, atom: Any) -> Value:
    return program.solver.views(atom) if atom.tag in ("param", "injected") else ()


def kept_by_source(event: Event, handle: Handle) -> bool:
    """Whether a function that hands the handle out also keeps it (a cache, a lazy property): callers do not own it."""
    current, seen = event.callee, set[FunctionInfo]()
    while current is not None and current not in seen:
        seen.add(current)
        if is_cached(current):
            return True
        if any(_is(a, handle) for e in current.events if _keeps(e) for a in contained(e.value)):
            return True
        hop = current.summary.sources.get((handle.kind, handle.root))
        current = hop.callee if hop is not None else None
    return False


def _keeps(event: Event) -> bool:
    """Whether something is kept, and not only found in a context variable for as long as a generator has it open."""
    lent = event.name == "context variable" and event.function.is_generator
    return event.kind == "setitem" or (event.kind == "store" and not lent)


def verdict(program: Program, event: Event, handle: Handle) -> Verdict:
    """What the function of ``event`` does with the handle it owns."""
    found = list(_closings(event, handle))
    closings = [e for e in found if not on_other_condition(event, e)]
    flags = [e.flags for e in closings]
    if event.callee is not None and handle.root in event.callee.summary.hands_out_closed:
        return "closed"
    if _ended_with_generator(event, handle):
        return "closed"
    if any("finally" in e.flags or _guarded(e) or _at_once(event, e) for e in closings) or _closed_by_nested(
        event.function, handle
    ):
        if left_before(event, handle, closings) is not None:
            return "left before the try"
        return "work before the try" if fails_before(event, closings) is not None else "closed"
    lent = bool(flags) and not _closed_elsewhere(program, event, handle)
    # who closes it at the end of every round or call has not given it away to code that cannot be seen
    keeps = any(f.isdisjoint(_SOMETIMES) for f in flags)
    passing = (e for e in event.function.events if not (keeps and "escape" in (e.kind, e.text)))
    given = (e for e in passing if not (lent and (is_on_request(e) or (keeps and _is_put_down(e)))))
    takers = [e.kind for e in given if _passes_on(program, e, handle)]
    if takers:
        early = returned_without(event, handle, closings) if set(takers) == {"return"} else None
        return "left open by a return" if early is not None else "passed on"
    if not flags:
        return "closed on a condition" if found else "never closed"
    in_handler = ["handler" in f for f in flags]
    return "closed" if any(in_handler) and not all(in_handler) else "closed without finally"


def _ended_with_generator(event: Event, handle: Handle) -> bool:
    """``next(source)`` inside ``with closing(source)``: the generator that closes the handle goes on to its end."""
    source = event.callee
    if source is None or not any(a.tag == "pending" and a.info is source for a in event.open_sessions):
        return False
    return any(
        any(isinstance(a, Handle) and (a.kind, a.root) == (handle.kind, handle.root) for a in e.subject)
        and ("context" in e.flags if e.kind in ("create", "obtain") else e.name == "close" and "finally" in e.flags)
        for e in source.events
        if e.kind in ("create", "obtain", "txn")
    )


def _closings(event: Event, handle: Handle) -> Iterator[Event]:
    lender = lent_by(event)
    for other in event.function.events:
        if lender and other.kind == "call" and gives_back(other, lender, handle):
            yield other
        if other.kind not in ("txn", "effect") or other.name != "close":
            continue
        # a scoped registry closes its session with remove()
        if any(_same(a, handle) or a in event.value for a in other.subject):
            yield other


def _at_once(event: Event, closing: Event) -> bool:
    """``connect(…).close()``: nothing can fail in between."""
    return closing.expr is not None and is_within(event.span, closing.span) and event.span != closing.span


def _guarded(closing: Event) -> bool:
    """Whether the callee closes it in ``finally`` or by a ``with``."""
    current, effect = closing.callee, closing.effect
    seen: set[FunctionInfo] = set()
    while current is not None and effect is not None and current not in seen:
        seen.add(current)
        own = [e for e in current.events if e.name == "close" and effect.subject in e.subject]
        if any("finally" in e.flags for e in own):
            return True
        hop = current.summary.hop(effect)
        if hop is None or hop.callee is None:
            return hop is not None and not own
        current, effect = hop.callee, hop.inner
    return False


def _same(atom: Any, handle: Handle) -> bool:
    return isinstance(atom, Handle) and (atom == handle or (atom.site == handle.site and atom.root == handle.root))


def _closed_by_nested(function: FunctionInfo, handle: Handle) -> bool:
    pending = list(function.children.values())
    while pending:
        child = pending.pop()
        if any(e.kind == "txn" and e.name == "close" and _holds((e.subject,), handle) for e in child.events):
            return True
        pending.extend(child.children.values())
    return False


def is_on_request(event: Event) -> bool:
    """Whether something is kept in ``request.state``, for as long as the request takes."""
    if event.kind == "store":
        return event.name == "library object" and event.text.split(".")[-2:-1] == ["state"]
    return event.kind == "setattr" and event.text.split(".")[-2:-1] == ["state"] and all(
        a.tag == "ext" and a.name == "request.state" for a in event.subject
    )  # fmt: skip


def _is_put_down(event: Event) -> bool:
    """Whether something is put into an object or container; what all can see is judged as outliving its scope."""
    return event.kind in ("setattr", "setitem") or (event.kind == "store" and event.name not in _SHARED)


def _closed_elsewhere(program: Program, event: Event, handle: Handle) -> bool:
    """Whether another function closes what this one keeps where all see it."""
    return any(
        e.name == "close" and e.function is not event.function and _holds((e.subject,), handle)
        for e in program.events("txn")
    )


def _holds(values: Iterable[Value], handle: Handle) -> bool:
    return any(_same(a, handle) for value in values for a in contained(value))


def _passes_on(program: Program, event: Event, handle: Handle) -> bool:
    """Whether somebody else can close the handle after this event."""
    kind = event.kind
    if kind in ("setattr", "setitem") or event.name == "local object":
        if is_put_aside(event):
            return False
        made_of = _class_made_of(event)
        if made_of is not None:
            return made_of.maker is not None and closes(program, made_of, Param(made_of.maker, event.name))
    if kind in _KEEPS:
        return _holds((event.value, event.subject if kind == "store" else ()), handle)
    if kind == "escape":
        return any(_same(a, handle) for a in event.subject)
    if kind == "effect":
        return event.text == "escape" and any(_same(a, handle) for a in event.subject)
    if kind == "external":
        return not event.name.startswith(_LOOKS_ONLY) and _holds(_direct(event), handle)
    if kind == "call":
        return _taken_over(program, event, handle)
    if kind == "schedule":
        return _scheduled_owner(event, handle)
    return False


def _class_made_of(event: Event) -> ClassInfo | None:
    """The class without a constructor of its own of which an object is made with a session for one of its fields."""
    owner = event.subject[0] if event.kind == "setattr" and len(event.subject) == 1 else None
    if owner is None or owner.tag != "inst":
        return None
    makes = any(e.kind == "construct" and e.span == event.span for e in event.function.events)
    info: ClassInfo = owner.info
    return info if makes else None


def _direct(event: Event) -> Iterator[Value]:
    """What a library function receives itself, without the arguments of coroutines it only runs."""
    for value in (*event.args, *(v for _, v in event.keywords)):
        yield tuple(a for a in value if a.tag != "pending")


def _taken_over(program: Program, event: Event, handle: Handle) -> bool:
    """A constructor whose class closes what it was given, or a function that stores it."""
    callee = event.callee
    if callee is None:
        return False
    keys = [key for key, value in event.bindings if key.tag == "param" and _holds((value,), handle)]
    if not keys:
        return False
    if callee.name == "__init__" and callee.class_info is not None:
        return any(closes(program, callee.class_info, key) for key in keys)
    stored = [tuple(contained(e.value)) for e in callee.events if e.kind in ("store", "setattr", "setitem")]
    return any(key in atoms for atoms in stored for key in keys)


def _scheduled_owner(event: Event, handle: Handle) -> bool:
    """Started work that closes its session itself; a plain function's arguments are not followed."""
    for atom in event.value:
        if atom.tag == "pending":
            for key, value in atom.bindings:
                if _holds((value,), handle):
                    return Effect("txn", "close", key) in atom.info.summary.effects
    return _holds(event.args, handle)


def closes(program: Program, info: ClassInfo, atom: Any) -> bool:
    """Whether some method of the class closes what it keeps under ``atom``."""
    methods = list(_methods(program, info))
    for function in methods:
        for effect in function.summary.effects:
            if effect.kind == "txn" and effect.name == "close" and _is(effect.subject, atom):
                return True
        # what has opened it on an exit stack does not end it
        ending = (e for e in function.events if _ends(e) and (e.kind == "txn" or atom not in e.subject))
        if any(_is(a, atom) and not _is_another(function, a, atom, methods) for e in ending for a in e.subject):
            return True
    return False


def _is_another(function: FunctionInfo, session: Any, kept: Any, methods: list[FunctionInfo]) -> bool:
    """Whether a method opens a session for itself, where the kept one comes from, too, and by none of its class."""
    return session != kept and any(
        e.kind == "obtain" and e.site == session.site and e.callee not in methods and session in e.subject
        for e in function.events
        if isinstance(session, Handle)
    )


def is_closed_by_user(program: Program, kept: Any) -> bool:
    """Whether who has the object closes the session that it keeps: ``async with unit.session:``, ``close()``.

    Only of one that is made in a place of its own: what comes from a helper may be another object's.
    """
    if not isinstance(kept, Handle) or kept.site != kept.root:
        return False
    return any(
        effect.name == "close" and effect.kind == "txn" and _is(effect.subject, kept)
        for function in program.functions
        for effect in function.summary.effects
    ) or any(e.name == "close" and _is(a, kept) for e in program.events("txn") for a in e.subject)


def _ends(event: Event) -> bool:
    """A close, or a ``with`` on what a property of the class hands out."""
    return (event.kind == "txn" and event.name == "close") or (event.kind == "obtain" and "context" in event.flags)


def _is(subject: Any, atom: Any) -> bool:
    if isinstance(subject, Handle) and isinstance(atom, Handle):
        return (subject.kind, subject.root) == (atom.kind, atom.root)
    return bool(subject == atom)


def _methods(program: Program, info: ClassInfo) -> Iterator[FunctionInfo]:
    family = [info, *(c for c in program.classes if info in program.solver.mro(c) and c is not info)]
    for cls in dict.fromkeys(c for member in family for c in program.solver.mro(member)):
        yield from cls.methods.values()
