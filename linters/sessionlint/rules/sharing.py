"""In how many coroutines a session is, and whether it is one and the same session in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.literals import owner_of
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import CONNECTION, DRIVER, SESSION, Param, Site, Value
from sessionlint.rules.background_work import enclosing, keeps, own_handles, sessions_in, started_values
from sessionlint.rules.core_connections import is_worked_with
from sessionlint.rules.each_its_own import opened_by_each
from sessionlint.rules.left_alone import left_alone
from sessionlint.rules.named_twice import is_named_twice
from sessionlint.rules.repeating import is_repeated
from sessionlint.rules.shared_connections import connections_in
from sessionlint.rules.shared_scopes import registries_in
from sessionlint.rules.taking_turns import lock_around

_MAKES = ("create", "obtain")
#: What makes an object with a session of its own, which is known by the place then; a helper of the project may do so.
_MAKES_HOLDER = ("construct", "call")
_TOLD_AS_SUCH = (SESSION, CONNECTION, DRIVER)
_RANKS = ("injected", "handle", "param")


def count(
    program: Program, values: list[tuple[Value, bool]], turns: set[tuple[Any, str]] | None = None
) -> Counter[Any]:
    """In how many coroutines each session is; one in a repeated element counts twice.

    Those that use it in turns, behind one lock, count once: ``turns`` are sessions with the locks that were counted.
    """
    counts: Counter[Any] = Counter()
    turns = set() if turns is None else turns
    for value, many in values:
        single = [a for a in value if a.tag != "seq"]
        own = (*_of_objects(program, single), *carriers(program, single), *of_the_request(program, single))
        for session in {*brought(program, single), *own, *registries_in(program, coroutines_of(single))}:
            lock = _lock_around(program, single, session)
            if lock is None:
                counts[session] += 2 if many else 1
            elif (session, lock) not in turns:
                turns.add((session, lock))
                counts[session] += 1
        if any(a.tag == "obj" for a in single):
            many_tasks = [i for a in value if a.tag == "seq" for i in a.items]
            if not many_tasks:
                many_tasks = [v for a in single if a.tag == "obj" for v in program.shared(_in_threads).get(a.site, ())]
            for session in {s for i in many_tasks for s in (*sessions_in(program, i), *of_the_request(program, i))}:
                counts[session] += 2 if many else 1
            continue
        for atom in value:
            if atom.tag == "seq":
                counts.update(count(program, [(item, many or atom.many) for item in atom.items], turns))
    return counts


def _in_threads(program: Program) -> dict[Site, list[Value]]:
    """What ``loop.run_in_executor(None, work, session)`` is given, by the place of the call."""
    threads = (e for e in program.events("schedule") if e.text == "thread" and e.name.endswith(".run_in_executor"))
    return {event.site: [started_values(event)] for event in threads}


def _lock_around(program: Program, started: list[Any], session: Any) -> str | None:
    """The lock behind which all of these alternatives use a session."""
    locks = {lock_around(atom, session, _starter(program, atom)) for atom in coroutines_of(started)}
    return next(iter(locks)) if len(locks) == 1 else None


def coroutines_of(started: Iterable[Any]) -> list[Any]:
    """What is started, without the function and the arguments of which a coroutine is made: ``start(work, lock)``."""
    given = list(started)
    made = [a for a in given if a.tag == "pending"]
    functions = {a.info for a in made}
    parts = {a for p in made for _, value in p.bindings for a in value}
    return [a for a in given if not (a in parts or (a.tag == "fn" and a.info in functions))]


def _starter(program: Program, started: Any) -> Any:
    """The function that makes a coroutine."""
    path, span = getattr(started, "site", None) or (None, None)
    module = program.solver.modules.get(path) if started.tag == "pending" and path is not None else None
    return owner_of(module, span) if module is not None and span is not None else None


def brought(program: Program, started: Iterable[Any]) -> Iterator[Any]:
    """The sessions and connections that coroutines bring along; none of an object whose method leaves it alone."""
    for atom in started:
        for session in sessions_in(program, (atom,)):
            if atom.tag != "pending" or not left_alone(program, atom, session):
                yield session
    yield from connections_in(program, started)


def _of_objects(program: Program, started: list[Any]) -> Iterator[Any]:
    """The sessions that objects given to coroutines opened for themselves, where the coroutines use them."""
    for atom in (a for a in started if a.tag == "pending"):
        used = {e.subject for e in atom.info.summary.effects if e.kind in ("use", "txn")}
        for known, held in own_handles(v for _, v in atom.bindings).items():
            if is_worked_with(program, known):
                yield from (session for session in held if session in used or known in used)


def carriers(program: Program, started: Iterable[Any]) -> Iterator[Param]:
    """The parameters that stand for an object with a session, in coroutines that use this session of it.

    Of such an object the class alone is known: what tells its session from that of another is the object itself.
    """
    for atom in started:
        if atom.tag != "pending" or any(True for _ in sessions_in(program, (atom,))):
            continue
        used = {e.subject for e in atom.info.summary.effects if e.kind in ("use", "txn") and e.subject is not None}
        for _, value in atom.bindings if used else ():
            given = value[0] if len(value) == 1 else None
            if isinstance(given, Param) and any(_keeps(program, given, session) for session in used):
                yield given


def of_the_request(program: Program, started: Iterable[Any]) -> Iterator[Any]:
    """The sessions of the request that coroutines use in what their object was given."""
    for atom in started:
        effects = atom.info.summary.effects if atom.tag == "pending" else ()
        used = [e.subject for e in effects if e.kind in ("use", "txn") and e.subject is not None]
        for session in used:
            # what all objects of a class are given goes by the constructor's name for it
            passed = program.solver.arguments_of(session) if session.tag == "param" else (session,)
            yield from (a for a in passed if len(passed) == 1 and a.tag == "injected" and is_worked_with(program, a))


def _keeps(program: Program, given: Param, session: Any) -> bool:
    """Whether a parameter's objects keep this session: by what makes them, what is put there, or a declaration."""
    if not is_worked_with(program, session):
        return False
    for cls in (c for a in program.solver.declared_classes(given) for c in program.solver.mro(a.info)):
        if session.tag == "param" and session.info.name == "__init__" and session.info.class_info is cls:
            return True
        if keeps(program, cls, session):
            return True
        declared = (annotation for _, annotation, _, _ in cls.attributes.values())
        if session.tag == "ext" and any(session in program.solver.instances(annotation) for annotation in declared):
            return True
    return False


