"""Coroutines and tasks in dictionaries: several under keys that are not known, ``*jobs.values()``; tasks as keys."""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.program.declared_keys import Members, spelled
from sessionlint.program.values import MAX_ATOMS, TASK, UNKNOWN, Map, Seq, Value, alternatives, join_all

#: The key of an entry that says: what is under keys that are not known was put there again and again.
SEVERAL = ("several",)
_OPEN = ("?",)
_AWAITED = frozenset({"pending", "operation"})


class Tasks(NamedTuple):
    """Tasks as keys of a dictionary; ``many`` when each round of a loop or comprehension starts one."""

    value: Any
    many: bool
    tag: str = "tasks"


def keys_of(keys: Value, many: bool) -> tuple[Any, ...]:
    """The keys that a value stands for in a dictionary."""
    return (Tasks(keys, many),) if _has_task(keys) else alternatives(keys)


def put_under(keys: Value, many: bool, value: Value) -> tuple[Any, ...]:
    """The same where a value is put there."""
    texts = spelled(keys, value)
    return (texts,) if texts is not None else keys_of(keys, many)


def comprehension(keys: Value, value: Value) -> Map:
    """``{one: work(one) for one in names}``."""
    known = [a.value for a in keys if a.tag == "const" and a.kind == "str"]
    if known and len(known) == len(keys):
        # of more some are left out
        return Map(tuple((k, value) for k in known), len(known) >= MAX_ATOMS, None)
    texts = spelled(keys, value)
    if texts is not None:
        return Map(((texts, value),), False, None)
    entry = (keys_of(keys, True) if _has_task(keys) else (_OPEN,))[0]
    return again(Map(((entry, value),), True, None), (entry,), value)


def again(atom: Map, keys: tuple[Any, ...], value: Value) -> Map:
    """The dictionary when a loop puts something to be awaited under a key that is not known."""
    if keys != (_OPEN,) or atom.get(SEVERAL) is not None or not any(_is_awaited(a) for a in value):
        return atom
    return atom._replace(items=(*atom.items, (SEVERAL, UNKNOWN)))


def values_of(atom: Map) -> Seq:
    """``jobs.values()``: what is there again and again comes twice."""
    items = [v for k, v in atom.items if k != SEVERAL and not isinstance(k, Members)]
    if atom.get(SEVERAL) is not None:
        items += [v for k, v in atom.items if k == _OPEN]
    return Seq(tuple(items))


def as_keys(value: Value) -> Value:
    """What going through a value gives, as lists in the place of dictionaries whose keys are tasks."""
    for atom in value:
        if atom.tag == "map":
            return tuple([_listed(a) if a.tag == "map" else a for a in value])
    return value


def _listed(atom: Map) -> Any:
    tasks = [k for k, _ in atom.items if isinstance(k, Tasks)]
    if not tasks:
        return atom
    return Seq((join_all([k.value for k in tasks]),), any(k.many for k in tasks) or len(tasks) > 1)


def _has_task(keys: Value) -> bool:
    return any(a.tag == "obj" and a.name == TASK for a in keys)


def _is_awaited(atom: Any) -> bool:
    return atom.tag in _AWAITED or (atom.tag == "obj" and atom.name == TASK)
