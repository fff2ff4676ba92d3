"""Texts in SQLAlchemy's queries: methods that take a part of the SQL as text, which is sent as it is written.

https://docs.sqlalchemy.org/en/20/core/selectable.html (``prefix_with``, ``suffix_with``, ``with_hint``,
``with_statement_hint``), https://docs.sqlalchemy.org/en/20/core/sqlelement.html (``op``, ``bool_op``).
"""

from __future__ import annotations

from typing import Final

from sessionlint.facts import ir
from sessionlint.program import strings
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Const, Value

Keywords = list[tuple[str, Value]]

_OPERATORS: Final = frozenset({"op", "bool_op"})
#: So many of the first arguments are text; a hint may stand behind the table it is for.
_TEXTS: Final = {"prefix_with": 9, "suffix_with": 9, "with_hint": 2, "with_statement_hint": 1, "op": 1, "bool_op": 1}
METHODS: Final = frozenset(_TEXTS)
#: Methods of ``text(…)`` that give the same text.
KEEPS: Final = frozenset({"bindparams", "columns", "execution_options"})
_NAMES: Final = frozenset({"text", "opstring"})
#: The event's text: no statement, and none that the ORM would write.
PART: Final = "part"


def told(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """One of these methods of a query or column is called."""
    for value in (*args[: _TEXTS[name]], *[v for k, v in keywords if k in _NAMES]):
        texts = tuple([t for t in strings.texts_of(value) if t.dynamic])
        if texts or any(a.tag == "param" for a in value):
            frame.emit("sql", e[1], name=name, value=texts, args=(value,), expr=e, text=PART)


def of_unknown(frame: Frame, name: str, args: list[Value], e: ir.Expr) -> None:
    """``owner.name.op(text)`` of something unknown: an operator of SQL where a query takes the outcome."""
    value = args[0] if name in _OPERATORS and args else UNKNOWN
    texts = tuple([t for t in strings.texts_of(value) if t.dynamic])
    if texts and frame.solver.read(_cell(frame, e)):
        frame.emit("sql", e[1], name=name, value=texts, args=(value,), expr=e, text=PART)


def taken(frame: Frame, e: ir.Expr) -> None:
    """A query takes these as conditions: ``query.where(owner.name.op(text)(value))``."""
    for given in e[3] if e[0] == "c" else ():
        operator = given[2] if given[0] == "c" else given
        if operator[0] == "c" and operator[2][0] == "a" and operator[2][3] in _OPERATORS:
            frame.solver.write(_cell(frame, operator), (Const(True, "bool"),))


def _cell(frame: Frame, e: ir.Expr) -> tuple[str, object]:
    return ("operator", frame.site(e[1]))


def bound(frame: Frame, texts: Value, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """What the names in a text stand for: ``bindparams(name="a")``, ``execute(text, {"name": "a"})``."""
    frame.emit("bound", e[1], value=texts, args=tuple(args), keywords=tuple(keywords), expr=e)
