"""FastAPI's ``Depends``: what is injected, the same object all over a request."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import external_sources, from_requests, handed_dependencies, injected_makers, promising, stubs
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import (
    FACTORY,
    SESSION,
    UNKNOWN,
    Annotation,
    Dependency,
    Handle,
    Injected,
    Inst,
    Pending,
    Site,
    Value,
    join,
)

#: Bases that give a class no methods a session has.
_DECLARING = ("builtins.object", "typing.", "typing_extensions.", "abc.")


def inject(
    frame: Frame, info: FunctionInfo | None, name: str, dependency: Dependency, declared: Value, span: ir.Span4
) -> tuple[Value, Dependency]:
    """Works out what parameter ``name`` receives, and from what; the result goes to the cell of the injected object."""
    dependency = handed_dependencies.asked_for(frame, dependency)
    target = dependency.target
    if not target and not dependency.given:
        target = tuple(a for d in declared for a in (d.type if isinstance(d, Annotation) else (d,)))
        dependency = dependency._replace(target=target)
    from_requests.asked(frame, target)
    others = stubs.instead(frame, dependency)
    if others and stubs.is_stub(frame, dependency):
        dependency, others = dependency._replace(target=others), UNKNOWN
    if info is not None:
        info.dependencies[name] = dependency
        info.resigned()
    source: Any = target[0] if target else dependency.site
    if not dependency.cached:
        source = (source, dependency.site)
    elif dependency.scope == "function":
        # FastAPI caches per scope: the request-scoped object is another one
        source = (source, "function")
    # called as if it were here, also where another module says ``Annotated[Unit, Depends(…)]``
    site = frame.site(dependency.site[1])
    result = tuple(of_every_request(atom, site) for atom in resolve(frame, dependency))
    if others:
        replaced = resolve(frame, dependency._replace(target=others))
        result = join(result, tuple(of_every_request(atom, site) for atom in replaced))
    typed = frame.solver.instances(declared)
    external_sources.note(frame, target, typed)
    known = any(frame.solver.kind_of(a) or _is_plain(frame, a) for a in result)
    known = known or not (promising.says_nothing(result) or any(frame.solver.kind_of(a) for a in typed))
    frame.solver.write(("injected", source), result if result and known else join(result, typed))
    injected = _handed_on(frame, target, result) or Injected(source)
    if info is None:
        held = "handle" if frame.solver.kind_of(injected) else ""
        frame.emit("inject", span, name=name, value=(dependency,), subject=(injected,), text=held)
    return (injected,), dependency


def _handed_on(frame: Frame, target: Value, result: Value) -> Injected | Handle | None:
    """The session that a dependency is injected itself and gives as it is: who asks for that has the same one.

    One that begins or ends its transaction stands for what it makes of it. A scoped registry is the one of its place,
    whoever gives it.
    """
    if len(result) != 1 or len(target) != 1 or target[0].tag != "fn":
        return None
    given = result[0]
    if isinstance(given, Handle) and given.registry and given.kind == FACTORY:
        return given
    if not isinstance(given, Injected) or frame.solver.kind_of(given) != SESSION:
        return None
    summary = frame.solver.summary_of(target[0].info)
    ends = any(effect.kind == "txn" for effect in summary.effects) or summary.yield_transactions
    return None if ends else given


def _is_plain(frame: Frame, atom: Any) -> bool:
    """Whether an object is of a class that is all the project's own: no annotation makes a session of it."""
    if atom.tag != "inst" or frame.solver.method(atom.info, "__getattr__") is not None:
        return False
    return all(b.startswith(_DECLARING) for b in frame.solver.external_bases(atom.info))


def of_every_request(atom: Any, site: Site) -> Any:
    """What is injected, without the place that asks for it: all who ask mean the same object."""
    if isinstance(atom, Handle):
        return atom._replace(site=atom.root) if atom.site == site else atom
    if isinstance(atom, Inst):
        bindings = tuple((key, tuple(of_every_request(a, site) for a in value)) for key, value in atom.bindings)
        return atom._replace(bindings=bindings)
    return atom


def resolve(frame: Frame, dependency: Dependency, passed: tuple[tuple[str, Value], ...] = ()) -> Value:
    """What calling the dependency gives, generators and coroutines run; ``passed`` by who calls it."""
    out: Value = UNKNOWN
    for target in dependency.target:
        at = ("z", dependency.site[1], ())
        if target.tag == "ext" and not target.name.endswith("()"):
            continue
        saved_events, saved_effects = len(frame.events), dict(frame.effects)
        saved_sources, flags = dict(frame.sources), frame.flags
        frame.flags = []
        for atom in frame.machine.call(frame, target, [], injected_makers.filled(frame, target, list(passed)), at):
            if isinstance(atom, Pending):
                out = join(out, frame.machine.run_pending(frame, atom, dependency.site[1], at))
            else:
                out = join(out, (atom,))
        # FastAPI calls it, not this function: nothing of it happens here
        del frame.events[saved_events:]
        frame.effects, frame.sources, frame.flags = saved_effects, saved_sources, flags
    return out


def listed(dependencies: Value) -> list[Dependency]:
    """The dependencies in a ``dependencies=[…]`` argument."""
    found: list[Dependency] = []
    for atom in dependencies:
        if atom.tag == "seq":
            for item in atom.items:
                found.extend(listed(item))
        elif isinstance(atom, Dependency):
            found.append(atom)
    return found
