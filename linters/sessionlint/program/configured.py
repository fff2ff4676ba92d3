"""Objects that keep how to connect: a data class of pool sizes, settings that give a URL.

What such an object was made with tells what its methods give: the literals are kept with the object, and a method
that only puts its answer together is gone through once more for each object it is called on. So is a function whose
arguments decide which of several answers it gives.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import certificates, in_place, spelling
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
_GIVEN = frozenset({"const", "text", "map", "seq", "ext", "tls"})
#: Methods that run when an instance has its fields.
_LOOKS_AT = frozenset({"__post_init__", "__attrs_post_init__", "model_post_init", "__new__", "__setattr__"})
_FROM_OUTSIDE = ("pydantic_settings.", "pydantic.BaseSettings", "pydantic.v1.BaseSettings")


def is_settings(frame: Frame) -> bool:
    """Whether the class body that is evaluated is that of pydantic's settings."""
    owner = frame.class_scope
    return owner is not None and any(b.startswith(_FROM_OUTSIDE) for b in frame.solver.external_bases(owner))


def configures(frame: Frame, info: ClassInfo) -> bool:
    """Whether the literals that instances of a class are made with may say how to connect, or stand in a text."""
    if frame.solver.is_model(info):
        return False
    return any(c.configures for c in frame.solver.mro(info)) or bool(spelling.spelled(frame, info))


def is_literal(value: Value) -> bool:
    """Whether a value is written out."""
    return bool(value) and all(a.tag in ("const", "text") for a in value)


def fields(
    frame: Frame, info: ClassInfo, names: list[str], given: dict[str, Value], keywords: list[tuple[str, Value]]
) -> dict[Any, Value]:
    """What the fields of a new instance hold: what the constructor is given, else the literal default."""
    kept: dict[Any, Value] = {}
    if changes_them(frame, info):
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


def changes_them(frame: Frame, info: ClassInfo) -> bool:
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
    if not given or not (is_literal(given) or configures(frame, atom.info)):
        return UNKNOWN
    if any(a.tag not in ("const", "text", "map") and a not in UNTOLD for a in given):
        return UNKNOWN
    # what is assigned to it later counts as well
    return join_all([given, *(frame.solver.read((ASSIGNED, c, name)) for c in frame.solver.mro(atom.info))])


def answer(frame: Frame, function: FunctionInfo, bindings: dict[Any, Value], known: Value) -> Value:
    """What a method of such an object, or a function given one, gives for it; ``known``: what it gives for any."""
    if function.summary.answers is None or any(a.tag not in _GIVEN for a in known):
        return known
    contexts = certificates.among(bindings)
    if (
        not contexts
        and not _keeps_literals(frame, bindings)
        and not (_is_several(known) and _has_literals(bindings))
        and not _puts_together(bindings, known)
    ):
        return known
    given = {name: bindings.get(identity(function, name), UNKNOWN) for name, *_ in function.params}
    inner = gone_through(frame, function, function.summary.answers, given)
    if inner is None:
        return known
    if contexts:
        in_place.put(frame, certificates.changed(contexts, inner.env))
    return inner.returns or known


def gone_through(
    frame: Frame, function: FunctionInfo, body: tuple[ir.Stmt, ...], given: dict[str, Value]
) -> Frame | None:
    """A function as one call has it, by the names of its parameters; ``None`` inside of too many others."""
    if frame.depth >= _DEPTH:
        return None
    inner = Frame(frame.solver, function, frame.machine)
    inner.depth = frame.depth + 1
    inner.in_one_call = True
    inner.env.update(given)
    frame.machine.block(inner, body)
    return inner


def _keeps_literals(frame: Frame, bindings: dict[Any, Value]) -> bool:
    """Whether an object that the call is given, or is made on, knows a literal or dictionary it was made with."""
    objects = [value[0] for value in bindings.values() if len(value) == 1 and value[0].tag == "inst"]
    return any(_tells(v) for made in objects for _, v in made.bindings if configures(frame, made.info))


def _tells(value: Value) -> bool:
    return is_literal(value) or (len(value) == 1 and bool(value[0].tag == "map"))


def _is_several(known: Value) -> bool:
    """Whether a value, or what a dictionary has under one of its keys, is one of several."""
    if len(known) != 1 or known[0].tag != "map":
        return len(known) > 1
    return any(len(value) > 1 for _, value in known[0].items)


def _has_literals(bindings: dict[Any, Value]) -> bool:
    """Whether a literal is passed, which may tell which of several answers is given."""
    return any(len(value) == 1 and value[0].tag == "const" for value in bindings.values())


def _puts_together(bindings: dict[Any, Value], known: Value) -> bool:
    """Whether several dictionaries are passed in a row, and one is given back: which came last decides."""
    if not known or any(a.tag != "map" for a in known):
        return False
    rows = [v[0].items for v in bindings.values() if len(v) == 1 and v[0].tag == "seq" and len(v[0].items) > 1]
    return any(all(a.tag == "map" for item in row for a in item) for row in rows)


def answering(function: FunctionInfo, body: tuple[ir.Stmt, ...], spells: bool) -> tuple[ir.Stmt, ...] | None:
    """The statements of a function that only puts its answer together; ``None`` for all others.

    ``spells``: it is a method that gives a text with what its object holds in it.
    """
    if not function.params or function.is_generator or function.parent is not None:
        return None
    if not spells and not function.module.configures:
        return None
    if len(body) > _STATEMENTS_GONE_THROUGH:
        return None
    return body if _only_answers(body) else None


def _only_answers(node: tuple[Any, ...]) -> bool:
    """Whether statements do nothing but put a value together."""
    if node and node[0] in _DOES_MORE and len(node) > 2 and type(node[1]) is tuple:
        return False
    return all(_only_answers(child) for child in node if type(child) is tuple)


__all__ = [
    "answer",
    "answering",
    "changes_them",
    "configures",
    "field",
    "fields",
    "gone_through",
    "is_literal",
    "is_settings",
]
