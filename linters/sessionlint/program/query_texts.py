"""Texts in SQLAlchemy's queries and psycopg's: what takes a part of the SQL as text, which is sent as it is written.

https://docs.sqlalchemy.org/en/20/core/selectable.html (``prefix_with``, ``suffix_with``, ``with_hint``,
``with_statement_hint``), https://docs.sqlalchemy.org/en/20/core/sqlelement.html (``op``, ``bool_op``),
https://www.psycopg.org/psycopg3/docs/api/sql.html (``SQL``), https://www.psycopg.org/docs/extras.html.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import knowledge, revealing, strings, text_origins
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Const, Ext, Value

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

#: What takes SQL, of whatever it is a method.
TAKE_STATEMENTS: Final = frozenset({*knowledge.SQL_METHODS, *knowledge.COPY_METHODS, "executescript", "mogrify"})
_STATEMENT: Final = regex(
    r"\s*(?:select|insert\s+into|update|delete\s+from|with|set|create|alter|drop|truncate)\s", re.I
)
_COPIES: Final = regex(r"\s*copy\s.*\s(?:from|to)\s+(?:std(?:in|out)|program)\b", re.I | re.S)
_WORD: Final = (
    r"(?!(?:from|as|set|to|on|and|or|is|not|null|case|when|then|end|in|like|between|over|at|only|all|distinct|table|index"
    r"|view|role|user|schema|database|local|session|time|transaction|if|recursive|interval|into|select"
    r"|values|default|using|where|unique|function|trigger|type|sequence|policy|extension|materialized|temp|temporary"
    r"|unlogged|restart|continue|cascade|restrict|authorization|limit|order|group|join|inner|left|right|cross)\b)[a-z']+"
)
#: A sentence: three words in a row that nothing stands between are no SQL.
_PROSE: Final = regex(rf"\s*\w+\s+{_WORD}\s+{_WORD}\s+{_WORD}(?![\w\0]|\s*[(.,=])", re.I)


def is_statement(name: str, text: str) -> bool:
    """Whether a text that a method of something unknown is given is SQL."""
    if name in knowledge.COPY_METHODS:
        return _COPIES.match(text) is not None
    return _STATEMENT.match(text) is not None and _PROSE.match(text) is None


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


def _composed(name: str) -> Any:
    """``sql.SQL(text)``: its fields are filled with what the driver quotes, the rest is sent as it is."""

    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        value = args[0] if args else dict(keywords).get("string", dict(keywords).get("obj", UNKNOWN))
        texts = strings.texts_of(value)
        frame.emit("sql", e[1], name="SQL", value=texts, args=text_origins.of_sql(frame, value, e), expr=e, text=PART)
        revealing.note_text(frame, texts)
        return (Ext(f"{name}()"),)

    return make


def _sent(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``execute_values(cursor, text, rows)``: a function that has a cursor send a text."""
    value = args[1] if len(args) > 1 else dict(keywords).get("sql", UNKNOWN)
    texts = strings.texts_of(value)
    if not any(a.tag == "ext" for a in value):
        frame.emit("sql", e[1], name="execute", value=texts, args=(value,), expr=e, text="unknown")
        revealing.note_text(frame, texts)
    return UNKNOWN


SPECIAL: dict[str, Any] = {
    **{name: _composed(name) for name in ("psycopg.sql.SQL", "psycopg2.sql.SQL")},
    **dict.fromkeys(("psycopg2.extras.execute_values", "psycopg2.extras.execute_batch"), _sent),
}
