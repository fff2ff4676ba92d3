"""The places where a program gets at its database, one by one, before they are judged and grouped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import CONNECTION, DRIVER, ENGINE, FACTORY, POOL, SESSION, Dependency, Param

Sort = Literal["make", "open", "obtain", "inject", "receive"]

_MAKES = (ENGINE, FACTORY, POOL)
_HANDED = (SESSION, CONNECTION, DRIVER)
_LEFT_OUT = ("test", "migration")


@dataclass(frozen=True, slots=True)
class Place:
    """One place: ``sort`` says what happens there.

    ``make``: an engine, factory or pool is created; ``open``: a session or connection is opened by hand;
    ``obtain``: ``source`` hands one out; ``inject``: FastAPI injects what ``source`` hands out; ``receive``:
    it arrives as an argument. ``handle`` is the kind of handle.
    """

    sort: Sort
    function: FunctionInfo
    span: ir.Span4
    handle: str
    method: str
    source: FunctionInfo | None = None
    #: where FastAPI is asked for what it injects
    asked: ir.Span4 | None = None

    @property
    def path(self) -> str:
        """The file."""
        return self.function.path


def all_places(program: Program) -> Iterator[Place]:
    """Every place outside tests and migrations, kind by kind."""
    for event in program.events("create", "obtain", "inject"):
        if program.role(event.function) not in _LEFT_OUT:
            yield from _of_event(program, event)
    for function in program.functions:
        if program.role(function) not in _LEFT_OUT:
            yield from _received(program, function)


def _of_event(program: Program, event: Event) -> Iterator[Place]:
    if event.kind == "inject":
        yield from _injected(program, event)
        return
    kinds = [kind for kind in (program.kind(atom) for atom in event.subject) if kind in (*_HANDED, *_MAKES)]
    if not kinds:
        return
    kind = next((k for k in _HANDED if k in kinds), kinds[0])
    in_session_module = program.policy.is_session_module(event.path)
    if event.kind == "obtain":
        # how the parts of a session module get at each other is its own affair
        if not in_session_module:
            yield Place("obtain", event.function, event.span, kind, f"`{event.name}()`", event.callee)
    elif event.name in _MAKES:
        yield Place("make", event.function, event.span, kind, f"`{event.text}`")
    elif event.name in _HANDED:
        method = f"`{event.text}`" if in_session_module else f"`{event.text}` called directly"
        yield Place("open", event.function, event.span, kind, method)


def _injected(program: Program, event: Event) -> Iterator[Place]:
    kinds = {program.kind(atom) for atom in event.subject}
    kind = next((k for k in (*_HANDED, FACTORY, ENGINE) if k in kinds), None)
    for atom in event.value:
        if kind is not None and isinstance(atom, Dependency):
            source = next(iter(program.targets(atom)), None)
            asked = atom.site[1] if atom.site[0] == event.path else None
            method = f"`Depends({_asked_for(atom, source)})`"
            yield Place("inject", event.function, event.span, kind, method, source, asked)


def _asked_for(dependency: Dependency, source: FunctionInfo | None) -> str:
    """The name of what a dependency calls; ``…`` for what is not known."""
    if source is not None:
        return source.name
    return next((a.name.removesuffix("()").rpartition(".")[2] for a in dependency.target if a.tag == "ext"), "…")


def _received(program: Program, function: FunctionInfo) -> Iterator[Place]:
    for name, _, _, _, span in function.params:
        if name not in function.dependencies and program.kind(Param(function, name)) == SESSION:
            yield Place("receive", function, span, SESSION, "session parameter")
