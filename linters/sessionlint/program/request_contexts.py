"""The dictionary that ``starlette_context`` keeps for each request, in a context variable: one entry by its name.

https://starlette-context.readthedocs.io/en/latest/quickstart.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import ambient
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Value, join, literal

#: The dictionary by its import path.
NAME: Final = "starlette_context.context"
_CELL: Final = "request context"
#: What a session is told to be kept by.
_STORED: Final = "context variable"

Keywords = list[tuple[str, Value]]


def entry(frame: Frame, key: Any) -> Value:
    """``context["session"]``."""
    return ambient.read(frame, frame.solver.read((_CELL, key))) if isinstance(key, str) else UNKNOWN


def keep(frame: Frame, key: str, value: Value, span: ir.Span4) -> None:
    """``context["session"] = session``."""
    frame.solver.write((_CELL, key), value)
    frame.store(_STORED, key, value, span)


def _get(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return join(entry(frame, literal(args[0])), args[1] if len(args) > 1 else UNKNOWN) if args else UNKNOWN


def _fill(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``with request_cycle_context({"session": session}):``, ``context.update({…})``."""
    given = [*args[:1], *(v for k, v in keywords if k == "initial_data")]
    entries = [pair for value in given for a in value if a.tag == "map" for pair in a.items]
    for key, value in entries:
        if isinstance(key, str) and value:
            keep(frame, key, value, e[1])
    return UNKNOWN


SPECIAL: Final[dict[str, Callable[[Frame, list[Value], Keywords, ir.Expr], Value]]] = {
    "starlette_context.request_cycle_context": _fill,
    f"{NAME}.get": _get,
    f"{NAME}.update": _fill,
}
