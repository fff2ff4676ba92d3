"""Dependencies that reach a route as an argument of the function that makes its router.

``create_router(get_session)`` writes ``Depends(get_session)`` of its parameter, or takes ``Depends(…)`` itself for a
default: what FastAPI calls is what the function is handed.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import Dependency, Value

_CALLED = ("fn", "cls", "inst", "partial", "method")


def asked_for(frame: Frame, dependency: Dependency) -> Dependency:
    """The dependency with what the function around is handed in the place of its parameters."""
    if not any(a.tag == "param" for a in dependency.target):
        return dependency
    given = [a for a in _handed(frame, dependency.target) if a.tag in _CALLED]
    if not given:
        return dependency
    for atom in given:
        if atom.tag == "fn":
            frame.solver.want(atom.info)
    written = [a for a in dependency.target if a.tag != "param"]
    return dependency._replace(target=tuple(dict.fromkeys((*written, *given))), handed=True)


def in_default(frame: Frame, default: Value) -> Any:
    """The ``Depends(…)`` that the function around is handed for a default; ``None`` where it is handed none."""
    if not any(a.tag == "param" for a in default):
        return None
    given = [a for a in _handed(frame, default) if isinstance(a, Dependency)]
    return given[0]._replace(handed=True) if given else None


def _handed(frame: Frame, value: Value) -> list[Any]:
    """What callers pass for the parameters, always in the same order; tests pass theirs for themselves alone."""
    found: dict[Any, None] = {}
    for param in value:
        if param.tag == "param":
            found.update(dict.fromkeys(frame.solver.ask("arguments_of", param)))
    own = [a for a in found if frame.solver.policy.layer_of(_place(a)[0]) != "test"]
    return sorted(own, key=_place)


def _place(atom: Any) -> tuple[str, Any]:
    """Where an argument is defined or written."""
    if atom.tag in ("fn", "cls", "inst"):
        return (atom.info.path, atom.info.header)
    if isinstance(atom, Dependency):
        return atom.site
    inner = [_place(a) for a in (atom.function if atom.tag == "partial" else ())]
    return min(inner) if inner else ("", (0, 0, 0, 0))
