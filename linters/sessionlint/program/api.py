"""The program as rules see it: functions, events, roles, and how to prove a finding.

Rules never see a syntax tree; they read :class:`~sessionlint.program.model.Event` and ask this class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sessionlint.facts import ir
from sessionlint.facts.numbering import Numbering
from sessionlint.program.bound_below import BELOW
from sessionlint.program.dependencies import listed as listed_dependencies
from sessionlint.program.entries import entries
from sessionlint.program.inside_work import called_inside, queued
from sessionlint.program.listing import FileListing, listings
from sessionlint.program.model import ClassInfo, Effect, Event, FunctionInfo, Hop, ModuleInfo
from sessionlint.program.policy_names import functions_named
from sessionlint.program.proving import way_to, way_to_source
from sessionlint.program.reached import beside, reached_from
from sessionlint.program.resolvers import resolvers
from sessionlint.program.served import message_handlers
from sessionlint.program.singletons import singletons
from sessionlint.program.solver import Solver
from sessionlint.program.starting_decorators import handed_over
from sessionlint.program.threads import INSIDE, POOLED
from sessionlint.program.values import CONNECTION, DRIVER, Dependency, Fn, Injected, Param, Pending, Site, Value
from sessionlint.program.wrapped import is_provider, roles_of_wrappers
from sessionlint.report import CheckError, Finding, Severity, Span, TraceStep

if TYPE_CHECKING:
    from sessionlint.policy import Policy
    from sessionlint.rules.base import Rule

_T = TypeVar("_T")

#: What is injected is a session, or holds one, unless it is this.
_KINDS: Final[dict[str | None, str]] = {kind: kind for kind in (CONNECTION, DRIVER)}

EXEMPT_ROLES = frozenset({"session", "test", "migration"})


class Program:
    """A solved program. All paths are relative to the project root."""

    def __init__(
        self,
        policy: Policy,
        solver: Solver,
        errors: tuple[CheckError, ...],
        read_line: Callable[[str, int], str],
        changed: frozenset[str] | None = None,
        known: Mapping[str, FileListing] | None = None,
        numberings: Mapping[str, Numbering] | None = None,
    ) -> None:
        """``changed``: the only files that differ from the program before, when nothing else looks different;
        ``known``: what that had of the others. ``numberings``: of files whose lines do not have their own numbers.
        """
        self.policy = policy
        self.solver = solver
        self.errors = errors
        self.changed = changed
        #: those files, and the ones from which their functions are reached
        self.above: frozenset[str] = changed or frozenset()
        self.numberings: Mapping[str, Numbering] = numberings or {}
        self._read_line = read_line
        self._shared: dict[Any, Any] = {}
        self._ways: dict[tuple[FunctionInfo, Effect], list[Hop]] = {}
        self._by_kind: dict[str, list[Event]] = {}
        self._started: dict[int, list[FunctionInfo]] = {}
        self._known: Mapping[str, FileListing] = known or {}

    @property
    def whole(self) -> Program:
        """All of the program, also where a rule is to judge some files only."""
        return self

    def judges(self, path: str) -> bool:
        """Whether rules are to judge a file."""
        return True

    def shared(self, compute: Callable[[Program], _T]) -> _T:
        """What ``compute`` finds out about this program, worked out once for all rules that ask."""
        if compute not in self._shared:
            self._shared[compute] = compute(self)
        found: _T = self._shared[compute]
        return found

    def by_file(self, compute: Callable[..., Iterable[_T]], *given: Any) -> Iterator[_T]:
        """What ``compute(listing, *given)`` finds in each file. It may look at the functions and events of that file
        and nothing else, so an edit of another file does not change it.
        """
        key = (compute, *given)
        for listing in self.listings.values():
            found = listing.kept.get(key)
            if found is None:
                found = listing.kept[key] = tuple(compute(listing, *given))
            yield from found

    # what there is

    @cached_property
    def modules(self) -> tuple[ModuleInfo, ...]:
        """All modules that were read, by path."""
        return tuple(self.solver.modules[p] for p in sorted(self.solver.modules))

    @cached_property
    def listings(self) -> dict[str, FileListing]:
        """Functions and events of each file."""
        return listings(self.solver, self._known)

    @cached_property
    def functions(self) -> tuple[FunctionInfo, ...]:
        """All functions, module bodies included, in order of path and line."""
        return tuple(chain.from_iterable([listing.functions for listing in self.listings.values()]))

    @cached_property
    def classes(self) -> tuple[ClassInfo, ...]:
        """All classes, in order of path and line."""
        return tuple(sorted(self.solver.classes, key=lambda c: (c.path, c.header)))

    def events(self, *kinds: str) -> Iterator[Event]:
        """Events of the given kinds, in order of path and function."""
        return chain.from_iterable([self._of_kind(kind) for kind in kinds])

    def _of_kind(self, kind: str) -> list[Event]:
        found = self._by_kind.get(kind)
        if found is None:
            tables = [listing.by_kind for listing in self.listings.values()]
            found = self._by_kind[kind] = [event for table in tables if kind in table for event in table[kind]]
        return found

    @property
    def statistics(self) -> dict[str, int]:
        """Counters of what stayed unknown, and of the program's size."""
        counts = Counter(self.solver.statistics)
        counts.update(f"calls of .{e.name}() on unknown receivers" for e in self.events("unknown"))
        counts["functions"] = len(self.functions)
        return dict(sorted(counts.items()))

    def source_line(self, path: str, line: int) -> str:
        """The text of one line (empty when it cannot be read)."""
        return self._read_line(path, line)

    def line_of(self, path: str, span: ir.Span4) -> int:
        """The line of the file in which something begins."""
        numbering = self.numberings.get(path)
        return span[0] if numbering is None else numbering.real(span[0], span[1])[0]

    # roles

    @cached_property
    def background_functions(self) -> dict[FunctionInfo, Event | None]:
        """Functions that run in the background, with the event that starts them (``None``: a decorator)."""
        found: dict[FunctionInfo, Event | None] = {}
        for event in self.events("schedule"):
            if event.text == "thread" or self.policy.layer_of(event.path) in ("test", "migration"):
                continue
            for function in (*self.started_by(event), *called_inside(self, event.value)):
                found.setdefault(function, event)
        for event in self.events("effect"):
            # a helper of the project starts what this call passes to it
            if event.text == "schedule" and event.name in ("background", POOLED, INSIDE):
                for function in (*self.started_by(event), *called_inside(self, event.subject)):
                    found.setdefault(function, event)
        for function in self.by_file(_registered):
            if self.is_registered(function):
                found.setdefault(function, None)
        for event, function in queued(self, found):
            found.setdefault(function, event)
        return found

    def is_registered(self, function: FunctionInfo) -> bool:
        """Whether a decorator makes a function background work: a library's, or one of the project that starts it."""
        given = (p for wrapper in function.wrappers for p in handed_over(wrapper.summary))
        return "background" in function.registrations or any(
            Fn(function) in self.solver.peek(("param", p.info, p.name)) for p in given
        )

    @cached_property
    def background_helpers(self) -> frozenset[FunctionInfo]:
        """What background functions of the same file or family of classes call, and nobody else does."""
        return reached_from(self, self.background_functions, beside(self))

    @cached_property
    def entries(self) -> frozenset[FunctionInfo]:
        """What runs by itself: commands, code run at import or at the start, hooks, and what they alone call."""
        return entries(self)

    @cached_property
    def message_handlers(self) -> frozenset[FunctionInfo]:
        """What a dispatcher of messages (a bot's) calls: each owns its transaction, whoever opened its session."""
        return message_handlers(self)

    @cached_property
    def wrapper_roles(self) -> dict[FunctionInfo, str]:
        """Inner functions of decorators, with what they are because of what they are put around."""
        return roles_of_wrappers(self)

    @property
    def situations(self) -> tuple[frozenset[FunctionInfo], ...]:
        """Functions by what runs them. Calls elsewhere decide about that, and rules go by it."""
        return (
            frozenset(self.background_functions), self.background_helpers, frozenset(self.dependency_functions),
            self.entries, frozenset(self.wrapper_roles), self.message_handlers,
            frozenset(w for w, role in self.wrapper_roles.items() if role == "endpoint"),
        )  # fmt: skip

    def started_by(self, event: Event) -> list[FunctionInfo]:
        """The project functions a ``schedule`` or ``concurrent`` event starts."""
        known = self._started.get(id(event))  # events live as long as the program
        if known is None:
            known = self._started[id(event)] = self._find_started(event)
        return known

    def _find_started(self, event: Event) -> list[FunctionInfo]:
        found: list[FunctionInfo] = []
        pending = list(event.subject if event.kind == "effect" else event.value or ())
        for value in event.args if event.kind == "concurrent" else ():
            pending.extend(value)
        while pending:
            atom = pending.pop(0)
            if atom.tag == "fn" or isinstance(atom, Pending):
                found.append(atom.info)
                if atom.tag == "fn" and event.kind == "effect" and not atom.info.is_async:
                    # ``launch(lambda: work(key))`` asks it for the coroutine that runs; ``add_task()`` awaits none
                    found.extend(a.info for a in atom.info.summary.returns if a.tag == "pending" and a.kind == "coro")
            elif atom.tag == "inst":
                called = self.solver.method(atom.info, "__call__")
                found.extend(() if called is None else (called,))
            elif atom.tag == "partial":
                pending.extend(atom.function)
            elif atom.tag == "seq":
                pending.extend(a for item in atom.items for a in item)
        return list(dict.fromkeys(found))

    @cached_property
    def dependency_functions(self) -> dict[FunctionInfo, list[tuple[Event | None, Dependency]]]:
        """Functions FastAPI calls as dependencies, with every place that asks for them."""
        found: dict[FunctionInfo, list[tuple[Event | None, Dependency]]] = {}
        for event in self.events("inject"):
            for atom in event.value:
                if isinstance(atom, Dependency):
                    for function in self.targets(atom):
                        found.setdefault(function, []).append((event, atom))
        for function in self.by_file(_routed):
            for route in function.routes:
                for dependency in self.dependencies_in(route.dependencies):
                    for target in self.targets(dependency):
                        found.setdefault(target, []).append((None, dependency))
        for entry in self.solver.routers.values():
            given = tuple(a for k, v in entry.items() if k.startswith("dependencies") for a in v)
            for dependency in self.dependencies_in(given):
                for target in self.targets(dependency):
                    found.setdefault(target, []).append((None, dependency))
        return found

    def targets(self, dependency: Dependency) -> list[FunctionInfo]:
        """Project functions behind a dependency (methods ``__call__`` and ``__init__`` for objects and classes)."""
        found: list[FunctionInfo] = []
        for atom in dependency.target:
            if atom.tag == "fn":
                found.append(atom.info)
            elif atom.tag in ("inst", "cls"):
                method = self.solver.method(atom.info, "__call__" if atom.tag == "inst" else "__init__")
                made = self.solver.mro(atom.info) if method is None and atom.tag == "cls" else ()
                found.extend([method] if method is not None else [c.maker for c in made if c.maker is not None])
            elif atom.tag == "partial":
                found.extend(f.info for f in atom.function if f.tag == "fn")
        return found

    def dependencies_in(self, value: Value) -> list[Dependency]:
        """The dependencies in a ``dependencies=[…]`` value."""
        return listed_dependencies(value)

    def role(self, function: FunctionInfo) -> str | None:
        """``session``, ``test``, ``migration``, ``endpoint``, ``background``, ``handler``, ``dependency``,
        a layer, or ``None``."""
        return (
            self._roles.setdefault(function, self._role(function))
            if function not in self._roles
            else self._roles[function]
        )

    @cached_property
    def _roles(self) -> dict[FunctionInfo, str | None]:
        return {}

    def _role(self, function: FunctionInfo) -> str | None:
        path = function.path
        in_session_module = self.policy.is_session_module(path)
        layer = self.policy.layer_of(path)
        if layer in ("test", "migration") and not in_session_module:
            return layer
        if function.routes:
            return "endpoint"
        nested = function.parent is not None and function not in self.background_functions
        if nested and function.parent is not None and self.role(function.parent) == "endpoint":
            return "endpoint"
        if in_session_module or function in self.approved_dependencies or function in self.approved_contexts:
            return "session"
        if function in self.background_functions or function in self.background_helpers:
            return "background"
        if function in self.message_handlers and (
            layer not in ("router", "background", "auth") or function in self.shared(resolvers)
        ):
            return "handler"
        if layer == "service" and (function in self.wrapper_roles or is_provider(function)):
            return self.wrapper_roles.get(function, "dependency")
        if function.parent is not None:
            return self.role(function.parent)
        if layer is None and function in self.dependency_functions:
            return "dependency"
        return layer

    def is_exempt(self, function: FunctionInfo) -> bool:
        """Whether the function may do what it needs: session module, tests, migrations."""
        return self.role(function) in EXEMPT_ROLES

    # approved ways

    def named(self, *names: str) -> frozenset[FunctionInfo]:
        """The functions behind qualified names of the policy."""
        return functions_named(self.solver, names)

    @cached_property
    def approved_dependencies(self) -> frozenset[FunctionInfo]:
        """The functions of ``session-dependencies``."""
        return self.named(*self.policy.session_dependencies)

    @cached_property
    def approved_contexts(self) -> frozenset[FunctionInfo]:
        """The functions of ``session-contexts``."""
        return self.named(*self.policy.session_contexts)

    def in_session_module(self, site: Site) -> bool:
        """Whether a place lies in a session module."""
        return self.policy.is_session_module(site[0])

    @cached_property
    def singletons(self) -> frozenset[ClassInfo]:
        """Classes of which a module, or an application's state, keeps an instance, and their bases."""
        return singletons(self.solver, self.modules, self.events("store"))

    # values

    def kind(self, atom: Any) -> str | None:
        """Kind of database handle, or ``None``."""
        return self.solver.kind_of(atom)

    def sessions(self, value: Value) -> Value:
        """The atoms that are sessions."""
        return tuple(a for a in value if self.solver.kind_of(a) == "session")

    def handles(self, value: Value) -> Value:
        """The atoms that are database handles of any kind."""
        return tuple(a for a in value if self.solver.kind_of(a) is not None)

    def describe(self, atom: Any) -> str:
        """A short name of a value for messages: parameter name, "the injected session"…"""
        if isinstance(atom, Param):
            return f"parameter {atom.name!r}"
        if isinstance(atom, Injected):
            info = getattr(atom.source, "info", None)
            what = _KINDS.get(self.solver.kind_of(atom), "session")
            return f"the {what} injected by {info.called}" if info is not None else f"the injected {what}"
        kind = self.solver.kind_of(atom)
        return f"the {kind}" if kind else "it"

    # findings

    def finding(
        self, rule: Rule, where: Event | FunctionInfo | tuple[FunctionInfo, ir.Span4], message: str,
        trace: Iterable[TraceStep] = (), severity: Severity | None = None,
    ) -> Finding:  # fmt: skip
        """A finding of ``rule`` at an event, a function's header, or a span in a function."""
        if isinstance(where, Event):
            function, span = where.function, where.span
        elif isinstance(where, FunctionInfo):
            function, span = where, where.header
        else:
            function, span = where
        below = self._put_below.get(function)
        if below is not None:
            trace = [*trace, *_at(below, span)]
        return Finding(
            code=rule.code,
            name=rule.name,
            span=Span(function.path, *span),
            message=message,
            severity=severity or rule.severity,
            fixable=rule.fixable,
            qualname=function.qualname,
            trace=tuple(trace),
        )

    @cached_property
    def _put_below(self) -> dict[FunctionInfo, list[tuple[ir.Span4, TraceStep]]]:
        """Calls of what classes below put over a name, by the function of the base that calls it."""
        found: dict[FunctionInfo, list[tuple[ir.Span4, TraceStep]]] = {}
        for event in self.events(BELOW):
            for place in event.value:
                step = self.step(place.value, f"a class below has this {event.name}")
                found.setdefault(event.function, []).append((event.span, step))
        return found

    @staticmethod
    def step(site: Site, note: str) -> TraceStep:
        """One trace step."""
        return TraceStep(site[0], site[1][0], site[1][1], note)

    def effect_trace(self, function: FunctionInfo, effect: Effect) -> list[TraceStep]:
        """From inside ``function`` down to the place where its effect happens."""
        return [self.step(hop.site, hop.note) for hop in self._way(function, effect)]

    def effect_site(self, function: FunctionInfo, effect: Effect) -> Site | None:
        """Where the effect of ``function`` happens, in it or below; ``None`` when no code is found that does it."""
        last = self._way(function, effect)[-1:]
        return next((hop.site for hop in last if hop.callee is None or hop.inner is None), None)

    def _way(self, function: FunctionInfo, effect: Effect) -> list[Hop]:
        # rules ask for the same ways again and again, and each may be long
        way = self._ways.get((function, effect))
        if way is None:
            way = self._ways[function, effect] = way_to(function, effect)
        return way

    def source_trace(self, function: FunctionInfo, handle: Any) -> list[TraceStep]:
        """From inside ``function``, which hands out ``handle``, down to where it is made."""
        steps = [self.step(hop.site, hop.note) for hop in way_to_source(function, (handle.kind, handle.root))]
        if not steps or (steps[-1].path, steps[-1].line) != (handle.root[0], handle.root[1][0]):
            steps.append(self.step(handle.root, f"the {handle.kind} is made here"))
        return steps


def _at(below: list[tuple[ir.Span4, TraceStep]], span: ir.Span4) -> Iterator[TraceStep]:
    """What is told of calls in this place, or around it."""
    for at, step in dict.fromkeys(below):
        if (at[:2] <= span[:2] and span[2:] <= at[2:]) or (span[:2] <= at[:2] and at[2:] <= span[2:]):
            yield step


def _registered(listing: FileListing) -> Iterator[FunctionInfo]:
    return (f for f in listing.functions if f.registrations or f.wrappers)


def _routed(listing: FileListing) -> Iterator[FunctionInfo]:
    return (f for f in listing.functions if f.routes)
