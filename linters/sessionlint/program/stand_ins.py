"""Objects that pass whatever is asked of them on to what a function gives at that moment.

``db = LocalProxy(get_db)`` of werkzeug calls the function at each use (werkzeug.palletsprojects.com, "Context Locals"),
so what is done with ``db`` is done with the one that the function gives there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Handle, Site, Value, join

if TYPE_CHECKING:
    from sessionlint.program.api import Program

Keywords = list[tuple[str, Value]]
#: What makes one, of the function that gives the object.
_MAKERS: Final = ("werkzeug.local.LocalProxy", "werkzeug.LocalProxy", "quart.local.LocalProxy", "celery.local.Proxy")


def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``LocalProxy(get_db)``: what the function returns; nothing is called, and nothing opened, where it is made."""
    out: Value = UNKNOWN
    for atom in args[0] if args else UNKNOWN:
        function = _behind(frame, atom)
        if function is not None and not function.is_async and not function.is_generator:
            out = join(out, tuple([_at(frame, a, e) for a in frame.solver.summary_of(function).returns]))
    return out


def _at(frame: Frame, atom: Any, e: ir.Expr) -> Any:
    """A handle that the function gives, told from those that are really opened there."""
    return atom._replace(site=frame.site(e[1])) if isinstance(atom, Handle) else atom


def stand_ins(program: Program) -> frozenset[Site]:
    """Where such objects are made: to keep one is to keep no handle."""
    return frozenset(e.site for e in program.events("external") if e.name in _MAKERS)


def _behind(frame: Frame, atom: Any) -> FunctionInfo | None:
    """The function of the project that is called without arguments."""
    if atom.tag == "fn":
        function: FunctionInfo = atom.info
        return function
    return frame.solver.method(atom.info, "__call__") if atom.tag == "inst" else None


SPECIAL: Final[dict[str, Callable[[Frame, list[Value], Keywords, ir.Expr], Value]]] = dict.fromkeys(_MAKERS, made)
