"""Scripts that move a database from one state to the next, whatever they are called: told by what they send to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessionlint.patterns import regex
from sessionlint.program import network
from sessionlint.program.model import Event, ModuleInfo
from sessionlint.program.values import Ext
from sessionlint.rules.scripts import main_blocks

_DEFINES = regex(r"\s*(?:alter|create|drop)\s+(?:unique\s+)?(?:table|index|column|type|view)\b", re.I)
#: What changes tables that are there already: a program may make its own when it starts.
_CHANGES = regex(r"\s*(?:alter\s+(?:table|type)|drop\s+(?:table|column|index)|create\s+(?:unique\s+)?index)\b", re.I)
#: The same, anywhere in what was read of a file.
_MENTIONS = regex(rb"\b(?:alter|drop)\s+(?:table|type|column|index)\b", re.I)
_WORKS = regex(r"\s*(?:insert\s+into|update\s+\S|delete\s+from|select|with\s+\S)", re.I)
_CATALOGUE = regex(r"information_schema|\bpg_\w+|sqlite_master|sqlite_schema", re.I)
#: What hands statements on, and what asks for their results.
_SENDS = frozenset({
    "execute", "exec_driver_sql", "cursor", "fetchone", "fetchall", "first", "scalar", "scalar_one", "all", "commit",
    "rollback", "close", "executescript", "exec", "run_sync", "driver_connection", "fetch", "fetchval", "fetchrow",
})  # fmt: skip
_TEXT = Ext("sqlalchemy.text()")
#: For one statement that works with rows there are so many at least that say what tables there are.
_MOST = 2


def changes_tables(module: ModuleInfo) -> bool:
    """Whether a file is run by hand, and little else than to change the tables that there are."""
    if not main_blocks(module) or not _MENTIONS.search(module.blob):
        return False
    functions = (module.body, *module.functions)
    if any(f.routes or "background" in f.registrations for f in functions):
        return False
    events = [e for f in functions for e in f.events]
    # to wait for a lock is part of it
    if any(e.kind in ("schedule", "network", "concurrent") and e.name not in network.SLEEPS for e in events):
        return False
    texts = [text for f in functions for text in _texts(f.body)]
    changing = any(_CHANGES.match(text) for text in texts)
    defining = sum(_DEFINES.match(text) is not None for text in texts)
    return changing and defining >= _MOST * (sum(map(_works, texts)) + _rows_worked_with(events))


def _works(text: str) -> bool:
    return _WORKS.match(text) is not None and _CATALOGUE.search(text) is None


def _rows_worked_with(events: list[Event]) -> int:
    """How often events work with rows otherwise than by a text: by a query that is put together, by objects."""
    return sum(e.kind == "use" and (e.name not in _SENDS or _is_put_together(e)) for e in events)


def _is_put_together(use: Event) -> bool:
    """Whether a statement is no text, nor what a caller gives."""
    given = use.args[0] if use.name == "execute" and use.args else ()
    return bool(given) and not any(a.tag in ("text", "const", "param") or a == _TEXT for a in given)


def _texts(node: Any) -> Iterator[str]:
    """The texts in statements."""
    pending = [node]
    while pending:
        for child in pending.pop():
            if type(child) is tuple:
                pending.append(child)
            elif type(child) is str:
                yield child
