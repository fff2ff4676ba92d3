"""Lists and dictionaries of a class body: whatever an object puts into one, it puts there for all.

``shared = []`` in the body, ``self.shared.append(session)`` in a method. A class that gives each object its own in
``self.shared = []`` is no such thing: that the rules look up.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import Cls, Value, contained

#: Where a ``store`` event says that something is kept: by an object, in what stands in its class.
PLACE: Final = "container of the class"
_DISPLAYS: Final = frozenset({"l", "e", "d"})
_MAKERS: Final = frozenset({"list", "set", "dict", "deque", "defaultdict", "OrderedDict"})


def note(frame: Frame, holder: ir.Expr, value: Value, span: ir.Span4) -> None:
    """Something is put into ``holder``: tells of it where that is ``self.name`` or ``Class.name`` of a class body."""
    for owner, atom, name in _owners(frame, holder):
        if atom.tag == "cls":
            frame.store("class", f"{owner.name}.{name}", value, span)
        else:
            _tell(frame, owner, atom, name, value, span)


def note_entries(frame: Frame, holder: ir.Expr, value: Value, span: ir.Span4) -> None:
    """The same where the class itself is told of already, as of any attribute of it that is assigned."""
    for owner, atom, name in _owners(frame, holder):
        if atom.tag == "inst":
            _tell(frame, owner, atom, name, value, span)


def _tell(frame: Frame, owner: ClassInfo, atom: Any, name: str, value: Value, span: ir.Span4) -> None:
    held = tuple([a for a in contained(value) if frame.solver.kind_of(a) is not None])
    if held:
        shared = ((Cls(atom.info),),)
        frame.emit("store", span, subject=held, name=PLACE, text=f"{owner.name}.{name}", value=value, args=shared)


def _owners(frame: Frame, holder: ir.Expr) -> list[tuple[ClassInfo, Any, str]]:
    """The classes with a container in their body that ``holder`` is, or is in: whose attribute, and its name."""
    while holder[0] == "i":
        holder = holder[2]
    if holder[0] != "a" or holder[2][0] != "n":
        return []
    name: str = holder[3]
    atoms = [a for a in frame.evaluate(holder[2]) if a.tag in ("inst", "cls")]
    found = [(_owner(frame, a.info, name), a, name) for a in atoms]
    return [(owner, a, name) for owner, a, name in found if owner is not None]


def _owner(frame: Frame, info: ClassInfo, name: str) -> ClassInfo | None:
    """The class that has a container of this name in its body."""
    for cls in frame.solver.mro(info):
        entry = cls.attributes.get(name)
        if entry is not None and entry[3] is not None:
            return cls if makes_container(entry[3]) else None
    return None


def makes_container(expr: ir.Expr) -> bool:
    """Whether an expression makes a list, set or dictionary each time it is evaluated."""
    if expr[0] in _DISPLAYS:
        return True
    return expr[0] == "c" and (ir.dotted(expr[2]) or "").rpartition(".")[2] in _MAKERS


__all__ = ["PLACE", "makes_container", "note", "note_entries"]
