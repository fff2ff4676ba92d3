"""Locks that a coroutine is handed, in an argument or as part of its object: whether all coroutines get the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.locks import LOCKS
from sessionlint.rules.walking import own_nodes_below

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo

_CLASSES = frozenset(name.removesuffix("()") for name in LOCKS)


def locks_given(started: Any) -> set[str]:
    """The parameters of a coroutine that are locks: by what is handed over, or as they are declared."""
    return {key.name for key, value in started.bindings if key.tag == "param" and _is_lock(key, value)}


def _is_lock(parameter: Any, value: Any) -> bool:
    if value and all(a.tag == "ext" for a in value):
        return all(a.name in LOCKS for a in value)
    declared = parameter.info.param_values.get(parameter.name, ((), ()))[0]
    passed_on = all(a.tag == "param" for a in value)
    return passed_on and bool(declared) and all(a.tag == "ext" and a.name in _CLASSES for a in declared)


def handed_as(started: Any, starter: FunctionInfo | None, parameter: str, attribute: str) -> str | None:
    """What the function that makes a coroutine calls the lock which that has as a parameter, or as its attribute.

    Only a name that stands for one thing as long as coroutines are made: not what a loop or comprehension takes up.
    """
    if starter is None or started.site[0] != starter.path:
        return None
    call = next((n for n in own_nodes_below(starter.body) if n[0] == "c" and n[1] == started.site[1]), None)
    expr = _argument(call, started.info, parameter) if call is not None and len(call) == 5 else None
    name = place_of(expr) if expr is not None else None
    if name is None or not stays(starter, root_of(name)):
        return None
    return f"{name}.{attribute}" if attribute else name


def _argument(call: ir.Expr, function: FunctionInfo, parameter: str) -> ir.Expr | None:
    """The expression for a parameter in ``work(lock)``, ``start(work, lock)`` or ``map(self.work, items)``."""
    written, given = call[2], list(call[3])
    if written[-1] != function.name and given and given[0][0] in ("n", "a"):
        written, given = given[0], given[1:]
    if written[0] not in ("n", "a") or written[-1] != function.name or any(a[0] == "*" for a in given):
        return None
    names = [p[0] for p in function.params]
    place = names.index(parameter)
    if function.class_info is not None and not function.is_staticmethod:
        if place == 0:
            return written[2] if written[0] == "a" else None
        place -= 1
    named = next((value for name, value in call[4] if name == parameter), None)
    return named if named is not None else given[place] if place < len(given) else None


def place_of(expr: ir.Expr) -> str | None:
    """``a.b`` for a chain of names, attributes and keys that are written out (``ctx['db']``), else ``None``."""
    if expr[0] == "n":
        return str(expr[2])
    if expr[0] == "a":
        owner = place_of(expr[2])
        return f"{owner}.{expr[3]}" if owner is not None else None
    if expr[0] == "i" and expr[3][0] == "k":
        holder = place_of(expr[2])
        return f"{holder}[{expr[3][2]!r}]" if holder is not None else None
    return None


def root_of(place: str) -> str:
    """The name with which a place begins."""
    return place.partition(".")[0].partition("[")[0]


def stays(function: FunctionInfo, name: str) -> bool:
    """Whether a name stands for the same thing wherever a function mentions it."""
    given = [n for n in assigned(function.body) if n == name]
    if not given:
        return True
    if any(p[0] == name for p in function.params):
        return False
    looped = (n for n in own_nodes_below(function.body) if n[0] in ("L", "W", "g"))
    return len(given) == 1 and name not in {n for node in looped for n in assigned((node,))}


def assigned(body: Any) -> Iterator[str]:
    """The names that statements and comprehensions give a value."""
    for node in own_nodes_below(body):
        targets: Any = ()
        if node[0] in ("=", ":", "L", "w") and len(node) > 3:
            targets = node[2]
        elif node[0] == "w/" and len(node) == 5:
            targets = tuple(target for _, target in node[2] if target is not None)
        elif node[0] == "g" and len(node) == 5:
            targets = tuple(target for target, _, _ in node[4])
        yield from (n[2] for n in own_nodes_below((targets,)) if n[0] == "n" and len(n) == 3)
        if targets and targets[0] == "n":
            yield targets[2]
