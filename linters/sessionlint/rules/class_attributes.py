"""What all objects of a class share because it stands in the class body, and what each has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sessionlint.facts import ir
from sessionlint.rules.walking import nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, FunctionInfo

#: Classes of these give each object a copy of what stands in the class body.
_COPYING: Final = ("pydantic.", "pydantic_settings.", "sqlmodel.", "msgspec.")


def is_shared(program: Program, info: ClassInfo, name: str) -> bool:
    """Whether objects of a class have an attribute from the class body, and no method gives each its own."""
    if any(base.startswith(_COPYING) for base in program.solver.external_bases(info)):
        return False
    family = [info, *(c for c in program.classes if info in program.solver.mro(c) and c is not info)]
    classes = dict.fromkeys(c for member in family for c in program.solver.mro(member))
    return not any(given == name for cls in classes for method in cls.methods.values() for given in _given(method))


def _given(method: FunctionInfo) -> Iterator[str]:
    """The attributes that a method assigns to its object."""
    if not method.params or method.is_classmethod or method.is_staticmethod:
        return
    receiver = method.params[0][0]
    for node in nodes_below(ir.body_of(method.facts)):
        targets = node[2] if node[0] == "=" else (node[2],) if node[0] == ":" and node[4] is not None else ()
        for target in (t for whole in targets for t in (whole[2] if whole[0] in ("t", "l") else (whole,))):
            if target[0] == "a" and target[2][0] == "n" and target[2][2] == receiver:
                yield target[3]


__all__ = ["is_shared"]
