"""What ``type_annotation_map`` says that an annotation is as a column, on a model's base or its registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.literals import name_of
from sessionlint.program.model import ClassInfo, Event
from sessionlint.program.values import UNKNOWN, Const, Value

_TYPES = "type_annotation_map"
_REGISTRY = "registry"
_MADE = "sqlalchemy.orm.registry"
#: Stands for a type that may be any.
_ANY: Value = (Const("any", "type"),)


class _Types(NamedTuple):
    """The entries of such a dictionary, and the file that it is written in."""

    path: str
    keys: tuple[ir.Expr | None, ...]
    values: tuple[Value, ...]


def mapped_type(program: Program, info: ClassInfo, annotation: Value) -> Value:
    """The column type that the ``type_annotation_map`` of a model's base gives to an annotation."""
    types = _types_of(program, info)
    if types is None:
        return UNKNOWN
    marked = list(_annotated(annotation))
    if marked:
        meant = [_meant(program, types.path, key) for key in types.keys]
        named = [v for atoms, v in zip(meant, types.values, strict=True) if any(a in atoms for a in marked)]
        if named or UNKNOWN in meant:
            # a key that is written out is not compared
            return named[0] if len(named) == 1 else _ANY
    names = set(_python_types(annotation))
    found = [v for key, v in zip(types.keys, types.values, strict=True) if _named(program, types.path, key) in names]
    return found[0] if len(names) == len(found) == 1 else UNKNOWN


def _types_of(program: Program, info: ClassInfo) -> _Types | None:
    """The dictionary that counts for a class: that of the nearest base, or else of its registry."""
    above = program.solver.mro(info)
    owner = next((c for c in above if _TYPES in c.attributes), None)
    if owner is not None:
        _, _, value, expr = owner.attributes[_TYPES]
        return _read(owner.path, value, expr)
    owner = next((c for c in above if _REGISTRY in c.attributes), None)
    given = owner.attributes[_REGISTRY][3] if owner is not None else None
    if owner is None or given is None:
        return None
    made = program.shared(_made)
    name = (ir.dotted(given) or "").rpartition(".")[2]
    own = [e for e in made if e.site == (owner.path, given[1])]
    own = own or [e for e in made if name and name_of(program.solver.modules[e.path], e.span) == name]
    if len(own) != 1 or own[0].expr is None or own[0].expr[0] != "c":
        return None
    written = next((expr for key, expr in own[0].expr[4] if key == _TYPES), None)
    return _read(own[0].path, dict(own[0].keywords).get(_TYPES, UNKNOWN), written)


def _made(program: Program) -> list[Event]:
    return [e for e in program.events("external") if e.name == _MADE]


def _read(path: str, value: Value, expr: ir.Expr | None) -> _Types | None:
    # keys that are no text have no name in a value: they are in the order in which they are written
    entries = value[0].items if len(value) == 1 and value[0].tag == "map" else ()
    if expr is None or expr[0] != "d" or len(entries) != len(expr[2]):
        return None
    return _Types(path, tuple(expr[2]), tuple(tuple(v) for _, v in entries))


def _annotated(annotation: Value) -> Iterator[Any]:
    """What is ``Annotated`` in an annotation."""
    for atom in annotation:
        if atom.tag == "annotated":
            yield atom
        elif atom.tag == "seq":
            for item in atom.items:
                yield from _annotated(item)


def _python_types(annotation: Value) -> Iterator[str]:
    for atom in annotation:
        if atom.tag == "ext":
            yield atom.name.rpartition(".")[2]
        elif atom.tag == "annotated":
            yield from _python_types(atom.type)
        elif atom.tag == "seq":
            for item in atom.items:
                yield from _python_types(item)


def _meant(program: Program, path: str, key: ir.Expr | None) -> Value:
    """What a key that is a name stands for."""
    name = key[2] if key is not None and key[0] == "n" else (ir.dotted(key) or "") if key is not None else ""
    if "." in name:
        return _ANY
    return (program.solver.member(path, name) or _ANY) if name else UNKNOWN


def _named(program: Program, path: str, key: ir.Expr | None) -> str:
    """The last name of the type that a key stands for in its file, whatever it is imported as."""
    first, _, rest = (ir.dotted(key) or "" if key is not None else "").partition(".")
    meant = program.solver.member(path, first) if first else UNKNOWN
    names = [a.name for a in meant if a.tag == "ext"]
    return (rest or (names[0] if len(names) == 1 else first)).rpartition(".")[2]


__all__ = ["mapped_type"]
