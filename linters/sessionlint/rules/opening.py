"""Where sessions, engines and connections come from: what the rules about opening them share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.alchemy_configs import BY_CONFIG
from sessionlint.program.entries import takes_session
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.reached import beside, reached_from
from sessionlint.program.values import Dependency, Ext, Handle, Injected, PartialCall, Value, contained
from sessionlint.report import Finding, Span, TraceStep
from sessionlint.rules.ownership import is_on_request
from sessionlint.rules.streamed import streamed_generators

if TYPE_CHECKING:
    from sessionlint.program.api import Program

Origin = Literal["approved", "unapproved", "unknown"]

#: Roles that receive their session and never open one.
RECEIVERS = frozenset({"endpoint", "router", "service", "model"})
_RANK = ("session", "connection", "driver connection", "factory", "engine", "driver pool")
#: So far objects are followed that hold one another.
_DEEP = 4
#: Where what is open is kept for those who read it.
_KEEPERS = frozenset({"context variable", "attribute"})
_ENTERS = frozenset({"__enter__", "__aenter__"})
_MADE_BY_CLASS = frozenset({"session", "driver connection", "connection"})


class Source(NamedTuple):
    """What a dependency hands out: the handle, and the project function behind it (``None``: a library's)."""

    kind: str
    function: FunctionInfo | None
    handle: Handle | None
    origin: Origin


def shown(source: FunctionInfo) -> str:
    """A function by its name, one in a function by that of both, what makes or calls an object by that of its class."""
    if source.class_info is not None and source.name in ("__init__", "__call__"):
        return f"{source.class_info.name}()"
    around = source.parent.name if source.parent is not None else "<module>"
    return source.called if around.startswith("<") else f"{source.called} of {around}()"


def text(event: Event) -> str:
    """The call as written, or the callee's name when the event stands for a hidden call."""
    written = ir.text_of(event.expr) if event.expr is not None and event.expr[0] != "z" else ""
    if written and written != "…" and not written.startswith("…("):
        return written
    # nobody writes what a ``with`` calls
    entered = event.callee.class_info if event.callee is not None and event.name in _ENTERS else None
    return f"{event.name}()" if entered is None else f"{entered.name}(…)"


def approved_openers(program: Program) -> frozenset[FunctionInfo]:
    """The functions of ``session-dependencies`` and ``session-contexts``."""
    return program.approved_dependencies | program.approved_contexts


def is_approved(program: Program, function: FunctionInfo) -> bool:
    """Whether a function, or the one it is nested in, is one of the approved ways."""
    current: FunctionInfo | None = function
    approved = approved_openers(program)
    while current is not None:
        if current in approved:
            return True
        current = current.parent
    return False


def approved_by_policy(program: Program, factory: Any) -> bool:
    """Whether the policy itself names this session factory as a context, or a library opens its own sessions by it."""
    if not isinstance(factory, Handle):
        named = factory.name if isinstance(factory, Ext) else ""
        return named in knowledge.SESSION_OPENERS or named in program.policy.session_contexts
    return factory.root in _named_factories(program)


def opens_directly(program: Program, event: Event) -> bool:
    """Whether a ``create`` makes a session past what the policy names: TXN101 tells it."""
    if event.name != "session" or (event.value and all(approved_by_policy(program, atom) for atom in event.value)):
        return False
    return BY_CONFIG not in event.flags  # the context manager of a configuration is told where that is made


def named_openers(program: Program) -> frozenset[Any]:
    """Where sessions are opened by functions of libraries that the policy names: nobody sees whether they commit."""
    named = set(program.policy.session_contexts).difference(knowledge.SESSION_OPENERS)
    events = program.events("create") if named else ()
    return frozenset(e.site for e in events if any(isinstance(a, Ext) and a.name in named for a in e.value))


def _named_factories(program: Program) -> set[Any]:
    found: set[Any] = set()
    for name in program.policy.session_contexts:
        module, _, member = name.rpartition(".")
        path = program.solver.names.path_of(module)
        if path is not None and path in program.solver.modules:
            value = program.solver.peek(("name", path, member))
            found.update(a.root for a in value if isinstance(a, Handle) and a.kind == "factory")
    return found


def opened_by_config(program: Program, event: Event) -> bool:
    """Whether the context manager opens a session here that a configuration of the session module has for that."""
    if BY_CONFIG not in event.flags:
        return False
    return all(isinstance(a, Handle) and program.in_session_module(a.root) for a in event.value)


def _is_opened_by_config(program: Program, function: FunctionInfo, handle: Handle) -> bool:
    made = (e for e in function.events if e.kind == "create" and handle in e.subject)
    return any(opened_by_config(program, e) for e in made)


def origin_of(program: Program, function: FunctionInfo, handle: Handle, contexts: bool = True) -> Origin:
    """Whether what ``function`` hands out comes through an approved way, however many hops away.

    Without ``session-contexts`` (``session-dependencies`` for ``contexts=False``) what a session module hands out
    cannot be judged.
    """
    # what an approved way hands out to be called is part of it
    if any(is_approved(program, f) for f in way(function, handle)) or reads_kept(program, function, handle):
        return "approved"
    if _is_opened_by_config(program, way(function, handle)[-1], handle):
        return "approved"
    # a registry is asked for its session wherever that may be
    asked = handle.registry and handle.kind == "session"
    if program.in_session_module(way(function, handle)[-1].site if asked else handle.root):
        stated = program.policy.session_contexts if contexts else program.policy.session_dependencies
        return "unapproved" if stated else "unknown"
    return "unapproved"


def way(function: FunctionInfo, handle: Handle) -> list[FunctionInfo]:
    """The functions through which a handle gets to who calls the first of them."""
    key = (handle.kind, handle.root)
    found: dict[FunctionInfo, None] = {}
    current: FunctionInfo | None = function
    while current is not None and current not in found:
        found[current] = None
        hop = current.summary.sources.get(key)
        current = hop.callee if hop is not None else None
    return list(found)


def reads_kept(program: Program, function: FunctionInfo, handle: Handle) -> bool:
    """Whether a function opens nothing, but reads where an approved way keeps the session that is open."""
    kept = program.shared(_kept_by_approved)
    if not kept:
        return False
    hops_down = way(function, handle)
    last = hops_down[-1]
    # the caller may know by another name what is handed out there
    found = [
        a for a in last.summary.returns if isinstance(a, Handle) and (a.kind, a.root) == (handle.kind, handle.root)
    ]
    # what others put into the session module's own variable is told where they open it, not where it is read
    beside = program.in_session_module(last.site) and not kept.isdisjoint(last.summary.returns)
    if handle not in kept and not beside and (not found or any(a not in kept for a in found)):
        return False
    return not any(is_approved(program, f) for f in hops_down) and not any(_opens(last, a) for a in (handle, *found))


def _kept_by_approved(program: Program) -> frozenset[Handle]:
    """The sessions that context variables, objects and requests keep, put there by an approved way or its user."""
    stores = [e for e in program.events("store") if e.name in _KEEPERS or is_on_request(e)]
    kept = [(e.function, a) for e in stores for a in e.subject]
    return frozenset(
        a for keeper, a in kept if isinstance(a, Handle) and any(is_approved(program, f) for f in way(keeper, a))
    )


def _opens(function: FunctionInfo, handle: Handle) -> bool:
    """Whether a function opens the handle, or gets it from who does, and does not just read where it is kept."""
    return any(e.kind in ("create", "obtain") and handle in e.subject for e in function.events)


def main_handle(handles: Value) -> Handle | None:
    """The handle a message names: a session before a connection before what they are made from."""
    found = [a for a in handles if isinstance(a, Handle) and a.kind in _RANK]
    return min(found, key=lambda h: _RANK.index(h.kind), default=None)


def sources(program: Program, dependency: Dependency) -> Iterator[Source]:
    """The database handles ``Depends(…)`` delivers, one per function (or class, or factory) behind it."""
    for atom in _unwrapped(dependency.target):
        kind = program.kind(atom)
        if kind == "factory":
            yield Source("session", None, atom if isinstance(atom, Handle) else None, "unapproved")
        elif atom.tag == "ext" and "()" not in atom.name:
            made = program.solver.kind_of(atom._replace(name=f"{atom.name}()"))
            if made in _MADE_BY_CLASS:
                yield Source(made, None, None, "unapproved")
    for function in program.targets(dependency):
        found = _handed_out(program, function, 0)
        if found is not None:
            yield found


def _unwrapped(target: Value) -> Value:
    """What ``partial(factory, …)``, or a container's provider of one, calls in the end."""
    called = (a.function if isinstance(a, PartialCall) else (a,) for a in target)
    return tuple(atom for value in called for atom in value)


def _handed_out(program: Program, function: FunctionInfo, depth: int) -> Source | None:
    summary = function.summary
    value = summary.yields if function.is_generator else summary.returns
    if function in approved_openers(program):
        return Source("session", function, None, "approved")
    for atom in value:
        if isinstance(atom, Injected) and depth < 6:
            inner = getattr(atom.source, "info", None)
            found = _handed_out(program, inner, depth + 1) if isinstance(inner, FunctionInfo) else None
            if found is not None:
                return found._replace(function=function)
    handle = main_handle(tuple(a for a in value if getattr(a, "parent", None) is None))
    if handle is None:
        return None
    return Source(handle.kind, function, handle, origin_of(program, function, handle, contexts=False))


def holders(program: Program, dependency: Dependency) -> Iterator[FunctionInfo]:
    """The functions behind a dependency that open an approved session and hand out an object that works with it."""
    for function, handle in held_sessions(program, dependency):
        if origin_of(program, function, handle) == "approved":
            yield function


def held_sessions(program: Program, dependency: Dependency) -> Iterator[tuple[FunctionInfo, Handle]]:
    """The functions behind a dependency that hand out an object with a session they have opened, and that session."""
    pending = program.targets(dependency)
    seen: set[FunctionInfo] = set()
    while pending:
        function = pending.pop()
        if function in seen or function in approved_openers(program):
            continue
        seen.add(function)
        value = function.summary.yields if function.is_generator else function.summary.returns
        yield from ((function, handle) for handle in held_in(function, value))
        inner = (getattr(a.source, "info", None) for a in value if isinstance(a, Injected))
        pending += [info for info in inner if isinstance(info, FunctionInfo)]


def held_in(function: FunctionInfo, value: Value, depth: int = 0) -> Iterator[Handle]:
    """The sessions in the objects of a value that the function itself, or what it calls, has opened."""
    for atom in value:
        if isinstance(atom, Handle) and depth and atom.kind == "session":
            yield from (atom,) if (atom.kind, atom.root) in function.summary.sources else ()
        elif atom.tag == "inst" and depth < _DEEP:
            for _, bound in atom.bindings:
                yield from held_in(function, bound, depth + 1)


def named(kind: str) -> str:
    """The kind of handle with its article."""
    return f"an {kind}" if kind[0] in "ae" else f"a {kind}"


def hops(program: Program, event: Event, handle: Handle) -> list[TraceStep]:
    """From the call in ``event`` down to the place where the handle is made."""
    return [] if event.callee is None else program.source_trace(event.callee, handle)


def made_at(program: Program, value: Value) -> list[TraceStep]:
    """Where the factory, engine or pool that is called here was made."""
    return [
        program.step(atom.root, f"the {atom.kind} is made here")
        for atom in contained(value)
        if isinstance(atom, Handle) and atom.kind in ("factory", "engine", "driver pool")
    ]


def outlives_request(program: Program, function: FunctionInfo) -> bool:
    """Work for which the request's session is no good: authentication before it, streams and sockets long after it."""
    if function.routes:
        return _is_socket(function)
    if function in program.dependency_functions or function in program.shared(_of_sockets):
        return True
    if not function.is_generator or function.is_context_manager:
        return False
    return program.role(function) not in ("service", "model") or function in streamed_generators(program)


def _is_socket(function: FunctionInfo) -> bool:
    return all(route.method.startswith("websocket") for route in function.routes)


def _of_sockets(program: Program) -> frozenset[FunctionInfo]:
    """What websocket endpoints alone call in their files: nobody has a session at hand to give it."""
    sockets = [f for f in program.functions if f.routes and _is_socket(f)]
    helpers = reached_from(program, sockets, beside(program)) if sockets else ()
    return frozenset(f for f in helpers if not takes_session(program, f))


def once(findings: Iterator[Finding]) -> Iterator[Finding]:
    """One finding per place, though several functions may be what is called there."""
    told: set[Span] = set()
    for finding in findings:
        if finding.span not in told:
            told.add(finding.span)
            yield finding


class Injection(NamedTuple):
    """One place that asks for a dependency: the parameter, or the ``Depends(…)`` call itself."""

    function: FunctionInfo
    span: ir.Span4
    dependency: Dependency


def injections(program: Program) -> Iterator[Injection]:
    """Every place that asks for a dependency, lists of ``dependencies=[…]`` included.

    An ``Annotated`` alias is asked for by the parameters that use it, not where it is defined.
    """
    for event in program.events("inject"):
        for atom in event.value:
            if isinstance(atom, Dependency):
                path, span = atom.site
                here = path == event.path and _within(span, event.function.span)
                yield Injection(event.function, span if here else event.span, atom)
    listed = program.shared(_listed)
    for module in program.modules if listed else ():
        for dependency in listed.get(module.path, ()):
            yield Injection(module.body, dependency.site[1], dependency)


def _listed(program: Program) -> dict[str, list[Dependency]]:
    """What routes and routers list as their ``dependencies``, by the file in which the list stands."""
    listed = [d for f in program.functions for r in f.routes for d in program.dependencies_in(r.dependencies)]
    for entry in program.solver.routers.values():
        listed += program.dependencies_in(entry.get("dependencies", ()))
    found: dict[str, list[Dependency]] = {}
    for dependency in dict.fromkeys(listed):
        found.setdefault(dependency.site[0], []).append(dependency)
    return found


def _within(span: ir.Span4, outer: ir.Span4) -> bool:
    return (outer[0], outer[1]) <= (span[0], span[1]) and (span[2], span[3]) <= (outer[2], outer[3])
