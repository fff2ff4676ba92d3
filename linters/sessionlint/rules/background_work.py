"""What background work receives: sessions in arguments, objects, closures; and which tasks are waited for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.literals import owner_of
from sessionlint.program.model import ClassInfo, Effect, Event, FunctionInfo
from sessionlint.program.reached import all_from
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import ABSENT, TASK, Site, Value, contained
from sessionlint.rules.callers import calls_by_callee
from sessionlint.rules.core_connections import is_worked_with
from sessionlint.rules.held_by_parts import is_bare, is_held_by_parts
from sessionlint.rules.opened_inside import opened_in, opened_inside
from sessionlint.rules.opened_later import is_opened_later
from sessionlint.rules.walking import nodes_below

_DEEP = 7


def awaited_tasks(program: Program) -> frozenset[Site]:
    """Where tasks are started that somebody awaits, alone or with others."""
    return frozenset(waiters(program))


def waiters(program: Program) -> dict[Site, list[FunctionInfo]]:
    """The functions that await a task, wherever they got it, by the place where it is started."""
    found: dict[Site, list[FunctionInfo]] = {}
    for event, site in waits(program):
        found.setdefault(site, []).append(event.function)
    return found


def waits(program: Program) -> Iterator[tuple[Event, Site]]:
    """What waits for tasks, with the place where each of these is started."""
    for event in program.events("await"):
        yield from ((event, atom.site) for atom in event.subject)
    for event in program.events("concurrent"):
        yield from ((event, site) for value in event.args for site in _tasks_in(program, value, 0))


def observed_tasks(program: Program) -> frozenset[Site]:
    """The same, with those that somebody asks how they ended."""
    return awaited_tasks(program) | {a.site for event in program.events("outcome") for a in event.subject}


def _tasks_in(program: Program, value: Value, depth: int) -> Iterator[Site]:
    for atom in value:
        if atom.tag == "param" and depth < _DEEP:
            yield from _tasks_in(program, program.solver.arguments_of(atom), _DEEP - 1)
        if atom.tag == "obj" and atom.name == TASK:
            yield atom.site
        elif atom.tag == "seq" and depth < _DEEP:
            for item in atom.items:
                yield from _tasks_in(program, item, depth + 1)


def sessions_in(program: Program, value: Value, depth: int = 0) -> Iterator[Any]:
    """The sessions a value is or brings along: in arguments, bound objects, closures, containers."""
    for atom in value:
        if is_worked_with(program, atom):
            yield atom
            continue
        tag = atom.tag
        if depth >= _DEEP:
            continue
        if tag in ("inst", "pending"):
            for key, bound in atom.bindings:
                if key.tag == "handle":
                    # what an object opens for itself is not what the request opened, unless a dependency entered it
                    yield from (a for a in bound if a in opened_inside(program))
                elif key.tag != "ext" or tag != "pending" or _works_on(atom, key):
                    yield from sessions_in(program, bound, depth + 1)
        if tag == "inst" and atom.info.defined_in.name != "<module>":
            # a class made in a function sees what the function has
            run = program.solver.method(atom.info, "__call__")
            yield from captured_sessions(program, run, {}) if run is not None else ()
        if tag in ("fn", "pending"):
            # what its object was made with is looked at below
            made_with = getattr(atom.receiver, "bindings", ()) if tag == "fn" else atom.bindings
            given = dict(made_with)
            yield from captured_sessions(program, atom.info, {**own_handles(given.values()), **given})
        if tag == "row" and atom.query:
            yield from sessions_in(program, (atom.session,), depth + 1)
        elif (tag == "fn" and atom.receiver is not None) or tag == "method" or _is_awaitable(program, atom):
            yield from sessions_in(program, (atom.receiver,), depth + 1)
        elif tag == "param":
            # the parameter of a dependency stands for what is injected there
            given = atom.info.param_values.get(atom.name, ((), ()))[1]
            yield from sessions_in(program, tuple(a for a in given if a.tag == "injected"), depth + 1)
        elif tag == "injected":
            yield from _of_injected(program, atom, depth)
        elif tag == "partial":
            parts = (atom.function, *atom.args, *(v for _, v in atom.keywords))
            for part in parts:
                yield from sessions_in(program, part, depth + 1)
        elif tag == "seq":
            for item in atom.items:
                yield from sessions_in(program, item, depth + 1)
        elif tag == "map":
            for _, item in atom.items:
                yield from sessions_in(program, item, depth + 1)


def _works_on(started: Any, session: Any) -> bool:
    """Whether a method of a row does something with the session that has loaded the row."""
    lazily = any(n[0] == "a" and len(n) == 4 and n[3] == "awaitable_attrs" for n in nodes_below(started.info.body))
    return lazily or any(effect.subject == session for effect in started.info.summary.effects)


def own_handles(values: Iterable[Value]) -> dict[Any, Value]:
    """What the objects in values opened themselves: as their class knows it, and as the one each of them has."""
    found: dict[Any, Value] = {}
    for atom in (a for value in values for a in value if a.tag == "inst"):
        found.update((key, held) for key, held in atom.bindings if key.tag == "handle")
    return found


def _of_injected(program: Program, injected: Any, depth: int) -> Iterator[Any]:
    made = tuple(v for v in program.solver.views(injected) if v != injected)
    opened = opened_in(program, injected)
    # what another dependency opens in objects of the same class is not in this one
    elsewhere = {a for held in own_handles((made,)).values() for a in held}.difference(opened)
    objects = sessions_in(program, tuple(v for v in made if v.tag == "inst"), depth + 1)
    yield from (s for s in objects if s not in elsewhere)
    yield from sessions_in(program, tuple(v for v in made if v.tag != "inst"), depth + 1)
    yield from (s for s in opened if any(v.tag == "injected" for v in made))
    yield from _injected_into(program, made, depth)


def _injected_into(program: Program, made: Value, depth: int) -> Iterator[Any]:
    """The sessions that FastAPI injects into an object which it makes for the request, and which the object keeps."""
    held = program.shared(_holdings)
    for owner in (cls for a in made if a.tag == "inst" for cls in program.solver.mro(a.info)):
        for atom in (a for a in held.get(owner, ()) if a.tag == "injected"):
            if is_worked_with(program, atom):
                yield atom
            elif opened_inside(program):
                # an object that its own dependency has entered
                yield from (s for s in sessions_in(program, (atom,), depth + 1) if s in opened_inside(program))


def _is_awaitable(program: Program, atom: Any) -> bool:
    """An operation that still has to be awaited; one of a plain session has run, and is what it found."""
    return bool(atom.tag == "operation" and program.solver.is_async(atom.receiver))


def captured_sessions(program: Program, function: FunctionInfo, bindings: dict[Any, Value]) -> Iterator[Any]:
    """Sessions a function uses that are neither its own nor its parameters: of its parents, or on ``self``."""
    yield from _used_sessions(program, function, bindings)
    if function.parent is not None:
        # ``lambda: session``
        given = (a for a in function.summary.returns if a not in bindings and is_worked_with(program, a))
        yield from (a for a in given if _is_taken(function, a))
    started = (e.subject for e in function.summary.effects if e.kind == "schedule" and e.subject is not None)
    given_away = (*contained(function.summary.returns, 1), *(started if function.parent is not None else ()))
    for made in dict.fromkeys(a for a in given_away if a.tag == "pending"):
        # ``lambda: work(session)``, ``lambda: work(Pair(session, "x"))``: the coroutine is run by who calls the lambda,
        # or in a task that ``lambda: create_task(work())`` makes
        nested = made.info.parent is not None and made.info is not function
        if nested or (function.parent is not None and _is_of_injected(program, made)):
            yield from _used_sessions(program, made.info, dict(made.bindings))
        for atom in (a for _, bound in made.bindings for a in contained(bound)):
            own = atom.tag == "param" and atom.info is function
            if not own and atom not in bindings and is_worked_with(program, atom):
                yield atom


def _is_taken(function: FunctionInfo, session: Any) -> bool:
    """Whether a function has a session from around it: not what it was passed, or makes anew."""
    if session.tag == "handle":
        return not is_made_by(session, function)
    return bool(session.tag == "injected" or (session.tag == "param" and session.info is not function))


def _is_of_injected(program: Program, made: Any) -> bool:
    """``lambda: service.work()`` of an object for which FastAPI, not its maker, has provided a session."""
    owners = [a for key, v in made.bindings if key.tag == "param" and key.info is made.info for a in v[:1]][:1]
    if made.info.class_info is None or not owners or owners[0].tag != "inst":
        return False
    return not any(program.kind(a) for _, held in owners[0].bindings for a in held)


def _used_sessions(program: Program, function: FunctionInfo, bindings: dict[Any, Value]) -> Iterator[Any]:
    for effect in function.summary.effects:
        subject = effect.subject
        if effect.kind not in ("use", "txn", "schedule") or subject is None or subject in bindings:
            continue
        if not is_worked_with(program, subject) or (subject.tag == "param" and subject.info is function):
            continue
        if subject.tag == "handle" and _is_found_there(program, function, effect):
            continue
        if any(passed_on(program, f, subject) for f in _doers(function, effect)):
            # the session of another caller of a helper or decorator that takes what it is given
            continue
        if _within_reach(program, function, subject) or _through_parts(program, function, subject, bindings):
            yield subject
    for event in function.events if function.parent is not None else ():
        # what asks or forgets is no effect, and who is passed it may do nothing this time: it needs the session, too
        passed = [a for _, value in event.bindings for a in value] if event.kind == "call" else ()
        for subject in event.subject if event.kind == "use" else passed:
            own = subject.tag == "param" and subject.info is function
            if own or subject in bindings or not is_worked_with(program, subject):
                continue
            if passed_on(program, function, subject):
                continue  # in its ``*args``, or in those of another caller
            if subject.tag != "handle" or _is_made_around(program, function, subject):
                yield subject
    if function.parent is not None:
        # ``lambda s=session: …``
        for name, (_, default) in function.param_values.items():
            if name != "return":
                yield from (a for a in default if is_worked_with(program, a))


def _is_made_around(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether a function around another one has opened a session, so that it is the same in each run of the inner."""
    return not session.registry and maker_of(program, session) in enclosing(function)[1:]


