"""What a program shows before anything is approved: where handles are made, and who hands sessions to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from sessionlint.infer import places
from sessionlint.infer.applications import Applications
from sessionlint.infer.sources import CONTEXT, DECORATOR, DEPENDENCY, ENTERS, Made, Source, enters
from sessionlint.infer.takers import takers
from sessionlint.program.alchemy_configs import plugged_in
from sessionlint.program.containers import providers, supplied
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.scoped import is_registry
from sessionlint.program.values import (
    CONNECTION,
    DRIVER,
    ENGINE,
    FACTORY,
    POOL,
    SESSION,
    UNKNOWN,
    Dependency,
    Fn,
    PartialCall,
    Site,
    Value,
    contained,
)
from sessionlint.rules.session_decorators import opened_by, session_decorators

#: What endpoints may be given to work with; a project without sessions may hand out connections.
_HANDED = (SESSION, CONNECTION, DRIVER)
MAKERS = (ENGINE, FACTORY, POOL)
#: What work is done with as soon as it is there.
_GIVEN = (*_HANDED, POOL)
#: What happens where a session comes to be, by a call of the factory or of a function that calls it.
_OPENING = ("create", "obtain")
_UNNAMEABLE = ("<lambda>", "__init__")


def _is_session(atom: Any) -> bool:
    return bool(atom.tag == "handle" and atom.kind == SESSION)


def _is_called(source: Any) -> bool:
    """Whether it is a function, or one with arguments, that gives what is injected."""
    return isinstance(source, (Fn, PartialCall))


class Survey(Applications):
    """Handles and sources of the files that are part of the application (``included``)."""

    @cached_property
    def _creates(self) -> dict[Site, list[Event]]:
        found: dict[Site, list[Event]] = {}
        for event in self.program.events("create"):
            found.setdefault(event.site, []).append(event)
        return found

    @cached_property
    def makers(self) -> Mapping[Made, tuple[Made, ...]]:
        """Every engine, factory and pool that the application makes, each with all that lies behind it."""
        made = [e for e in self.program.events("create") if e.name in MAKERS and e.path in self.included]
        return {(e.name, e.site): self.behind(e.subject) for e in sorted(made, key=lambda e: e.site)}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Dependencies that endpoints ask for, context managers and decorators, in order of path and line."""
        provided = self._provided()
        found = {**self._decorators(), **self._contexts(), **provided, **self._dependencies()}
        for function, source in provided.items():
            found[function].users.update(source.users)
        self._count_uses(found)
        return tuple(sorted(found.values(), key=lambda s: (s.path, s.function.header)))

    @cached_property
    def direct(self) -> dict[FunctionInfo, tuple[Made, ...]]:
        """Functions that open sessions or connections themselves, with the handles behind those.

        Likewise those whose sessions a framework's plugin opens for them.
        """
        found: dict[FunctionInfo, tuple[Made, ...]] = {}
        for user, _, subject in self.injections():
            sites = [site for a in subject if (site := plugged_in(a)) is not None]
            if sites:
                found[user] = ((SESSION, sites[0]), *self.behind(subject))
        for event in self.program.events("create"):
            if event.name in _HANDED and event.path in self.included:
                behind = self.behind(event.subject)
                found[event.function] = tuple(dict.fromkeys((*found.get(event.function, ()), *behind)))
        return found

    @cached_property
    def asked(self) -> dict[FunctionInfo, tuple[Made, ...]]:
        """Functions that ask a function for what they work with, which is no source: all it does is give it.

        Likewise those that are injected an object that works with a session its dependency opens.
        """
        sources = {source.function for source in self.sources}
        found: dict[FunctionInfo, tuple[Made, ...]] = {}
        for user, dependency, subject in self.injections():
            held = tuple(a for a in self.held_by(subject) if _is_session(a))
            if held and sources.isdisjoint(self.program.targets(dependency)):
                found[user] = tuple(dict.fromkeys((*found.get(user, ()), *self.behind(held))))
        for event in self.program.events("obtain"):
            if event.path not in self.included or event.callee in sources or event.function in sources:
                continue
            given = tuple(a for a in event.subject if a.tag == "handle" and a.kind in _GIVEN)
            # others may have put theirs into the place where the function keeps its own
            own = tuple(a for a in given if event.callee is not None and a.root[0] == event.callee.path)
            if given:
                behind = self.behind(own or given)
                found[event.function] = tuple(dict.fromkeys((*found.get(event.function, ()), *behind)))
        return found

    def behind(self, value: Value) -> tuple[Made, ...]:
        """Kind and place of the handles in ``value`` and of those they were made from, nearest first."""
        found: dict[Made, None] = {}
        pending = [self._handles(value)]
        while pending:
            for handle in pending.pop(0):
                key = (handle.kind, handle.root)
                if key in found:
                    continue
                found[key] = None
                made_of = [
                    h
                    for event in self._creates.get(handle.root, ())
                    for value in (event.value, *event.args, *(v for _, v in event.keywords))
                    for h in self._handles(value)
                ]
                pending.append(self._at_home(handle.root[0], made_of))
        return tuple(found)

    def _at_home(self, path: str, handles: list[Any]) -> list[Any]:
        """A file has what its own application keeps, where several keep theirs under the same name."""
        if len(handles) < 2 or len(self.applications) < 2:
            return handles
        home = self.application_around(path)
        own = [h for h in handles if self.application_around(h.root[0]) == home]
        return own if own and home is not None else handles

    def _handles(self, value: Value, depth: int = 0) -> list[Any]:
        """The handles a value may be, through parameters, injected objects and bound methods."""
        found: list[Any] = []
        for atom in value:
            if atom.tag == "handle":
                found.append(atom)
            elif atom.tag == "injected" and depth < 4:
                found.extend(self._handles(self.program.solver.views(atom), depth + 1))
                site = plugged_in(atom)
                found.extend(h for e in (self._creates.get(site, ()) if site is not None else ()) for h in e.subject)
            elif atom.tag == "param" and depth < 4:
                found.extend(self._passed(atom, depth + 1))
            elif atom.tag == "method" and depth < 4:
                found.extend(self._handles((atom.receiver,), depth + 1))
            elif atom.tag == "map" and depth < 2:
                found.extend(h for _, v in atom.items for h in self._handles(v, depth + 1))
            elif atom.tag == "inst" and depth < 4:
                # an object around an engine passes for it
                found.extend(h for h in contained((atom,)) if h.tag == "handle" and h.kind in MAKERS)
        return found

    def _passed(self, param: Any, depth: int) -> list[Any]:
        """The handles that a parameter may be: an annotation does not say which, its arguments do.

        What nobody passes comes from a container, which has it from the one place that makes such a thing.
        """
        solver = self.program.solver
        given = solver.arguments_of(param)
        found = self._handles(solver.views(param), depth) or self._handles(given, depth)
        return found if found or given else list(self._only.get(self.program.kind(param) or "", ()))

    @cached_property
    def _only(self) -> Mapping[str, Value]:
        """The handle of each kind of which the application makes just one."""
        made: dict[str, list[Event]] = {}
        for event in self.program.events("create"):
            if event.name in MAKERS and event.path in self.included:
                made.setdefault(event.name, []).append(event)
        return {kind: events[0].subject for kind, events in made.items() if len(events) == 1}

    @cached_property
    def takers(self) -> Mapping[str, frozenset[str]]:
        """For every file that makes handles, the other files that take one from there, whatever they do with it."""
        return takers(self.program, self.included)

    @cached_property
    def scripts(self) -> Mapping[str, frozenset[str]]:
        """The same of the files beside the application."""
        others = {m.path for m in self.program.modules if not places.is_exempt(self.program, m.path)} - self.included
        return takers(self.program, others) if others else {}

    @cached_property
    def endpoint_files(self) -> frozenset[str]:
        """The files that hold endpoints."""
        return frozenset(f.path for f in self.program.functions if f.routes)

    # sources

    def _contexts(self) -> dict[FunctionInfo, Source]:
        found: dict[FunctionInfo, Source] = {}
        for function in self.program.functions:
            if function.path in self.included and (function.parent is None or function in self._handed_out):
                source = self._context(function)
                if source is not None:
                    found[function] = source
        return found

    def _context(self, function: FunctionInfo) -> Source | None:
        """The function as a context manager that hands out sessions, if it is one."""
        if enters(function):
            return self._entered(function)
        if function.is_context_manager:
            # what a caller's session is run through opens none
            value = tuple(a for a in function.summary.yields if a.tag != "param")
        elif not function.is_generator and function in self._used_by_with:
            value = tuple(a for a in function.summary.returns if a.tag == "handle" and a.kind == SESSION)
        else:
            return None
        handed = self._handed(value)
        return Source(function, CONTEXT, handed, self.behind(value)) if handed else None

    def _entered(self, enter: FunctionInfo) -> Source | None:
        """``__enter__`` of a class that opens a session there or in ``__init__``, a unit of work for example."""
        given = tuple(a for a in enter.summary.returns if a.tag != "param")
        handed = self._handed(given)
        value = given if handed else UNKNOWN
        start = enter.class_info.methods.get("__init__") if enter.class_info is not None else None
        for method in (enter, start):
            events = () if handed or method is None else method.events
            value = value or tuple(a for e in events if e.kind in _OPENING for a in e.subject if _is_session(a))
        return Source(enter, CONTEXT, handed or SESSION, self.behind(value), named=bool(handed)) if value else None

    @cached_property
    def _used_by_with(self) -> frozenset[FunctionInfo]:
        """Functions whose sessions are opened by a ``with`` wherever the application takes them, or closed so."""
        events = [e for e in self.program.events("obtain") if e.path in self.included and e.callee is not None]
        closes = (e for e in self.program.events("txn") if e.name == "close" and "finally" in e.flags)
        closed = {(e.function, a) for e in closes for a in e.subject}
        by_hand = (e for e in events if "context" not in e.flags)
        others = {e.callee for e in by_hand if not any((e.function, a) in closed for a in e.subject)}
        entered = (e.callee for e in events if "context" in e.flags and e.callee not in others)
        return frozenset(callee for callee in entered if callee is not None)

    @cached_property
    def _handed_out(self) -> frozenset[FunctionInfo]:
        """Functions that the one around them gives back, to be called for a session."""
        outer = (f for f in self.program.functions if f.children and not f.is_generator)
        return frozenset(a.info for f in outer for a in f.summary.returns if a.tag == "fn" and a.info.parent is f)

    def _dependencies(self) -> dict[FunctionInfo, Source]:
        found: dict[FunctionInfo, Source] = {}
        for user, dependency, subject in self.injections():
            handed = self._handed(subject)
            opened = UNKNOWN if handed else self._opened_by(subject)
            for target in self.program.targets(dependency) if handed or opened else ():
                if target.path not in self.included or target.name in _UNNAMEABLE:
                    continue
                if self.program.solver.is_abstract(target):
                    continue  # something else comes in its place
                if target.is_context_manager:
                    continue  # what a decorated generator gives, FastAPI cannot enter
                value = opened or target.summary.yields or target.summary.returns
                source = Source(target, DEPENDENCY, handed or SESSION, self.behind(value), by_call=bool(opened))
                source = found.setdefault(target, source)
                source.passes_on = any(a.tag == "injected" for a in value) and not any(a.tag == "handle" for a in value)
                source.received = not (source.passes_on or any(e.kind in _OPENING for e in target.events))
                source.users[user] = None
        return found

    def held_by(self, subject: Value) -> Iterator[Any]:
        """What is kept by the objects that are injected."""
        for atom in subject:
            views = self.program.solver.views(atom) if atom.tag == "injected" else (atom,)
            for view in views:
                if view.tag == "inst":
                    yield from contained((view,))

    def _opened_by(self, subject: Value) -> Value:
        """The sessions that a call of what is injected opens."""
        views = (self.program.solver.views(a) if a.tag == "injected" else (a,) for a in subject)
        called = [a.info.summary.returns for view in views for a in view if a.tag == "fn"]
        return tuple([a for value in called if self._handed(value) == SESSION for a in value])

    def _provided(self) -> dict[FunctionInfo, Source]:
        """Functions that give a session to a container, which hands it to all that take one."""
        found: dict[FunctionInfo, Source] = {}
        for function in self.program.shared(providers):
            value = function.summary.yields if function.is_generator else function.summary.returns
            if function.path in self.included and self._handed(value) == SESSION:
                users = {f: None for f in self.program.shared(supplied) if f.path in self.included - {function.path}}
                users.update(self._served.get(function, {}))
                if users:
                    found[function] = Source(function, DEPENDENCY, SESSION, self.behind(value), users)
        return found

    @cached_property
    def _served(self) -> Mapping[FunctionInfo, dict[FunctionInfo, None]]:
        """For each function of a container, who is given an object that works with what it gives."""
        found: dict[FunctionInfo, dict[FunctionInfo, None]] = {}
        for user, _, subject in self.injections():
            for source in self._made_with(subject):
                for target in self.program.targets(Dependency((source,), ("", (0, 0, 0, 0)))):
                    found.setdefault(target, {})[user] = None
        return found

    def _made_with(self, subject: Value) -> list[Any]:
        """What a container calls for the objects that are injected: for what they keep, and for what that keeps."""
        found: dict[Any, None] = {}
        pending = [subject]
        while pending:
            for atom in self.held_by(pending.pop()):
                if atom.tag == "injected" and atom.source not in found and _is_called(atom.source):
                    found[atom.source] = None
                    pending.append((atom,))
        return list(found)

    def _decorators(self) -> dict[FunctionInfo, Source]:
        found: dict[FunctionInfo, Source] = {}
        for decorator, wrapped in self.program.shared(session_decorators).items():
            if decorator.path in self.included:
                behind = self.behind(opened_by(self.program, decorator))
                users = {f: None for f in wrapped if f.path in self.included}
                found[decorator] = Source(decorator, DECORATOR, SESSION, behind, users)
        return found

    def injections(self) -> Iterator[tuple[FunctionInfo, Dependency, Value]]:
        """Who is given what by which dependency, tests and the like left out."""
        for event in self.program.events("inject"):
            if event.path in self.included:
                for atom in event.value:
                    if isinstance(atom, Dependency):
                        yield event.function, atom, event.subject

    def _handed(self, value: Value) -> str:
        """The kind of handle in ``value`` that work is done with; a session first; ``""`` for none.

        A scoped registry is as good as the session it keeps.
        """
        solver = self.program.solver
        kinds = {SESSION if is_registry(solver, atom) else self.program.kind(atom) for atom in value}
        return next((kind for kind in _HANDED if kind in kinds), "")

    def _count_uses(self, found: dict[FunctionInfo, Source]) -> None:
        entered = [e for e in self.program.events("call") if e.callee is not None and e.callee.name in ENTERS]
        for event in (*self.program.events("obtain"), *entered):
            source = found.get(event.callee) if event.callee is not None else None
            if source is not None and event.path in self.included and event.function is not source.function:
                source.users[event.function] = None

    # names

    @cached_property
    def _module_names(self) -> Mapping[str, str]:
        return places.names_in_use(self.program)

    def dotted(self, source: Source) -> str:
        """The qualified name of a source's function by the module name that the project itself imports it by.

        It is that of the class for the method that enters its objects, and of the outermost one for a function in it.
        """
        function = source.function
        while function.parent is not None:
            function = function.parent
        module = self._module_names.get(source.path, "")
        owner = source.owner or (function.class_info if enters(function) else None)
        name = function.qualname if owner is None else owner.qualname
        return f"{module}.{name}" if module else name
