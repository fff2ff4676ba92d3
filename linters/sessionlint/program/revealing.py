"""Parameters nobody in sight passes a session for, used as nothing else can be.

``db.execute(select(Item))`` or ``db.add(item)`` of a mapped class, together with ``db.commit()``, says that ``db`` is a
session; its name says nothing, and where nothing is ended nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Const, Ext, Method, Param, Text, Value

_STATEMENTS = {knowledge.QUERY, "sqlalchemy.update()", "sqlalchemy.delete()", "sqlalchemy.insert()"}
_EXECUTE = {"execute", "scalar", "scalars", "exec", "stream", "stream_scalars"}
_OF_ROWS = {"add", "add_all", "merge", "delete", "refresh", "expunge"}
_OF_CLASSES = {"get", "get_one", "query"}
_ENDS = {"commit", "rollback", "flush", "begin", "begin_nested"}
_ASYNC, _SYNC = Ext("sqlalchemy.ext.asyncio.AsyncSession()"), Ext("sqlalchemy.orm.Session()")
_COMPLETED: Value = (Const("completed", "mark"),)
_WORDS = _EXECUTE | _OF_ROWS | _OF_CLASSES | _ENDS


def note(frame: Frame, e: ir.Expr, args: list[Value]) -> None:
    """Keeps what a method call on an unknown parameter says of it, in a cell of the parameter's function."""
    name = e[2][3]
    if name not in _WORDS:
        return
    said = _said(frame, name, args)
    if not said:
        return
    receiver = frame.evaluate(e[2][2])
    if len(receiver) == 1 and isinstance(receiver[0], Param):
        awaited = (Method(receiver[0], "awaited"),) if "awaited" in frame.flags else UNKNOWN
        frame.solver.write(("said", receiver[0].info), (Method(receiver[0], said), *awaited))


def _said(frame: Frame, name: str, args: list[Value]) -> str:
    if name in _ENDS:
        return "" if args else "ends"
    first = args[0] if args else UNKNOWN
    if name in _EXECUTE:
        return "session" if any(a.tag == "ext" and a.name in _STATEMENTS for a in first) else ""
    if name in _OF_CLASSES:
        return "session" if any(a.tag in ("cls", "column") and _mapped(frame, a) for a in first) else ""
    rows = [a for v in (i for s in first if s.tag == "seq" for i in s.items) for a in v] if name == "add_all" else first
    return "row" if any(_mapped(frame, a) for a in rows) else ""


def _mapped(frame: Frame, atom: Any) -> bool:
    """Whether something is a mapped class, a column or a row of one."""
    if atom.tag == "param":
        return any(view.tag == "inst" and frame.solver.is_model(view.info) for view in frame.solver.views(atom))
    if atom.tag == "column":
        return atom.owner is not None
    return atom.tag == "row" or (atom.tag in ("cls", "inst") and frame.solver.is_model(atom.info))


def note_text(frame: Frame, texts: Iterable[Text]) -> None:
    """Keeps that SQL of a function is completed by its arguments: who calls it says what is run."""
    if any(t.holes and all(_is_argument(h, frame.function) for h in t.holes) for t in texts):
        frame.solver.write(("completed", frame.function), _COMPLETED)


def _is_argument(hole: Any, function: FunctionInfo) -> bool:
    while hole.tag == "operation":
        hole = hole.receiver
    return isinstance(hole, Param) and hole.info is function


def completed(functions: Iterable[FunctionInfo], cells: Mapping[Any, Value]) -> set[FunctionInfo]:
    """The functions whose SQL their callers complete."""
    return {function for function in functions if ("completed", function) in cells}


def revealed(
    functions: Iterable[FunctionInfo], cells: Mapping[Any, Value], arguments_of: Callable[[Param], Value]
) -> list[tuple[Param, Ext]]:
    """The parameters that end transactions, or pass the session on to who does, with the session that they are.

    ``arguments_of`` gives what is passed for a parameter. One for which something is known is left alone.
    """
    said: dict[Param, set[str]] = {}
    for function in functions:
        for method in cells.get(("said", function), UNKNOWN):
            said.setdefault(method.receiver, set()).add(method.name)
    found: list[tuple[Param, Ext]] = []
    for param, words in said.items():
        if "ends" not in words:
            continue
        passed = arguments_of(param)
        told = {word for one in (param, *passed) if one.tag == "param" for word in said.get(one, ())}
        if all(one.tag == "param" for one in passed) and not told.isdisjoint(("session", "row")):
            found.append((param, _ASYNC if "awaited" in told else _SYNC))
    return found
