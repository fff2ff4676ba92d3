"""What classes below put over a name that a base binds: ``client = None`` here, ``client = httpx.AsyncClient()`` there.

A library's functions and objects, and factories of sessions, have no code in sight that could be told of what they do:
it is told where the base calls them, and happens in objects of the classes that put them there. What classes of the
authentication, of session modules and tests put there is theirs.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.guards import ANY, ONLY, Guard
from sessionlint.program.model import ClassInfo
from sessionlint.program.subclassing import HOOK
from sessionlint.program.values import ABSENT, FACTORY, UNKNOWN, Const, Param, Site, Value, join, join_all

#: The event of calling what classes below have there, with the places where they say so.
BELOW: Final = "below"
#: What a base has under a name for which classes below have others.
_BOUND: Final = frozenset({"ext", "fn", "cls", "handle", "partial"})
#: So many classes below are asked, and so many different things they may have.
_MOST: Final = 16
_MOST_KEPT: Final = 6
#: What is no more than a value, or what a type says.
_PLAIN: Final = ("builtins.", "typing.", "os.", "enum.", "logging.")
_EXEMPT: Final = frozenset({"test", "migration", "auth"})


def put_over(frame: Frame, info: ClassInfo, through: Param, name: str, value: Value, is_open: bool) -> Value:
    """What ``self.name`` is in methods of a base, with what classes below have.

    ``is_open``: the base leaves it to them.
    """
    if any(a != ABSENT and (a.tag not in _BOUND or _is_datum(a)) for a in value):
        return value
    below = frame.solver.subclasses(info)
    if not below or len(below) > _MOST:
        return value
    owners: dict[Any, list[ClassInfo]] = {}
    for cls in below:
        owner = _owner(frame, info, cls, name)
        if owner is None:
            continue
        for atom in _kept(frame, info, owner, name):
            if atom not in value and owner not in (known := owners.setdefault(atom, [])):
                known.append(owner)
    if not owners or len(owners) > _MOST_KEPT:
        return value
    for atom, classes in owners.items():
        guard = _guard(through, name, classes, "of" if is_open else ONLY)
        frame.put_below[atom] = (guard, tuple([Const(_place(c, name), BELOW) for c in classes]), name)
    return join(value, tuple(owners))


def _is_datum(atom: Any) -> bool:
    """Whether a type says of something that it is a text, a number, a class of rows."""
    return bool(atom.tag == "ext" and atom.name.startswith("builtins.") and atom.name.endswith("()"))


def _guard(through: Param, name: str, classes: list[ClassInfo], kind: str) -> Guard:
    if len(classes) == 1:
        return Guard(through, kind, (classes[0], name), True)
    return Guard(through, ANY, frozenset([(kind, (cls, name)) for cls in classes]), True)


def _owner(frame: Frame, info: ClassInfo, below: ClassInfo, name: str) -> ClassInfo | None:
    """The class that says what objects of a class below have there; ``None`` where that is the base, or one above."""
    above = frame.solver.mro(info)
    for cls in frame.solver.mro(below):
        if cls in above:
            return None
        if name in cls.methods or frame.solver.read(("attr", cls, name)):
            return cls
    return None


def _kept(frame: Frame, info: ClassInfo, owner: ClassInfo, name: str) -> Value:
    """The library's functions and objects, and factories, that a class puts there: a property gives them, too."""
    solver = frame.solver
    policy = solver.policy
    if owner.path != info.path and (policy.layer_of(owner.path) in _EXEMPT or policy.is_session_module(owner.path)):
        return UNKNOWN
    method = owner.methods.get(name)
    if method is not None:
        held = solver.summary_of(method).returns if method.is_property else UNKNOWN
    else:
        held = solver.read(("attr", owner, name))
    if any(a.tag == "param" for a in held):
        # what the hook of a base keeps of ``class Load(Job, tool=decode)``
        held = join_all([_handed(frame, owner, a) for a in held])
    return tuple([a for a in held if _is_told(a)])


def _handed(frame: Frame, owner: ClassInfo, atom: Any) -> Value:
    if atom.tag != "param" or atom.info.name != HOOK:
        return (atom,)
    return frame.solver.read(("made", owner, atom))


def _is_told(atom: Any) -> bool:
    if atom.tag == "handle":
        return bool(atom.kind == FACTORY)
    return bool(atom.tag == "ext" and not atom.name.startswith(_PLAIN))


def _place(cls: ClassInfo, name: str) -> Site:
    """Where a class says what it has there, as far as that is known."""
    if name in cls.methods:
        return (cls.path, cls.methods[name].header)
    return (cls.path, cls.attributes[name][0] if cls.assigns(name) else cls.header)


def guard_of(frame: Frame, callee: Any, e: ir.Expr) -> Guard | None:
    """In which objects it is that a library's function is called, or a method of what classes below have."""
    if callee.tag == "method":
        callee = callee.receiver
    found = frame.put_below.get(callee)
    if found is None and callee.tag == "ext":
        for atom in frame.put_below:
            if atom.tag == "ext" and callee.name.startswith(f"{atom.name}."):
                found = frame.put_below[atom]
                break
    if found is None:
        return None
    guard, places, name = found
    frame.emit(BELOW, e[1], name=name, value=places, expr=e)
    return guard if isinstance(guard, Guard) else None


__all__ = ["BELOW", "guard_of", "put_over"]
