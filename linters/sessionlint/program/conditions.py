"""Whether what a function does under a condition happens in one call of it: ``commit=False``, ``session or open()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.guards import ONLY, decided
from sessionlint.program.memo import SIGNATURE
from sessionlint.program.model import Effect, Summary
from sessionlint.program.values import SESSION, Handle, Value

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

#: Stands for any object: true, and not ``None``.
_OBJECT = Handle(SESSION, ("", (0, 0, 0, 0)), ("", (0, 0, 0, 0)))
_OPENS = Effect("create", SESSION, None)


def left_of(guards: frozenset[Any], mapped: dict[Any, Value], solver: Solver) -> frozenset[Any] | None:
    """The conditions of a callee's effect as the caller has them; ``None``: the arguments say it does not happen."""
    left = []
    for guard in guards:
        value = mapped.get(guard.param)
        if value is None:
            left.append(guard)
            continue
        if guard.kind == ONLY and len(value) == 1 and value[0].tag == "param":
            left.append(guard._replace(param=value[0]))
            continue
        holds = decided(guard, tuple(_OBJECT if _is_given(solver, a) else a for a in value), solver.mro)
        if holds is None and len(value) == 1 and value[0].tag == "param":
            if guard.kind == "of" and decided(guard, solver.declared_classes(value[0]), solver.mro) is False:
                return None
            left.append(guard._replace(param=value[0]))
        if holds is False:
            return None
    return frozenset(left)


def _is_given(solver: Solver, atom: Any) -> bool:
    """Whether a parameter is a handle that every caller has to pass."""
    if atom.tag != "param" or solver.kind_of(atom) is None or atom.name not in atom.info.param_values:
        return False
    solver.remember(SIGNATURE, atom.info, atom.info.signature)
    return not any(a.tag == "const" for a in atom.info.param_values[atom.name][1])


def opens_none(summary: Summary, mapped: dict[Any, Value], solver: Solver) -> bool:
    """Whether a function that opens a session opens none in this call, because it is given one."""
    guards = summary.guards.get(_OPENS, frozenset())
    return bool(guards) and left_of(guards, mapped, solver) is None
