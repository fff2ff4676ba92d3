"""What a bot's middlewares put into ``data``, which its handlers are given as the arguments that are called so.

``data["session"] = session``, ``data["repo"] = Repo(session)``: the session of a handler stays what the handler was
given, but an object beside it that was made with the same one has that.
https://docs.aiogram.dev/en/latest/dispatcher/middlewares.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import SESSION, Ext, Value

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

LIBRARY: Final = "aiogram."
_BASE: Final = "BaseMiddleware"
_DECORATORS: Final = "middleware"
#: Cells: what is put under a name, and the functions that take their arguments from there.
_PUT: Final = "put under a name"
_TAKES: Final = "takes by name"


def is_middleware(solver: Solver, owner: ClassInfo) -> bool:
    """Whether objects of a class are a bot's middlewares."""
    return any(b.startswith(LIBRARY) and b.endswith(_BASE) for b in solver.external_bases(owner))


def _puts(solver: Solver, function: FunctionInfo) -> bool:
    owner = function.class_info
    if owner is not None:
        return is_middleware(solver, owner)
    return any(
        a.tag == "ext" and a.name.startswith(LIBRARY) and _DECORATORS in a.name
        for _, value in function.decorator_values
        for a in value
    )


def put(frame: Frame, key: str, value: Value) -> None:
    """``data["repo"] = Repo(session)`` on what the function was given."""
    if _puts(frame.solver, frame.function):
        frame.solver.write((_PUT, key), value)


def serves(frame: Frame, function: FunctionInfo, name: str) -> None:
    """A dispatcher is given a function to call."""
    if name.startswith(LIBRARY) and _DECORATORS not in name:
        frame.solver.write((_TAKES, function), (Ext(name),))


def given(frame: Frame, function: FunctionInfo) -> dict[Any, Value]:
    """What the middlewares in sight hand a handler, by its parameters; nothing for other functions."""
    found: dict[Any, Value] = {}
    if not frame.solver.read((_TAKES, function)):
        return found
    for name, *_ in function.params:
        value = _told(frame.solver.read((_PUT, name)))
        key = identity(function, name)
        if len(value) == 1 and (frame.solver.kind_of(value[0]) != SESSION or frame.solver.kind_of(key) == SESSION):
            found[key] = value
    return found


def _told(value: Value) -> Value:
    """Without what was an object of which nothing was known yet."""
    if len(value) < 2:
        return value
    made = {a.info for a in value if a.tag == "inst" and a.bindings}
    return tuple([a for a in value if a.tag != "inst" or a.bindings or a.info not in made])
