"""Whether what a function does under a condition happens in one call of it: ``commit=False``, ``session or open()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program import combined, passed_options
from sessionlint.program.class_switches import SWITCHED
from sessionlint.program.guards import (
    ANY,
    INSTANCE,
    ONLY,
    Guard,
    decided,
    handed_as,
    is_drawn,
    is_handed,
    of_conditions,
    wanted_of,
)
from sessionlint.program.memo import SIGNATURE
from sessionlint.program.model import Effect, Summary
from sessionlint.program.values import SESSION, Handle, Value, contained

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

#: Stands for any object: true, and not ``None``.
_OBJECT = Handle(SESSION, ("", (0, 0, 0, 0)), ("", (0, 0, 0, 0)))
#: Kinds of guards that ask for the class of an object.
_OF_OBJECTS = frozenset({"of", "is", ANY, ONLY, SWITCHED})
#: Those that what a parameter is declared as may decide.
_OF_DECLARED = frozenset({"of", INSTANCE})
OPENS = Effect("create", SESSION, None)


def left_of(guards: frozenset[Any], mapped: dict[Any, Value], solver: Solver) -> frozenset[Any] | None:
    """The conditions of a callee's effect as the caller has them; ``None``: the arguments say it does not happen."""
    left = []
    options = mapped.get(passed_options.LEFT)
    for guard in guards:
        if options is not None and (onward := passed_options.moved(guard, options)) is not None:
            left.append(onward)
            continue
        if guard.kind == combined.COMBINED:
            together = _together(guard, mapped, solver)
            if together is False:
                return None
            left += [together] if isinstance(together, Guard) else []
            continue
        value = mapped.get(guard.param)
        if value is None:
            left.append(guard)
            continue
        if guard.kind == passed_options.ENTRY:
            holds, further = passed_options.settled(guard, value)
            if holds is False:
                return None
            left += [further] if further is not None else []
            continue
        if len(value) == 1 and value[0].tag == "param" and is_only(guard):
            left.append(guard._replace(param=value[0]))
            continue
        if is_handed(guard):
            through = _handed(guard, value, solver)
            if through is None:
                return None
            left += [guard._replace(param=through)] if through is not guard.param else []
            continue
        if guard.kind in _OF_OBJECTS:
            value = _provided(value, solver)
        holds = decided(guard, tuple(_OBJECT if _is_given(solver, a) else a for a in value), solver.mro)
        drawn = holds is None and is_drawn(guard)
        if drawn and value and (through := passed_options.handing_on(value, wanted_of(guard))) is not None:
            left.append(guard._replace(param=through))
            continue
        held = contained(value, 2) if drawn else ()
        inside = tuple(dict.fromkeys(a for a in held if a.tag == "param" or a in wanted_of(guard)))
        if inside and all(a.tag == "param" for a in inside):
            through = _passing(inside, wanted_of(guard), solver)
            if through is None:
                return None
            left.append(handed_as(guard, through))
        elif holds is None and len(value) == 1 and value[0].tag == "param":
            # what may be ``None`` is declared so, too
            declared = solver.declared_classes(value[0]) if guard.kind in _OF_DECLARED and guard.holds else ()
            if declared and decided(guard, declared, solver.mro) is False:
                return None
            left.append(guard._replace(param=value[0]))
        if holds is False:
            return None
    return frozenset(left)


def is_only(guard: Guard) -> bool:
    """Whether nothing happens as long as it is not known that a condition holds."""
    return guard.kind == ONLY or (guard.kind == ANY and all(kind == ONLY for kind, _ in guard.value))


def _together(guard: Guard, mapped: dict[Any, Value], solver: Solver) -> Any:
    """What is left of several conditions together: a guard, whether they hold, or nothing."""

    def asked(one: Guard) -> Any:
        options = mapped.get(passed_options.LEFT)
        if options is not None and (onward := passed_options.moved(one, options)) is not None:
            return onward
        value = mapped.get(one.param)
        if value is None:
            return one
        if one.kind == passed_options.ENTRY:
            holds, further = passed_options.settled(one, value)
            return further if holds is None else holds
        if len(value) == 1 and value[0].tag == "param" and not _is_given(solver, value[0]):
            return one._replace(param=value[0])
        seen = _provided(value, solver) if one.kind in _OF_OBJECTS else value
        return decided(one, tuple([_OBJECT if _is_given(solver, a) else a for a in seen]), solver.mro)

    conditions = guard.value if guard.holds else combined.negated(guard.value)
    found = combined.settled(conditions, asked)
    return False if found is False else of_conditions(found)


def _provided(value: Value, solver: Solver) -> Value:
    """What is injected, as the objects that its provider makes; as it is where no more than a port is known of one."""
    for atom in value:
        if atom.tag == "injected":
            break
    else:
        return value
    found: Value = ()
    for atom in value:
        made = solver.views(atom) if atom.tag == "injected" else (atom,)
        found += made if made and all(a.tag == "inst" and not _is_protocol(a) for a in made) else (atom,)
    return found


def _is_protocol(atom: Any) -> bool:
    """Whether no more is known of an object than which methods it has: classes need not say that they do."""
    return any(b.tag == "ext" and b.name.endswith(".Protocol") for b in atom.info.bases)


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


def ways_to_open(summary: Summary, mapped: dict[Any, Value], solver: Solver) -> tuple[bool, Value]:
    """Whether a function opens no session in this call, and the parameters of which none may be given for that."""
    guards = summary.guards.get(OPENS)
    if not guards:
        return False, ()
    left = left_of(guards, mapped, solver)
    return left is None, tuple([guard.param for guard in left or () if is_absence(guard)])


def is_absence(guard: Any) -> bool:
    """``session is None``, ``not session``: whether a condition says that there is no such argument."""
    return bool(guard.kind == "none" and guard.holds) or bool(guard.kind == "true" and not guard.holds)
