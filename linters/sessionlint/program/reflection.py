"""``type(x)``: the class of what a value is."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import ClassOf, Cls, Ext, Value


def class_of(frame: Frame, value: Value) -> Value:
    """``type(x)``: the class of an object whose class is known."""
    out: list[Any] = []
    for atom in value:
        if atom.tag == "ext" and atom.name.endswith("()"):
            out.append(Ext(atom.name[:-2]))
        elif atom.tag == "inst":
            out.append(Cls(atom.info))
        elif frame.solver.kind_of(atom) == "session":
            out.append(session_class(frame, atom))
        elif atom.tag in ("param", "injected"):
            only = _only_class(frame, atom)
            out.append(ClassOf(atom) if only is None else Cls(only))
    return tuple(out)


def _only_class(frame: Frame, atom: Any) -> Any:
    """The class of the project that a parameter is declared as, when no other is below it."""
    declared = frame.solver.declared_classes(atom) if atom.tag == "param" else frame.solver.views(atom)
    return declared[0].info if len(declared) == 1 and declared[0].tag == "inst" else None


def session_class(frame: Frame, atom: Any) -> Ext:
    """The library's class of a session, or of the sessions a factory makes."""
    is_async = frame.solver.is_async(atom)
    return Ext("sqlalchemy.ext.asyncio.AsyncSession" if is_async else "sqlalchemy.orm.Session")


def engine_of(frame: Frame, atom: Any, name: str) -> Ext:
    """The engine of a session or connection: nobody knows which, but what it opens is another connection."""
    is_async = name != "sync_engine" and frame.solver.is_async(atom)
    return Ext("sqlalchemy.ext.asyncio.AsyncEngine()" if is_async else "sqlalchemy.Engine()")
