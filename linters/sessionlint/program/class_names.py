"""Names of methods that stand in class attributes, for which classes below have others.

``getattr(self, self.step)()``, ``for name in self.steps: getattr(self, name)()``: what is called by a name happens in
objects of the classes that have this name there.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.guards import ANY, ONLY, Guard
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import Param, Value, join

#: So many classes below are asked.
_MOST = 12


def note(frame: Frame, info: ClassInfo, through: Param, name: str, value: Value) -> Value:
    """``self.name`` is read: notes whose names these are; gives those of the classes below, too."""
    solver = frame.solver
    below = solver.subclasses(info) if _texts(value) else []
    if not below or len(below) > _MOST:
        return value
    known: dict[ClassInfo, Value] = {}
    for cls in (info, *below):
        classes = solver.mro(cls)
        owner = next((c for c in classes if c.assigns(name)), None)
        if owner is None or any(name in c.methods for c in classes):
            return value
        if not set(solver.read(("attr", owner, name))) <= set(owner.attributes[name][2]):
            return value
        known[owner] = owner.attributes[name][2]
    if len(set(known.values())) > 1:
        above = solver.mro(info)
        for text in dict.fromkeys([text for held in known.values() for text in _texts(held)]):
            owners = [owner for owner, held in known.items() if text in _texts(held)]
            if len(owners) < len(known):
                kinds = [("of" if owner in above else ONLY, (owner, name)) for owner in owners]
                frame.named[text] = _guard(through, kinds)
        for held in known.values():
            value = join(value, tuple([a for a in held if a.tag == "seq"]))
    return value


def called(frame: Frame, text: str, found: Value, e: ir.Expr, texts: list[str]) -> None:
    """Methods were found by a name, one of these: notes in which objects that name stands, alone or in a longer one."""
    guard = frame.named.get(text)
    if guard is None and e[0] == "c" and len(e[3]) > 1 and e[3][1][0] != "k":
        guard = next((frame.named[name] for name in frame.named if _is_put_into(name, text, texts)), None)
    if guard is not None:
        frame.by_name.update(dict.fromkeys([a for a in found if a.tag in ("fn", "method")], guard))


def _is_put_into(name: str, text: str, texts: list[str]) -> bool:
    """Whether a text is ``f"step_{name}"``, and the others with it are the same of the other names."""
    before, found, after = text.partition(name)
    if not found:
        return False
    return all(t.startswith(before) and t.endswith(after) and len(t) > len(before + after) for t in texts)


def _guard(through: Param, kinds: list[tuple[str, Any]]) -> Guard:
    if len(kinds) == 1:
        return Guard(through, kinds[0][0], kinds[0][1], True)
    return Guard(through, ANY, frozenset(kinds), True)


def _texts(value: Value) -> list[str]:
    """The literal names in a value, and in its lists."""
    each = [a for a in value if a.tag == "const"]
    each += [a for s in value if s.tag == "seq" for held in s.items for a in held if a.tag == "const"]
    return [a.value for a in each if a.kind == "str" and a.value.isidentifier()]


__all__ = ["called", "note"]