def _is_found_there(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """A session that a module keeps, or that the function asks the registry for, which has one for each scope."""
    if effect.subject.registry:
        return is_made_in(program, effect.subject, (function, *_doers(function, effect)))
    return maker_of(program, effect.subject).name == "<module>"


def passed_on(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether a function only has a session because its callers give it theirs through ``*args`` or ``**options``."""
    known = program.shared(_starred)
    if function not in known:
        names = [p[0] for p in function.params if p[1] in (ir.KIND_VARARGS, ir.KIND_KWARGS)]
        given = [program.solver.peek(("param", function, name)) for name in names]
        known[function] = frozenset()  # a decorator that is given what it wraps asks again
        known[function] = frozenset(s for value in given for s in sessions_in(program, value))
    return session in known[function]


def _starred(program: Program) -> dict[FunctionInfo, frozenset[Any]]:
    """What :func:`passed_on` has found out: the sessions in the starred arguments of functions."""
    return {}


def _doers(function: FunctionInfo, effect: Effect) -> Iterator[FunctionInfo]:
    """The functions down the calls through which an effect happens."""
    seen: set[FunctionInfo] = set()
    hop = function.summary.hop(effect)
    while hop is not None and hop.callee is not None and hop.inner is not None and hop.callee not in seen:
        seen.add(hop.callee)
        yield hop.callee
        hop = hop.callee.summary.hop(hop.inner)


def _within_reach(program: Program, function: FunctionInfo, subject: Any) -> bool:
    """Whether a function can get at a session without being given it: a closure, ``self``, what modules keep.

    What other callers hand to a helper is among the helper's effects, too, but does not come from here.
    """
    chain = enclosing(function)
    if subject.tag == "handle":
        maker = maker_of(program, subject)
        if subject.site != subject.root and is_opened_later(program, subject, done_by(program, function)):
            return False
        return maker in chain or maker not in done_by(program, function)
    if subject.tag == "param" and subject.info in chain:
        return True
    if any(subject in default for f in chain[1:] for _, default in f.param_values.values()):
        return True
    if any(subject in default for _, default in function.param_values.values()) and subject.tag == "injected":
        return False  # who runs it fills the parameter in: no session of the caller's
    if function.parent is not None and subject.tag == "injected" and _holds_for(program, chain, subject):
        return True
    owner = next((f.class_info for f in chain if f.class_info is not None), None)
    held = program.shared(_holdings)
    if subject.tag == "injected" and subject in held.get(None, ()):
        return True
    return any(subject in held.get(c, ()) for c in _classes_of(program, owner))


def _through_parts(program: Program, function: FunctionInfo, subject: Any, bindings: dict[Any, Value]) -> bool:
    """Whether a method gets at a session by what its object holds, of which the object's class alone tells."""
    owner = next((f.class_info for f in enclosing(function) if f.class_info is not None), None)
    if owner is None or subject.tag == "handle" or not is_bare(bindings):
        return False
    return is_held_by_parts(program, function, owner, subject)


def is_held_by_object(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether the objects of a method's class, or what they hold, keep a session."""
    if function.is_staticmethod or function.is_classmethod:
        return False
    held = program.shared(_holdings)
    return any(session in held.get(c, ()) for c in _classes_of(program, function.class_info))


def _holds_for(program: Program, chain: list[FunctionInfo], session: Any) -> bool:
    """Whether an object that FastAPI injects around a closure holds the session."""
    given = [tuple(a for a in default if a.tag == "injected") for f in chain for _, default in f.param_values.values()]
    return any(session in sessions_in(program, value) for value in given)


def done_by(program: Program, function: FunctionInfo) -> frozenset[FunctionInfo]:
    """Everything a function calls, directly or not: what is opened there is opened anew by every run."""
    known = program.shared(_reached)
    if function not in known:
        known[function] = frozenset(all_from(function, program.shared(_callees)))
    return known[function]


def _reached(program: Program) -> dict[FunctionInfo, frozenset[FunctionInfo]]:
    """What :func:`done_by` has found out."""
    return {}


def _callees(program: Program) -> dict[FunctionInfo, frozenset[FunctionInfo]]:
    found: dict[FunctionInfo, set[FunctionInfo]] = {}
    for event in program.events("call"):
        if event.callee is not None:
            found.setdefault(event.function, set()).add(event.callee)
    return {function: frozenset(callees) for function, callees in found.items()}


def _classes_of(program: Program, owner: ClassInfo | None) -> list[ClassInfo]:
    below = [] if owner is None else [owner, *program.solver.subclasses(owner)]
    return [c for info in below for c in program.solver.mro(info)]


def _holdings(program: Program) -> dict[ClassInfo | None, dict[Any, None]]:
    """What the objects of each class hold, the objects in their attributes included; ``None``: what modules keep."""
    direct: dict[ClassInfo | None, dict[Any, None]] = {
        None: dict.fromkeys(a for value in program.solver.long_lived() for a in value)
    }
    for owner, value in program.solver.held():
        direct.setdefault(owner, {}).update(dict.fromkeys(value))
    return {owner: _with_parts(program, owner, direct) for owner in direct}


def keeps(program: Program, cls: ClassInfo, session: Any) -> bool:
    """Whether a session is put into attributes of a class's objects somewhere."""
    return session in program.shared(_holdings).get(cls, ())


def _with_parts(
    program: Program, owner: ClassInfo | None, direct: dict[ClassInfo | None, dict[Any, None]]
) -> dict[Any, None]:
    found: dict[Any, None] = {}
    pending = [owner]
    seen: set[ClassInfo | None] = {owner}
    while pending:
        atoms = direct.get(pending.pop(), {})
        given = (a for a in contained(tuple(atoms)) if a.tag == "injected")
        found.update(dict.fromkeys((*atoms, *given)))
        for part in (c for a in atoms if a.tag == "inst" for c in program.solver.mro(a.info)):
            if part not in seen:
                seen.add(part)
                pending.append(part)
    return found


def is_never_given(program: Program, parameter: Any) -> bool:
    """Whether a parameter is ``None`` by default, and all calls there are, of which there are some, leave it that."""
    if parameter.info.param_values.get(parameter.name, ((), ()))[1] != (ABSENT,):
        return False
    calls = program.shared(calls_by_callee).get(parameter.info, ())
    return bool(calls) and all(_leaves(call, parameter) for call in calls)


def _leaves(call: Event, parameter: Any) -> bool:
    """Whether a call, written with all its arguments, gives a parameter nothing but ``None``."""
    expr = call.expr
    if expr is None or expr[0] != "c" or any(a[0] == "*" for a in expr[3]) or any(name is None for name, _ in expr[4]):
        return False
    return dict(call.bindings).get(parameter) == (ABSENT,)


def maker_of(program: Program, handle: Any) -> FunctionInfo:
    """The function in which a handle comes into being."""
    path, span = handle.site
    return owner_of(program.solver.modules[path], span)


def is_made_in(program: Program, handle: Any, functions: Iterable[FunctionInfo]) -> bool:
    """Whether a handle comes into being in one of these; a registry's session does so where it is asked for."""
    if not handle.registry or program.kind(handle) != "session":
        return maker_of(program, handle) in functions
    return any(handle in e.subject for f in functions for e in f.events if e.kind in ("create", "obtain"))


def enclosing(function: FunctionInfo) -> list[FunctionInfo]:
    """The function and those around it, innermost first."""
    chain = [function]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    return chain


def runs_in_background(program: Program, function: FunctionInfo) -> bool:
    """Whether a function (or one around it) is started as background work."""
    return any(f in program.background_functions for f in enclosing(function))


def started_values(event: Event) -> Value:
    """Everything a ``schedule`` event hands over: what is started, and its arguments."""
    return (*event.value, *(a for v in event.args for a in v))
