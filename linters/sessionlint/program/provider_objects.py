"""Providers that stand in the body of a container, and are called later: dependency-injector, that-depends, modern-di.

A provider that is an argument of another is called for it. Where it keeps what it has made (a singleton, a resource),
all who ask have the same object, as they have with what FastAPI injects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import dependencies, knowledge, wiring
from sessionlint.program.frame import Frame
from sessionlint.program.library_functions import SPECIAL
from sessionlint.program.values import (
    FACTORY,
    SESSION,
    UNKNOWN,
    Const,
    Dependency,
    Ext,
    Injected,
    PartialCall,
    Value,
    contained,
    join,
)

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

Keywords = list[tuple[str, Value]]
_BY_KEYWORD = "modern_di.providers."
MODULES = ("dependency_injector.providers.", "that_depends.providers.", _BY_KEYWORD)
KINDS = (
    ".Factory", ".Singleton", ".Callable", ".Coroutine", ".Resource", ".ThreadLocalSingleton", ".ContextLocalSingleton",
    ".ContextResource", ".AsyncFactory", ".AsyncSingleton",
)  # fmt: skip
_KEEPING = ("Singleton", ".Resource", ".ContextResource")
#: What stands in a container for what a provider gives, before it gives it.
_GIVEN = ("provided", "cast")
_MADE_BY_CONTAINERS = (knowledge.ENGINE_MAKERS, knowledge.FACTORY_MAKERS, knowledge.SESSION_CLASSES)
#: What a provider of modern-di is told about itself.
_OPTIONS = frozenset({"scope", "creator", "kwargs", "bound_type", "cache_settings", "skip_creator_parsing"})
#: The cell that says of a partial call that it is a provider, and whether it keeps what it makes.
_PROVIDER = "provider"
_KEEPS: Value = (Const("keeps", "mark"),)
_MAKES: Value = (Const("makes", "mark"),)
_DECLARED: Value = (Ext(knowledge.DECLARED_CALL),)


def made(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``providers.Singleton(create_async_engine, url)``: a container that is asked for it makes it here."""
    if name.startswith(_BY_KEYWORD):
        args, keywords = _in_order(args, keywords)
    else:
        args, keywords = wiring.told(frame, args, keywords, e)
    given = [*args[:1], *(_provided(frame, value, e) for value in args[1:])]
    named = [(key, _provided(frame, value, e)) for key, value in keywords]
    found: Value = UNKNOWN
    for target in args[0] if args else UNKNOWN:
        if target.tag == "ext" and any(target.name in makers for makers in _MADE_BY_CONTAINERS):
            handed = frame.machine.call(frame, target, given[1:], named, e)
            # each who asks for a session gets another
            found = found if target.name in knowledge.SESSION_CLASSES else join(found, handed)
        elif frame.solver.kind_of(target) == FACTORY:
            frame.machine.call(frame, target, [], named, e)
    if found:
        return (PartialCall(_DECLARED, (found,), ()),)
    provider = SPECIAL["functools.partial"](frame, given, named, e)
    for atom in provider:
        # who asks for it may be out of sight; what it passes is not
        given_out = dependencies.resolve(frame, _asking(frame, atom, e))
        if name.endswith(_KEEPING):
            site = frame.site(e[1])
            kept = tuple([dependencies.of_every_request(a, site) for a in given_out])
            frame.solver.write(("injected", atom), kept)
            frame.solver.write((_PROVIDER, atom), _KEEPS)
        else:
            frame.solver.write((_PROVIDER, atom), _MAKES)
    return provider


def makes_anew(solver: Solver, provider: Any) -> bool:
    """Whether something is a provider whose objects nobody else is given."""
    return bool(provider.tag == "partial" and solver.peek((_PROVIDER, provider)) == _MAKES)


def _in_order(args: list[Value], keywords: Keywords) -> tuple[list[Value], Keywords]:
    """``Factory(creator=create_async_engine, kwargs={"url": url})`` of modern-di, as others write it."""
    named = dict(keywords)
    creator = named.get("creator", UNKNOWN)
    given = args if creator else args[1:]  # behind the scope
    passed = [(k, v) for k, v in keywords if k not in _OPTIONS]
    passed += [(k, v) for a in named.get("kwargs", UNKNOWN) if a.tag == "map" for k, v in a.items if isinstance(k, str)]
    return ([creator, *given] if creator else given), passed


def _asking(frame: Frame, provider: PartialCall, e: ir.Expr) -> Dependency:
    return Dependency((provider,), frame.site(e[1]))


def _provided(frame: Frame, value: Value, e: ir.Expr) -> Value:
    """What a container passes for an argument that is another provider: what that one gives."""
    out: Value = UNKNOWN
    for atom in value:
        if not isinstance(atom, PartialCall):
            out = join(out, (atom,))
        elif atom.function == _DECLARED:
            out = join(out, atom.args[0])
        elif (provider := frame.solver.read((_PROVIDER, atom))) == _KEEPS:
            out = join(out, (Injected(atom),))
        elif not provider:
            out = join(out, (atom,))
        else:
            given = dependencies.resolve(frame, _asking(frame, atom, e))
            # a session that is made anew each time is opened by who asks, not here
            opens = any(frame.solver.kind_of(a) == SESSION for a in contained(given) if a.tag == "handle")
            out = join(out, given if given and not opens else (atom,))
    return out


def attribute(frame: Frame, provider: PartialCall, name: str, e: ir.Expr) -> Value:
    """``db.provided`` in a container is what ``db`` gives, for an attribute or method of it to be passed on."""
    if name in _GIVEN and frame.solver.read((_PROVIDER, provider)):
        return _provided(frame, (provider,), e)
    return UNKNOWN
