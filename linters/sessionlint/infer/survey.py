"""What a program shows before anything is approved: where handles are made, and who hands sessions to whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sessionlint.infer import places
from sessionlint.program.api import Program
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
    Site,
    Value,
)
from sessionlint.rules.session_decorators import opened_by, session_decorators

DEPENDENCY, CONTEXT, DECORATOR = "dependency", "context", "decorator"
#: What stands for the application of files that lie outside every one.
NO_APPLICATION = "-"
#: What endpoints may be given to work with; a project without sessions may hand out connections.
_HANDED = (SESSION, CONNECTION, DRIVER)
MAKERS = (ENGINE, FACTORY, POOL)
#: Kind and place of a handle.
Made = tuple[str, Site]
_UNNAMEABLE = ("<lambda>", "__init__")
_ENTERS = ("__enter__", "__aenter__")


def _enters(function: FunctionInfo) -> bool:
    """Whether it is what ``with`` calls on an object."""
    return function.name in _ENTERS and function.class_info is not None


@dataclass(slots=True, eq=False)
class Source:
    """A function that hands out sessions.

    ``kind`` is ``dependency``, ``context`` or ``decorator``; ``behind`` the handles its sessions are made from, nearest
    first; ``users`` the functions that get sessions from it; ``passes_on`` is set when the session comes
    from another dependency; ``named`` is unset when it hands out an object that only holds the session.
    """

    function: FunctionInfo
    kind: str
    handed: str = SESSION
    behind: tuple[Made, ...] = ()
    users: dict[FunctionInfo, None] = field(default_factory=dict)
    passes_on: bool = False
    named: bool = True

    @property
    def path(self) -> str:
        """The file that defines it."""
        return self.function.path

    @property
    def name(self) -> str:
        """What code that uses it writes: a class for the method that enters its objects."""
        owner = self.function.class_info if _enters(self.function) else None
        return self.function.name if owner is None else owner.name

    @property
    def endpoints(self) -> list[FunctionInfo]:
        """The endpoints among its users."""
        return [user for user in self.users if user.routes]


class Survey:
    """Handles and sources of the files that are part of the application (``included``)."""

    def __init__(self, program: Program, included: Iterable[str]) -> None:
        self.program = program
        self.included = frozenset(included)

    @cached_property
    def _creates(self) -> dict[Site, Event]:
        return {e.site: e for e in self.program.events("create")}

    @cached_property
    def makers(self) -> Mapping[Made, tuple[Made, ...]]:
        """Every engine, factory and pool that the application makes, each with all that lies behind it."""
        made = [e for e in self.program.events("create") if e.name in MAKERS and e.path in self.included]
        return {(e.name, e.site): self.behind(e.subject) for e in sorted(made, key=lambda e: e.site)}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Dependencies that endpoints ask for, context managers and decorators, in order of path and line."""
        found = {**self._decorators(), **self._contexts(), **self._dependencies()}
        self._count_uses(found)
        return tuple(sorted(found.values(), key=lambda s: (s.path, s.function.header)))

    @cached_property
    def direct(self) -> dict[FunctionInfo, tuple[Made, ...]]:
        """Functions that open sessions or connections themselves, with the handles behind those."""
        found: dict[FunctionInfo, tuple[Made, ...]] = {}
        for event in self.program.events("create"):
            if event.name in _HANDED and event.path in self.included:
                behind = self.behind(event.subject)
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
                event = self._creates.get(handle.root)
                if event is not None:
                    made_of = (event.value, *event.args, *(v for _, v in event.keywords))
                    pending.extend(self._handles(v) for v in made_of)
        return tuple(found)

    def _handles(self, value: Value, depth: int = 0) -> list[Any]:
        """The handles a value may be, through parameters, injected objects and bound methods."""
        found: list[Any] = []
        for atom in value:
            if atom.tag == "handle":
                found.append(atom)
            elif atom.tag in ("param", "injected") and depth < 4:
                found.extend(self._handles(self.program.solver.views(atom), depth + 1))
            elif atom.tag == "method" and depth < 4:
                found.extend(self._handles((atom.receiver,), depth + 1))
            elif atom.tag == "map" and depth < 2:
                found.extend(h for _, v in atom.items for h in self._handles(v, depth + 1))
        return found

    @cached_property
    def endpoint_files(self) -> frozenset[str]:
        """The files that hold endpoints."""
        return frozenset(f.path for f in self.program.functions if f.routes)

    # sources

    def _contexts(self) -> dict[FunctionInfo, Source]:
        found: dict[FunctionInfo, Source] = {}
        for function in self.program.functions:
            if function.path in self.included and function.parent is None:
                source = self._context(function)
                if source is not None:
                    found[function] = source
        return found

    def _context(self, function: FunctionInfo) -> Source | None:
        """The function as a context manager that hands out sessions, if it is one."""
        if _enters(function):
            return self._entered(function)
        if function.is_context_manager:
            value = function.summary.yields
        elif not function.is_generator and function in self._used_by_with:
            value = tuple(a for a in function.summary.returns if a.tag == "handle" and a.kind == SESSION)
        else:
            return None
        handed = self._handed(value)
        return Source(function, CONTEXT, handed, self.behind(value)) if handed else None

    def _entered(self, enter: FunctionInfo) -> Source | None:
        """``__enter__`` of a class that opens a session there or in ``__init__``, a unit of work for example."""
        handed = self._handed(enter.summary.returns)
        value = enter.summary.returns if handed else UNKNOWN
        start = enter.class_info.methods.get("__init__") if enter.class_info is not None else None
        for method in (enter, start):
            events = () if handed or method is None else method.events
            value = value or tuple(a for e in events if e.kind == "create" and e.name == SESSION for a in e.subject)
        return Source(enter, CONTEXT, handed or SESSION, self.behind(value), named=bool(handed)) if value else None

    @cached_property
    def _used_by_with(self) -> frozenset[FunctionInfo]:
        """Functions whose sessions are opened by a ``with`` wherever the application takes them."""
        events = [e for e in self.program.events("obtain") if e.path in self.included and e.callee is not None]
        others = {e.callee for e in events if "context" not in e.flags}
        return frozenset(e.callee for e in events if e.callee is not None and e.callee not in others)

    def _dependencies(self) -> dict[FunctionInfo, Source]:
        found: dict[FunctionInfo, Source] = {}
        for user, dependency, subject in self._injections():
            handed = self._handed(subject)
            for target in self.program.targets(dependency) if handed else ():
                if target.path not in self.included or target.name in _UNNAMEABLE:
                    continue
                value = target.summary.yields or target.summary.returns
                source = found.setdefault(target, Source(target, DEPENDENCY, handed, self.behind(value)))
                source.passes_on = any(a.tag == "injected" for a in value) and not any(a.tag == "handle" for a in value)
                source.users[user] = None
        return found

    def _decorators(self) -> dict[FunctionInfo, Source]:
        found: dict[FunctionInfo, Source] = {}
        for decorator, wrapped in self.program.shared(session_decorators).items():
            if decorator.path in self.included:
                behind = self.behind(opened_by(self.program, decorator))
                users = {f: None for f in wrapped if f.path in self.included}
                found[decorator] = Source(decorator, DECORATOR, SESSION, behind, users)
        return found

    def _injections(self) -> Iterator[tuple[FunctionInfo, Dependency, Value]]:
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
        entered = [e for e in self.program.events("call") if e.callee is not None and e.callee.name in _ENTERS]
        for event in (*self.program.events("obtain"), *entered):
            source = found.get(event.callee) if event.callee is not None else None
            if source is not None and event.path in self.included and event.function is not source.function:
                source.users[event.function] = None

    # applications

    @cached_property
    def applications(self) -> tuple[str, ...]:
        """The folders in which applications are made (``""``: the root), deepest first."""
        made = {
            site[0].rpartition("/")[0]
            for site, entry in self.program.solver.routers.items()
            if entry.get("name") != "fastapi.APIRouter" and site[0] in self.included
        }
        return tuple(sorted(made, key=lambda f: (-f.count("/"), f)))

    def application_of(self, path: str) -> str:
        """The application a file belongs to: the nearest folder above it that makes one, else ``NO_APPLICATION``."""
        return next((a for a in self.applications if not a or path.startswith(f"{a}/")), NO_APPLICATION)

    # names

    @cached_property
    def _module_names(self) -> Mapping[str, str]:
        return places.names_in_use(self.program)

    def dotted(self, function: FunctionInfo) -> str:
        """The qualified name of a function by the module name that the project itself imports it by.

        It is that of the class for the method that enters its objects.
        """
        module = self._module_names.get(function.path, "")
        owner = function.class_info if _enters(function) else None
        name = function.qualname if owner is None else owner.qualname
        return f"{module}.{name}" if module else name
