"""What listeners put among the arguments of a connection before an engine connects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.hooking import CONNECTING, LISTEN
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import UNKNOWN, Handle, Map, Param, Site, Value, literal, merge_maps

#: Dialect, record of the pool, positional and named arguments of the driver.
_RECEIVED = 4
#: An assignment inside of what stands among the arguments, or is put there first: the one that is a dictionary.
_INNER = r"{name}(?:\['(\w+)'\]|\.setdefault\(…\))\["
_DICTIONARY = "server_settings"
#: What an assignment under a key that is no literal is said to be under.
_UNKNOWN_KEY = "None"


class _Hook(NamedTuple):
    """What one listener adds; ``engines`` are the places where its engines are made, ``None``: any engine.

    ``known``: it does nothing else to the arguments, and leaves connecting to the driver.
    """

    engines: frozenset[Site] | None
    added: Map
    known: bool


def hooked(program: Program, engines: frozenset[Site], given: tuple[Map, ...]) -> tuple[tuple[Map, ...], bool]:
    """The arguments an engine connects with once its listeners were called, and whether they are all known."""
    known = True
    for hook in program.shared(_hooks):
        if hook.engines is None or not hook.engines.isdisjoint(engines):
            before = given or (Map((), False),)
            given = tuple(merge_maps(each if hook.known else _open(each), hook.added) for each in before)
            known = known and hook.known
    return given, known


def _open(given: Map) -> Map:
    """Arguments that something may put others in the place of: what is written for them is not what counts."""
    return given._replace(items=tuple((k, UNKNOWN if all(a.tag == "const" for a in v) else v) for k, v in given.items))


def put_by_listeners(program: Program) -> Iterator[tuple[Event, str]]:
    """What listeners assign among the arguments of a connection, and the key that stands first there."""
    for event in _listening(program):
        for atom in event.args[2]:
            name = _arguments_of(atom) if atom.tag == "fn" else None
            if name is None:
                continue
            for put in _put(atom.info, name):
                yield put, put.name
            inner = re.compile(_INNER.format(name=re.escape(name)))
            for put in atom.info.events:
                found = inner.match(put.text) if put.kind == "setitem" else None
                if found is not None:
                    yield put, found[1] or _DICTIONARY


def _put(function: FunctionInfo, name: str) -> list[Event]:
    """The assignments under a key of a parameter."""
    param = Param(function, name)
    return [e for e in function.events if e.kind == "setitem" and param in e.subject and e.name]


def _arguments_of(atom: Any) -> str | None:
    """The parameter of a listener that receives the driver's named arguments."""
    params = atom.info.params
    return str(params[-1][0]) if len(params) == _RECEIVED + (atom.receiver is not None) else None


def _listening(program: Program) -> list[Event]:
    listening = (e for e in program.events("external") if e.name == LISTEN and len(e.args) > 2)
    return [e for e in listening if literal(e.args[1]) == CONNECTING]


def _hooks(program: Program) -> tuple[_Hook, ...]:
    return tuple(hook for e in _listening(program) for hook in _read(program, e))


def _read(program: Program, event: Event) -> Iterator[_Hook]:
    engines = _engines(program, event.args[0])
    functions = [a for a in event.args[2] if a.tag == "fn"]
    if not functions or event.keywords:
        yield _Hook(engines, Map((), True), False)
        return
    for atom in functions:
        function = atom.info
        name = _arguments_of(atom)
        if name is None:
            yield _Hook(engines, Map((), True), False)
            continue
        named = [e for e in _put(function, name) if e.name != _UNKNOWN_KEY]
        told = _mentions(ir.body_of(function.facts), name) == len({e.span for e in named}) and not _connects(function)
        yield _Hook(engines, Map(tuple((e.name, e.value) for e in named), False), told)


def _engines(program: Program, targets: Value) -> frozenset[Site] | None:
    """Where the engines are made that are listened to; ``None`` when it may be any."""
    told: list[Any] = []
    for atom in targets:
        told.extend(program.solver.arguments_of(atom) if atom.tag == "param" else (atom,))
    if not told or any(not isinstance(a, Handle) for a in told if a.tag != "param"):
        return None
    return frozenset(a.root for a in told if isinstance(a, Handle))


def _mentions(node: tuple[Any, ...], name: str) -> int:
    """How often a name stands in some statements."""
    if len(node) == 3 and node[0] == "n" and node[2] == name:
        return 1
    return sum(_mentions(child, name) for child in node if type(child) is tuple and child)


def _connects(function: FunctionInfo) -> bool:
    """Whether a listener returns something: that is the connection then."""
    return any(e.kind == "return" and e.expr is not None for e in function.events)
