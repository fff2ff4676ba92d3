"""Units of work that a function enters, but was handed: the way to them is that of whoever injected or passed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Effect, FunctionInfo
from sessionlint.program.values import UNKNOWN, Dependency, Injected
from sessionlint.rules.opening import RECEIVERS, is_approved

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event
    from sessionlint.program.values import Value

ENTERS = ("__aenter__", "__enter__")
_OPENS = Effect("create", "session")
_NOWHERE = ("", (0, 0, 0, 0))
#: So many dependencies are followed that pass on what they are injected.
_DEEP = 4


def is_handed_in(program: Program, event: Event) -> bool:
    """Whether what a ``with`` enters came by the approved dependency, or from no caller who has to be handed one.

    An object that enters itself opens its own.
    """
    opened = event.callee.class_info if event.callee is not None else None
    return bool(event.value) and all(_is_handed(program, atom, opened) for atom in event.value)


def _is_handed(program: Program, atom: Any, opened: ClassInfo | None) -> bool:
    if atom.tag == "injected":
        return _is_injected(program, atom.source)
    if atom.tag != "param" or _is_itself(program, atom, opened) or _makes_by_default(atom):
        return False
    passed = program.solver.arguments_of(atom)
    if not all(_is_injected(program, a.source) for a in passed if a.tag == "injected"):
        return False
    makers = program.shared(_passed_by)
    params = (a for a in (atom, *passed) if a.tag == "param")
    # fields that no constructor is written for are filled by who makes an object
    keys = (a if a.info.params else a.info.class_info for a in params)
    return not any(_receives(program, f) for key in keys for f in makers.get(key, ()))


def _is_itself(program: Program, param: Any, opened: ClassInfo | None) -> bool:
    """Whether a parameter is the object whose method this is."""
    owner, params = param.info.class_info, param.info.params
    if owner is None or not params or param.info.is_staticmethod or param.name != params[0][0]:
        return False
    return opened is None or opened in program.solver.mro(owner)


def _makes_by_default(param: Any) -> bool:
    """Whether a function makes the object where nobody passes one."""
    default = param.info.param_values.get(param.name, (UNKNOWN, UNKNOWN))[1]
    return any(a.tag == "inst" for a in default)


def _is_injected(program: Program, source: Any, depth: int = 0) -> bool:
    """Whether a dependency is an approved one, or passes one on; without any that is named each will do."""
    approved = program.approved_dependencies
    if not program.policy.session_dependencies:
        return True
    owner = source.info if source.tag in ("cls", "inst") else None
    enters = (program.solver.method(owner, name) for name in ENTERS) if owner is not None else ()
    functions = program.targets(Dependency((source,), _NOWHERE))
    if not approved.isdisjoint((*functions, *(f for f in enters if f is not None))):
        return True
    given = (a for f in functions for a in (*f.summary.returns, *f.summary.yields) if isinstance(a, Injected))
    return depth < _DEEP and any(_is_injected(program, a.source, depth + 1) for a in given)


def _receives(program: Program, function: FunctionInfo) -> bool:
    return program.role(function) in RECEIVERS and not is_approved(program, function)


def _passed_by(program: Program) -> dict[Any, list[FunctionInfo]]:
    """The parameters that units of work are passed for, and the classes that are made with one, with the functions
    that pass one which nobody handed them."""
    found: dict[Any, list[FunctionInfo]] = {}
    for event in program.events("call"):
        for param, value in event.bindings:
            # what the object of a method was made with is bound, too
            if param.tag == "param" and param.info is event.callee and _is_unit(program, value):
                found.setdefault(param, []).append(event.function)
    for event in program.events("construct"):
        if any(_is_unit(program, value) for value in (*event.args, *(v for _, v in event.keywords))):
            for info in (base for a in event.value if a.tag == "cls" for base in program.solver.mro(a.info)):
                found.setdefault(info, []).append(event.function)
    return found


def _is_unit(program: Program, value: Value) -> bool:
    return any(a.tag == "inst" and _opens(program, a.info) for a in value)


def _opens(program: Program, info: ClassInfo) -> bool:
    """Whether entering objects of a class opens a session."""
    methods = (program.solver.method(info, name) for name in ENTERS)
    return any(m is not None and _OPENS in m.summary.effects for m in methods)
