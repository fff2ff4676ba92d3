"""Providers of dependency-injector: what one gives is passed wherever another one names it.

``Factory(Orders, session=session)`` in a container calls ``session``, itself a provider, for each ``Orders`` it makes.
A container inside another one is told what its own ``Dependency()`` and ``DependenciesContainer()`` stand for where
``Container(Inner, session=session)`` makes it.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import dependencies, knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.values import (
    CONNECTION,
    DRIVER,
    FACTORY,
    SESSION,
    UNKNOWN,
    Dependency,
    Ext,
    Injected,
    PartialCall,
    Value,
    join,
    join_all,
)

Keywords = list[tuple[str, Value]]
LIBRARY = "dependency_injector.providers."
#: Those that call what they are given.
PROVIDERS = frozenset({
    f"{LIBRARY}{name}" for name in (
        "Factory", "Singleton", "Callable", "Coroutine", "Resource", "ThreadLocalSingleton", "ContextLocalSingleton",
        "ThreadSafeSingleton", "Container",
    )
})  # fmt: skip
_CONTAINER = f"{LIBRARY}Container"
#: What a container is told by the one around it.
_PLACES = (f"{LIBRARY}Dependency()", f"{LIBRARY}DependenciesContainer()")
_MAKERS = (knowledge.ENGINE_MAKERS, knowledge.FACTORY_MAKERS, knowledge.SESSION_CLASSES)
_HANDED = (SESSION, CONNECTION, DRIVER)
_MADE: Value = (Ext(knowledge.DECLARED_CALL),)


def provider(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Singleton(create_async_engine, url)``: a container that is asked for it makes it here."""
    written = _written(e)
    named = [(key, _told(frame, value, written.get(key))) for key, value in keywords]
    if name == _CONTAINER:
        return _inner(frame, args[0] if args else UNKNOWN, named)
    passed = [_passed(frame, _told(frame, v, written.get(i)), e) for i, v in enumerate(args) if i > 0]
    named = [(key, _passed(frame, value, e)) for key, value in named]
    made: Value = UNKNOWN
    opened: Value = UNKNOWN
    for target in args[0] if args else UNKNOWN:
        if target.tag == "ext" and any(target.name in makers for makers in _MAKERS):
            handed = frame.machine.call(frame, target, passed, named, e)
            if target.name in knowledge.SESSION_CLASSES:
                # each who asks for a session gets another
                opened = join(opened, handed)
            else:
                made = join(made, handed)
        elif frame.solver.kind_of(target) == FACTORY:
            opened = join(opened, frame.machine.call(frame, target, [], named, e))
    if made:
        return (PartialCall(_MADE, (made,), ()),)
    result = PartialCall(args[0] if args else UNKNOWN, tuple(passed), tuple(named))
    if opened:
        frame.solver.write(("opened by provider", result), opened)
    for target in result.function:
        if target.tag == "fn":
            frame.solver.want(target.info)
    return (result,)


def _written(e: ir.Expr) -> dict[Any, ir.Expr]:
    """The expressions of a call's arguments, by place and by name."""
    if e[0] != "c":
        return {}
    found: dict[Any, ir.Expr] = dict(enumerate(e[3]))
    found.update((key, value) for key, value in e[4] if key is not None)
    return found


def _told(frame: Frame, value: Value, expr: ir.Expr | None) -> Value:
    """What the container around says that a ``Dependency()`` of this one is, or a part of its containers."""
    scope = frame.class_scope
    if scope is None or expr is None or not any(a.tag == "ext" and a.name.startswith(_PLACES) for a in value):
        return value
    if expr[0] == "n":
        return frame.solver.read(("told by container", scope, expr[2])) or value
    if expr[0] != "a" or expr[2][0] != "n":
        return value
    containers = frame.solver.read(("told by container", scope, expr[2][2]))
    return join_all([frame.solver.attribute(a.info, expr[3]) for a in containers if a.tag == "cls"]) or value


def _inner(frame: Frame, containers: Value, named: Keywords) -> Value:
    """``Container(Inner, session=session)``: as good as the class, which is told what it needs."""
    for container in containers:
        for key, value in named if container.tag == "cls" else ():
            frame.solver.write(("told by container", container.info, key), value)
    return containers


def _passed(frame: Frame, value: Value, e: ir.Expr) -> Value:
    """What a container passes for an argument: of a provider, what that gives."""
    out: Value = UNKNOWN
    for atom in value:
        if not isinstance(atom, PartialCall):
            out = join(out, (atom,))
        elif atom.function == _MADE:
            out = join(out, atom.args[0])
        else:
            out = join(out, _given(frame, atom, e))
    return out


def _given(frame: Frame, provider: PartialCall, e: ir.Expr) -> Value:
    """What a provider gives; a session is the same for all to whom it is passed on."""
    site = frame.site(e[1])
    given = frame.solver.read(("opened by provider", provider))
    source: Any = (provider, site) if given else provider
    if not given:
        made = dependencies.resolve(frame, Dependency((provider,), site))
        given = tuple([dependencies.of_every_request(a, site) for a in made])
    if not any(frame.solver.kind_of(a) in _HANDED for a in given):
        return given or (provider,)
    frame.solver.write(("injected", source), given)
    return (Injected(source),)