def described(program: Program, session: Any) -> str:
    """What is shared, in words that begin a sentence: a session, or that of an object."""
    if session.tag == "handle" and session.registry and program.kind(session) != "session":
        return "The session of the registry"
    word = program.describe(session)
    of = "the session of " if session.tag == "param" and program.kind(session) not in _TOLD_AS_SUCH else ""
    return f"{of}{word}"[0].upper() + f"{of}{word}"[1:]


def shared(program: Program, event: Event, counts: Counter[Any]) -> Any:
    """The session that is in several coroutines: of several, the injected one, which the reader knows."""
    several = [s for s, number in counts.items() if number > 1]
    several = [s for s in several if not opened_by_each(program, event.function, event.args, s, event.span)]
    found = [s for s in several if is_shared(program, event.function, s, True, event.span) or is_named_twice(event, s)]
    return min(found, key=_order, default=None)


def ranked(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Sessions with their numbers, the same order in every run."""
    return sorted(counts.items(), key=lambda entry: _order(entry[0]))


def _order(session: Any) -> tuple[int, Any, str]:
    rank = _RANKS.index(session.tag) if session.tag in _RANKS else len(_RANKS)
    info = getattr(session, "info", None) or getattr(getattr(session, "source", None), "info", None)
    place = getattr(session, "site", None) or ((info.path, info.header) if info is not None else ())
    return rank, place, str(getattr(session, "name", ""))


def is_shared(
    program: Program, function: FunctionInfo, session: Any, many: bool, place: ir.Span4 | None = None
) -> bool:
    """Not when every round of a loop or comprehension makes its own session, or takes one from a container.

    ``place`` is where the coroutines run together: what makes a session in the same round makes one for all of them.
    """
    if session.tag == "ext":
        # known by its type alone: one and the same only as an attribute that the class declares
        return _is_declared(program, function, session)
    if not many or session.tag != "handle":
        return True
    made = session.site
    return not any(
        "loop" in e.flags
        and (session in e.subject if e.kind in _MAKES else e.kind in _MAKES_HOLDER and e.site == made)
        and (place is None or is_repeated(function, e.span, place))
        for e in function.events
    )


def _is_declared(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether the class around a function declares an attribute of this type."""
    owners = [f.class_info for f in enclosing(function) if f.class_info is not None]
    declared = [a for o in owners for c in program.solver.mro(o) for _, a, _, _ in c.attributes.values()]
    return any(session in program.solver.instances(annotation) for annotation in declared)
