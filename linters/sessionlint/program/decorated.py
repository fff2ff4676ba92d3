"""Decorators: what the functions that one decorator wraps are given is kept apart.

A decorator's inner function has one cell for what it is given, whichever function it stands for. What came in that
way goes on to each of these as what *its* callers pass, and never as what those of another one do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import MAX_DEPTH, Cls, Fn, Inst, Map, Param, Seq, Value, contained

_STARRED = (ir.KIND_VARARGS, ir.KIND_KWARGS)
_BY_POSITION = (ir.KIND_POSONLY, ir.KIND_NORMAL)
#: The cell that says of an inner function that it looks into its starred arguments.
PLACES = "places"
#: What says the same whoever passes it.
_PLAIN = frozenset({"const", "text"})


def as_given(frame: Frame, function: FunctionInfo, bindings: dict[Any, Value]) -> dict[Any, Value]:
    """The arguments of a function in a call by its decorator's inner function, which ``frame`` evaluates."""
    received = _received(frame.function, _cells(frame.solver.read, frame.function))
    if not received:
        return bindings
    starred = {identity(function, name) for name, kind, *_ in function.params if kind in _STARRED}
    found: dict[Any, Value] = {}
    for key, value in bindings.items():
        own = _without(value, received)
        # what its own callers pass, who are asked where they call it
        found[key] = value if own == value else own if key in starred or key.tag != "param" else (key, *own)
    return found


def declare(frame: Frame, function: FunctionInfo) -> None:
    """Decorators that pick a session from ``*args`` or ``**kwargs`` get the one that the function is declared to take.

    Or the object whose method it is, which may keep one. Whether a caller is in sight or not: what the inner function
    does with it, it does to what the function is passed.
    """
    named = {name: identity(function, name) for name, *_ in function.params if name in function.param_values}
    is_method = function.class_info is not None and not function.is_staticmethod
    if not is_method and not any(frame.solver.kind_of(atom) for atom in named.values()):
        return
    for wrapper in function.wrappers:
        starred = {kind: name for name, kind, *_ in wrapper.params if kind in _STARRED}
        if not starred or not picks(wrapper, frozenset(starred.values())):
            continue
        frame.solver.write((PLACES, wrapper), (Fn(wrapper),))
        for kind, name in starred.items():
            if kind == ir.KIND_KWARGS:
                keys = tuple((n, (atom,)) for n, atom in named.items())
                frame.solver.flow(wrapper, name, (Map(keys, True),))
            else:
                frame.solver.flow(wrapper, name, (_positional(wrapper, function, named),))


def _positional(wrapper: FunctionInfo, function: FunctionInfo, named: dict[str, Any]) -> Seq:
    """What a call of the function has by position, behind what the inner function takes of it by name."""
    own = [name for name, kind, *_ in wrapper.params if kind in _BY_POSITION]
    taken = [name for name, kind, *_ in function.params if kind in _BY_POSITION]
    items: list[Value] = [(named[name],) if name in named else () for name in taken]
    if function.class_info is not None and not function.is_staticmethod and items:
        items[0] = (Cls(function.class_info),) if function.is_classmethod else (Inst(function.class_info),)
    return Seq(tuple(items[len(own) :]))


def picks(wrapper: FunctionInfo, names: frozenset[str]) -> bool:
    """Whether a function looks into its starred arguments: all that others do is to pass them on."""
    pending: list[Any] = [wrapper.body]
    while pending:
        node = pending.pop()
        if len(node) > 3 and node[0] == "i" and node[2][0] == "n" and node[2][2] in names:
            return True
        if len(node) > 3 and node[0] == "a" and node[2][0] == "n" and node[2][2] in names:
            return True
        pending += [child for child in node if type(child) is tuple and child]
    return False


def is_anothers(frame: Frame, function: FunctionInfo, subject: Any, given: Iterable[Value]) -> bool:
    """Whether a function has ``subject`` in its starred arguments, and from another call than the one that gave these.

    Who reads it is not told when these grow: what is the subject of an effect was among them before.
    """
    if not any(subject in tuple(contained(value)) for value in _cells(frame.solver.peek, function)):
        return False
    return not any(subject in tuple(contained(value)) for value in given)


def _cells(read: Any, wrapper: FunctionInfo) -> list[Value]:
    return [read(("param", wrapper, name)) for name, kind, *_ in wrapper.params if kind in _STARRED]


def _received(wrapper: FunctionInfo, cells: list[Value]) -> frozenset[Any]:
    """What an inner function has from its callers: starred arguments, and parameters of which nothing is declared."""
    names = [name for name, kind, *_ in wrapper.params if kind not in _STARRED]
    undeclared = (n for n in names if not any(wrapper.param_values.get(n, ())))
    passed = (a for value in cells for a in contained(value) if a.tag not in _PLAIN)
    return frozenset((*passed, *(Param(wrapper, n) for n in undeclared)))


def _without(value: Value, received: frozenset[Any], depth: int = MAX_DEPTH) -> Value:
    """A value without what was received, in lists and dictionaries too."""
    kept: list[Any] = []
    for atom in value:
        if atom.tag == "seq" and depth:
            items = tuple(_without(i, received, depth - 1) for i in atom.items)
            if any(items) or not atom.items:
                kept.append(atom if items == atom.items else Seq(items, atom.many))
        elif atom.tag == "map" and depth:
            pairs = tuple((k, _without(v, received, depth - 1)) for k, v in atom.items)
            kept.append(atom if pairs == atom.items else Map(pairs, True, atom.site, atom.whole))
        elif atom not in received:
            kept.append(atom)
    return tuple(kept) if len(kept) < len(value) or kept != list(value) else value
