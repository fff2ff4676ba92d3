"""Objects that keep how to connect: a data class of pool sizes, settings that give a URL.

What such an object was made with tells what its methods give: the literals are kept with the object, and a method
that only puts its answer together is gone through once more for each object it is called on. So is a function whose
arguments decide which of several answers it gives.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.records import ASSIGNED, FIELD, UNTOLD
from sessionlint.program.values import UNKNOWN, UNKNOWN_KEYWORDS, Const, Value, join_all, shallow

#: So deep such methods may call one another, and so long they may be.
_DEPTH = 3
_STATEMENTS_GONE_THROUGH = 20
#: What waits, defines or opens.
_DOES_MORE = frozenset({"lam", "aw", "y", "yf", "F", "C", "glob", "w/"})
#: What a method gives that its object's fields make a difference to.
_GIVEN = frozenset({"const", "text", "map", "seq", "ext"})
#: Methods that run when an instance has its fields.
_LOOKS_AT = frozenset({"__post_init__", "__attrs_post_init__", "model_post_init", "__new__", "__setattr__"})
_FROM_OUTSIDE = ("pydantic_settings.", "pydantic.BaseSettings", "pydantic.v1.BaseSettings")


def is_settings(frame: Frame) -> bool:
    """Whether the class body that is evaluated is that of pydantic's settings."""
    owner = frame.class_scope
    return owner is not None and any(b.startswith(_FROM_OUTSIDE) for b in frame.solver.external_bases(owner))


def configures(frame: Frame, info: ClassInfo) -> bool:
    """Whether the literals that instances of a class are made with may say how to connect."""
    return any(c.configures for c in frame.solver.mro(info)) and not frame.solver.is_model(info)


def is_literal(value: Value) -> bool:
    """Whether a value is written out."""
    return bool(value) and all(a.tag in ("const", "text") for a in value)


def fields(
    frame: Frame, info: ClassInfo, names: list[str], given: dict[str, Value], keywords: list[tuple[str, Value]]
) -> dict[Any, Value]:
    """What the fields of a new instance hold: what the constructor is given, else the literal default."""
    kept: dict[Any, Value] = {}
    if _changes_them(frame, info):
        return kept
    whole = not any(k == UNKNOWN_KEYWORDS for k, _ in keywords)
    from_outside = any(b.startswith(_FROM_OUTSIDE) for b in frame.solver.external_bases(info))
    for name in names:
        if name in given:
            kept[Const(name, FIELD)] = shallow(given[name], 2) or UNTOLD
        elif whole and not from_outside:
            default = _default(frame, info, name)
            if is_literal(default) or (default and all(a.tag == "map" for a in default)):
                kept[Const(name, FIELD)] = default
    return kept


def _changes_them(frame: Frame, info: ClassInfo) -> bool:
    """Whether the class looks at what it is given before it keeps it."""
    names = dict.fromkeys(n for c in frame.solver.mro(info) for n in c.methods)
    if any(name in _LOOKS_AT for name in names):
        return True
    methods = (frame.solver.method(info, name) for name in names)
    marks = (a for m in methods if m is not None for _, value in m.decorator_values for a in value)
    return any(a.tag == "ext" and a.name.endswith("validator") for a in marks)


def _default(frame: Frame, info: ClassInfo, name: str) -> Value:
    """What the class body says a field holds."""
    owner = next((c for c in frame.solver.mro(info) if name in c.attributes), None)
    if owner is None:
        return UNKNOWN
    _, annotation, value, _ = owner.attributes[name]
    declared = frame.solver.instances(annotation)
    told = tuple(a for a in value if a not in declared)
    # what a factory gives stands in the attribute alone
    return told or tuple(a for a in frame.solver.read(("attr", owner, name)) if a not in declared)


def field(frame: Frame, atom: Any, name: str) -> Value:
    """What this very object holds in a field; nothing where the object says nothing about it."""
    given = next((value for key, value in atom.bindings if key == Const(name, FIELD)), UNKNOWN)
    if not given or not configures(frame, atom.info):
        return UNKNOWN
    if any(a.tag not in ("const", "text", "map") and a not in UNTOLD for a in given):
        return UNKNOWN
    # what is assigned to it later counts as well
    return join_all([given, *(frame.solver.read((ASSIGNED, c, name)) for c in frame.solver.mro(atom.info))])


def answer(frame: Frame, function: FunctionInfo, bindings: dict[Any, Value], known: Value) -> Value:
    """What a method of such an object, or a function given one, gives for it; ``known``: what it gives for any."""
    if function.summary.answers is None or frame.depth >= _DEPTH or any(a.tag not in _GIVEN for a in known):
        return known
    if not _keeps_literals(frame, bindings) and not (len(known) > 1 and _has_literals(bindings)):
        return known
    inner = Frame(frame.solver, function, frame.machine)
    inner.depth = frame.depth + 1
    inner.env.update({name: bindings.get(identity(function, name), UNKNOWN) for name, *_ in function.params})
    frame.machine.block(inner, function.summary.answers)
    return inner.returns or known


def _keeps_literals(frame: Frame, bindings: dict[Any, Value]) -> bool:
    """Whether an object that the call is given, or is made on, knows a literal it was made with."""
    objects = [value[0] for value in bindings.values() if len(value) == 1 and value[0].tag == "inst"]
    return any(is_literal(v) for made in objects for _, v in made.bindings if configures(frame, made.info))


def _has_literals(bindings: dict[Any, Value]) -> bool:
    """Whether a literal is passed, which may tell which of several answers is given."""
    return any(len(value) == 1 and value[0].tag == "const" for value in bindings.values())


def answering(function: FunctionInfo, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...] | None:
    """The statements of a function that only puts its answer together; ``None`` for all others."""
    if not function.params or not function.module.configures or function.is_generator or function.parent is not None:
        return None
    if len(body) > _STATEMENTS_GONE_THROUGH:
        return None
    return body if _only_answers(body) else None


def _only_answers(node: tuple[Any, ...]) -> bool:
    """Whether statements do nothing but put a value together."""
    if node and node[0] in _DOES_MORE and len(node) > 2 and type(node[1]) is tuple:
        return False
    return all(_only_answers(child) for child in node if type(child) is tuple)


__all__ = ["answer", "answering", "configures", "field", "fields", "is_literal", "is_settings"]
