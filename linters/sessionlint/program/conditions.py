"""Whether what a function does under a condition happens in one call of it: ``commit=False``, ``session or open()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.guards import ONLY, decided, handed_as, is_drawn, is_handed, wanted_of
from sessionlint.program.memo import SIGNATURE
from sessionlint.program.model import Effect, Summary
from sessionlint.program.values import SESSION, Handle, Value, contained

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

#: Stands for any object: true, and not ``None``.
_OBJECT = Handle(SESSION, ("", (0, 0, 0, 0)), ("", (0, 0, 0, 0)))
OPENS = Effect("create", SESSION, None)


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
        if is_handed(guard):
            through = _handed(guard, value, solver)
            if through is None:
                return None
            left += [guard._replace(param=through)] if through is not guard.param else []
            continue
        holds = decided(guard, tuple(_OBJECT if _is_given(solver, a) else a for a in value), solver.mro)
        held = contained(value, 2) if holds is None and is_drawn(guard) else ()
        inside = tuple(dict.fromkeys(a for a in held if a.tag == "param" or a in wanted_of(guard)))
        if inside and all(a.tag == "param" for a in inside):
            through = _passing(inside, wanted_of(guard), solver)
            if through is None:
                return None
            left.append(handed_as(guard, through))
        elif holds is None and len(value) == 1 and value[0].tag == "param":
            if guard.kind == "of" and decided(guard, solver.declared_classes(value[0]), solver.mro) is False:
                return None
            left.append(guard._replace(param=value[0]))
        if holds is False:
            return None
    return frozenset(left)


def _handed(guard: Any, value: Value, solver: Solver) -> Any:
    """What is called in the place of a parameter is, or may be, what the guard asks for.

    Gives the guard's own parameter when it is, the caller's parameter that has to be, and ``None`` when nothing says
    so: what is called is another function or an unknown one.
    """
    known = tuple(v for a in value for v in (solver.views(a) if a.tag == "injected" else (a,)))
    if decided(guard, known, solver.mro) is True:
        return guard.param
    return _passing(known, wanted_of(guard), solver)


def _passing(value: Value, wanted: Value, solver: Solver) -> Any:
    """The first of the caller's parameters for which one of the wanted functions is passed."""
    passed = (a for a in value if a.tag == "param")
    return next((a for a in passed if solver.ask("first_passed", a, wanted) is not None), None)


def _is_given(solver: Solver, atom: Any) -> bool:
    """Whether a parameter is a handle that every caller has to pass."""
    if atom.tag != "param" or solver.kind_of(atom) is None or atom.name not in atom.info.param_values:
        return False
    solver.remember(SIGNATURE, atom.info, atom.info.signature)
    return not any(a.tag == "const" for a in atom.info.param_values[atom.name][1])


def opens_none(summary: Summary, mapped: dict[Any, Value], solver: Solver, opens: Effect = OPENS) -> bool:
    """Whether a function that opens a session (makes an engine) opens none in this call, because it is given one."""
    guards = summary.guards.get(opens, frozenset())
    return bool(guards) and left_of(guards, mapped, solver) is None
