"""Classes and functions kept in class attributes, for which a class below has others.

``self.repo_class(session).save()`` runs what the object's own class keeps there. What the base's own does happens
unless the object is known to have another one; what the other one does happens where it is known to have that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import bound_below, class_names, knowledge, overriding
from sessionlint.program.arguments import bound
from sessionlint.program.frame import Frame
from sessionlint.program.guards import ANY, ONLY, Guard
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import UNKNOWN, Cls, Const, Ext, Fn, Inst, Param, Value

_NONE = Const(None, "NoneType")
_CALLED = ("cls", "fn")
#: What annotations say of something that can be called, and no more.
_DECLARED = (Ext(knowledge.DECLARED_CALL),)
_CALLABLE = Ext("typing.Callable()")
#: So many classes below are asked for what a base leaves open.
_MOST = 6
#: What is kept in an attribute, as far as it matters here; nothing at all is left open, too.
_TELLS = frozenset({"cls", "fn", "inst", "const", "partial", "ext", "seq"})
_NAMED = frozenset({"const", "seq"})


class Choice(NamedTuple):
    """A class or function that stands in an attribute, and what classes below have in its place."""

    through: Param
    owner: ClassInfo
    name: str
    others: tuple[tuple[ClassInfo, Any], ...] = ()
    #: more classes that keep the same one there
    alike: tuple[ClassInfo, ...] = ()

    @property
    def guard(self) -> Guard:
        """What must hold of the object for this one to be called."""
        if self.alike:
            kinds = frozenset(("of", (owner, self.name)) for owner in (self.owner, *self.alike))
            return Guard(self.through, ANY, kinds, True)
        return Guard(self.through, "of", (self.owner, self.name), True)


def chosen(frame: Frame, info: ClassInfo, name: str, value: Value, e: ir.Expr) -> Value:
    """Notes that ``self.name`` of a method's own object (``cls.name``) was read; gives what it may be.

    What a base leaves open (``repo_class = None``) is what the classes below keep there.
    """
    function = frame.function
    if e[0] != "a" or e[2][0] != "n" or info is not function.class_info or not function.params:
        return value
    if e[2][2] != function.params[0][0]:
        return value
    if value and value[0].tag not in _TELLS:
        return bound_below.put_over(frame, info, Param(function, e[2][2]), name, value, False)
    through = Param(function, e[2][2])
    called = [a for a in value if a.tag in _CALLED]
    if called and not any(a.tag == "cls" and frame.solver.is_model(a.info) for a in called):
        _note(frame, info, through, name, value, called)
        return bound_below.put_over(frame, info, through, name, value, False)
    if not called and any(a.tag == "inst" for a in value):
        _note_made(frame, info, through, value)
    elif _is_open(frame, info, name, value):
        found = _left_open(frame, info, through, name) or value
        return bound_below.put_over(frame, info, through, name, found, True)
    elif all(a == _NONE or a.tag == "ext" for a in value):
        return bound_below.put_over(frame, info, through, name, value, bool(value) and value[0] == _NONE)
    elif value and value[0].tag in _NAMED:
        return class_names.note(frame, info, through, name, value)
    return value


def _note(frame: Frame, info: ClassInfo, through: Param, name: str, value: Value, called: list[Any]) -> None:
    owner = next((c for c in frame.solver.mro(info) if name in c.attributes), None)
    if owner is None or any(a not in _of_body(frame, owner, name) for a in value):
        return
    others = _below(frame, info, owner, name)
    if others:
        frame.chosen.update((a.info, Choice(through, owner, name, others)) for a in called)


def _note_made(frame: Frame, info: ClassInfo, through: Param, value: Value) -> None:
    """``self.repo`` of a class that keeps in an attribute of which class that is was made of it."""
    for cls in frame.solver.mro(info):
        for name, made in [(cls.keeps[a.info], a) for a in value if a.tag == "inst" and a.info in cls.keeps]:
            if made.info not in frame.chosen:
                _note(frame, info, through, name, frame.solver.attribute(info, name), [Cls(made.info)])
        for name in cls.left_open:
            if _is_open(frame, info, name, frame.solver.attribute(info, name)):
                _left_open(frame, info, through, name, [a.info for a in value if a.tag == "inst"])


def _left_open(frame: Frame, info: ClassInfo, through: Param, name: str, made: list[ClassInfo] | None = None) -> Value:
    """What the classes below keep in an attribute that has no value here; objects were ``made`` of some of it."""
    owner = next(c for c in frame.solver.mro(info) if name in c.attributes)
    others = _below(frame, info, owner, name)
    if len(others) > _MOST:
        return UNKNOWN
    owners: dict[Any, list[ClassInfo]] = {}
    for below, a in others:
        if made is not None and a.info not in made:
            continue
        owners.setdefault(a.info, []).append(below)
    for kept, (first, *more) in owners.items():
        frame.chosen.setdefault(kept, Choice(through, first, name, (), tuple(more)))
    return tuple(dict.fromkeys(a for _, a in others))


def _is_open(frame: Frame, info: ClassInfo, name: str, value: Value) -> bool:
    """Whether a class body names an attribute, and leaves it to classes below what it is."""
    if not all(a in (_NONE, _CALLABLE) or (a.tag == "partial" and a.function == _DECLARED) for a in value):
        return False
    return any(name in c.attributes for c in frame.solver.mro(info))


def _of_body(frame: Frame, owner: ClassInfo, name: str) -> Value:
    """What a class body says of an attribute: its value, and what its annotation promises."""
    _, annotation, value, _ = owner.attributes[name]
    return (*value, *frame.solver.instances(annotation))


def _below(frame: Frame, info: ClassInfo, owner: ClassInfo, name: str) -> tuple[tuple[ClassInfo, Any], ...]:
    """The classes below that keep another class or function there, and what that is."""
    solver = frame.solver
    found: dict[tuple[ClassInfo, Any], None] = {}
    for below in solver.subclasses(info):
        for cls in solver.mro(below):
            solver.read(("attr", cls, name))  # a class that is still being defined says so later
        nearest = next((c for c in solver.mro(below) if c.assigns(name) or name in c.methods), owner)
        if nearest is not owner and nearest.assigns(name):
            value = nearest.attributes[name][2]
            found.update(((nearest, a), None) for a in value if a.tag in ("cls", "fn"))
    return tuple(e for e in found if e[1].tag == "fn" or not solver.is_model(e[1].info))


def choice_of(frame: Frame, callee: Any) -> Choice | None:
    """Which attribute what is called came from: it, or the object that was made of it."""
    if callee.tag == "fn" and isinstance(callee.receiver, Inst):
        found = frame.chosen.get(callee.receiver.info)
    else:
        found = frame.chosen.get(callee.info) if callee.tag in ("cls", "fn") else None
    return found if isinstance(found, Choice) else None


def foretell(
    frame: Frame, choice: Choice, callee: Any, args: list[Value], keywords: Any, e: ir.Expr, awaited: bool
) -> None:
    """Notes what a call does in objects of classes that keep something else there."""
    for owner, instead in choice.others:
        if instead.tag == "cls":
            method = frame.solver.method(instead.info, "__init__" if callee.tag == "cls" else callee.info.name)
            receiver: Any = Inst(instead.info)
            if method is not None and callee.tag == "cls":
                bindings = bound(frame, method, Fn(method, receiver), args, keywords)
                frame.made_instead[instead.info] = tuple(bindings.items())[1:]
            elif callee.tag == "fn" and isinstance(callee.receiver, Inst):
                made = frame.made_instead.get(instead.info, UNKNOWN)
                receiver = Inst(instead.info, made or callee.receiver.bindings)
        else:
            method, receiver = instead.info, instead.receiver
        if method is None or method is frame.function or method.is_generator or (method.is_async and not awaited):
            continue
        guard = Guard(choice.through, ONLY, (owner, choice.name), True)
        overriding.foretell_one(frame, guard, Fn(method, receiver), args, keywords, e)
