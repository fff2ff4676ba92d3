"""What locks rows: queries, texts and arguments, and what parameters say of whether they do."""

from __future__ import annotations

import re
from typing import Any

from sessionlint.patterns import regex
from sessionlint.program import combined, compared, knowledge, strings
from sessionlint.program.frame import Frame
from sessionlint.program.guards import ENTRY, Guard
from sessionlint.program.values import Ext, Param, Row, Value

Keywords = list[tuple[str, Value]]

#: What makes a query lock the rows that it finds.
METHOD = "with_for_update"
#: What reads a row, and locks it when it is told to.
_READ = ("get", "get_one", "refresh")
#: The kinds of guards that the arguments of a call decide.
ASKED_OF_CALLERS = compared.TOLD | {combined.COMBINED, ENTRY}
_LOCKING_SQL = regex(
    r"\bfor\s+(?:(?:no\s+key\s+)?update|(?:key\s+)?share)\b|\bpg_(?:try_)?advisory_\w*lock\b|^\s*lock\s+table\b", re.I
)
_ADVISORY_LOCK = regex(r"sqlalchemy\.func\.pg_(?:try_)?advisory_\w*lock")
_LOCKING: Ext = Ext(knowledge.LOCKING_QUERY)


def locks_rows(name: str) -> bool:
    """Whether an external function, called in a query, takes a lock that lasts."""
    return bool(_ADVISORY_LOCK.match(name))


def made(frame: Frame) -> Value:
    """A ``select`` is told to lock its rows."""
    _note(frame, _LOCKING)
    return (_LOCKING,)


def made_of(frame: Frame, rows: Row) -> Value:
    """A ``Query`` is told to lock its rows."""
    locking = rows._replace(locks=True)
    _note(frame, locking)
    return (locking,)


def note_given(frame: Frame, value: Value) -> None:
    """A function has given a query that locks."""
    for atom in value:
        if atom == _LOCKING or (isinstance(atom, Row) and atom.query and atom.locks):
            _note(frame, atom)


def _note(frame: Frame, query: Any) -> None:
    """Notes what parameters say where a query is told to lock; nothing, where two places differ in it."""
    said = frozenset([guard for guard in frame.guards if guard.kind in ASKED_OF_CALLERS])
    known = frame.locked_under.get(query)
    frame.locked_under[query] = said if known is None or known == said else frozenset()


def asked(frame: Frame, name: str, args: list[Value], keywords: Keywords) -> tuple[Guard, ...] | None:
    """What parameters must say besides for an operation to lock rows; ``None``: it does not, or nobody knows when."""
    if name in _READ:
        return _asked_by_keyword(frame, dict(keywords).get(METHOD, ()))
    if name not in knowledge.SQL_METHODS or not args:
        return None
    queries = [a.name for a in args[0] if a.tag == "ext"]
    locking = [query for query in queries if query == knowledge.LOCKING_QUERY or locks_rows(query)]
    if locking:
        told = knowledge.LOCKING_QUERY in locking and bool(frame.locked_under.get(_LOCKING))
        return said_of(frame, _LOCKING) if told else () if len(locking) == len(queries) else None
    text = strings.text_of(args[0])
    return () if text is not None and _LOCKING_SQL.search(text.text) else None


def _asked_by_keyword(frame: Frame, flag: Value) -> tuple[Guard, ...] | None:
    """``with_for_update=lock``: a parameter of the function may decide."""
    if not flag or all(a.tag == "const" and not a.value for a in flag):
        return None
    alone = flag[0] if len(flag) == 1 else None
    own = isinstance(alone, Param) and alone.info is frame.function
    return (Guard(alone, "true", None, True),) if own else ()


def said_of(frame: Frame, query: Any) -> tuple[Guard, ...]:
    """What parameters must say, besides what they say here, for a query to be one that locks."""
    said = frame.locked_under.get(query)
    return tuple([guard for guard in said if guard not in frame.guards]) if said else ()


def known(frame: Frame, alternatives: Value) -> Value:
    """Leaves out the queries, or the methods that send them, that lock where others do not and nobody knows when."""
    queries = [_sent(a) for a in alternatives]
    if not any(q is not None and q.locks for q in queries) or all(q is None or q.locks for q in queries):
        return alternatives
    return tuple(
        [a for a, q in zip(alternatives, queries, strict=True) if q is None or not q.locks or frame.locked_under.get(q)]
    )


def _sent(atom: Any) -> Row | None:
    """The query that an alternative is, or sends."""
    query = atom.receiver if atom.tag == "method" and atom.name in knowledge.QUERY_RUNS else atom
    return query if isinstance(query, Row) and query.query else None
