"""Switches in class bodies: ``commits = False``, ``if self.commits:`` in a method, ``commits = True`` in a class below.

Which it is depends on the object alone, as long as nothing but class bodies ever says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import UNKNOWN, Const, Value

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.frame import Frame

#: The kind of guard of a switch in a class body: the object it is asked of must have it on.
SWITCHED = "switched"
_SWITCHES = frozenset({Const(True, "bool"), Const(False, "bool"), Const(None, "NoneType")})
#: Bases from outside that do not write a constructor.
_PLAIN = ("abc.", "typing.", "collections.abc.")


def is_switch(frame: Frame, test: ir.Expr, value: Value) -> bool:
    """Whether ``self.name`` is a switch that classes set in their bodies, and nothing sets anywhere else."""
    function, solver = frame.function, frame.solver
    info = function.class_info
    if not value or not _SWITCHES.issuperset(value) or info is None or not function.params:
        return False
    if test[2][0] != "n" or test[2][2] != function.params[0][0] or function.is_staticmethod or function.is_classmethod:
        return False
    name = test[3]
    classes = dict.fromkeys((*solver.mro(info), *(c for below in solver.subclasses(info) for c in solver.mro(below))))
    if not any(c.assigns(name) for c in solver.mro(info)) or not all(b.startswith(_PLAIN) for b in _bases(classes)):
        return False
    return all(
        c.maker is None
        and set(solver.read(("attr", c, name))) <= set(c.attributes[name][2] if c.assigns(name) else UNKNOWN)
        for c in classes
    )


def _bases(classes: dict[Any, None]) -> list[str]:
    return [b.name for c in classes for b in c.bases if b.tag == "ext" and b.name != "builtins.object"]


def is_on(name: str, atom: Any, mro: Callable[[Any], Sequence[Any]]) -> bool | None:
    """Whether an object has a switch on; ``None`` when that cannot be told."""
    if atom.tag != "inst":
        return None
    value: Value = next((c.attributes[name][2] for c in mro(atom.info) if c.assigns(name)), UNKNOWN)
    return bool(value[0].value) if len(value) == 1 and value[0] in _SWITCHES else None
