"""Calls of ``func.set_config`` and functions that are handed the name of a setting, or a part of an SQL text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.strings import texts_of
from sessionlint.program.values import Value
from sessionlint.rules.sqltext import SqlUse, completed_uses, is_set_config, sql_uses

#: What SQLAlchemy puts around a value that is written out.
_AROUND: Final = ("literal", "literal_column", "cast", "type_coerce", "text")


def setting_calls(program: Program) -> Iterator[tuple[Event, list[str]]]:
    """The calls of ``func.set_config``, with what the name of the setting may be."""
    calls = [e for e in program.events("external") if is_set_config(e.name) and e.args]
    wrapped = _wrapped(program) if calls else {}
    for event in calls:
        written = event.expr[3][0][1] if event.expr is not None and event.expr[0] == "c" and event.expr[3] else None
        name = (*event.args[0], *wrapped.get((event.path, written), ()))
        yield event, [t.text for t in texts_of(name)]


def _wrapped(program: Program) -> dict[object, Value]:
    """What stands in ``literal(…)`` and the like, by its place."""
    return {
        (e.path, e.span): e.args[0]
        for e in program.events("external")
        if e.args and e.name.startswith("sqlalchemy.") and e.name.rpartition(".")[2] in _AROUND
    }


def uses_found(program: Program, find: Callable[[SqlUse], str | None]) -> Iterator[tuple[SqlUse, str]]:
    """The SQL texts in which something is found, each told of once: where it is written, or by who completes it."""
    told: set[object] = set()
    for use in (*sql_uses(program), *completed_uses(program)):
        if use.event.site in told:
            continue
        found = find(use)
        if found is not None and not any((s.path, s.line) in told for s in use.trace):
            told.update((use.event.site, (use.event.path, use.event.span[0])))
            yield use, found


__all__ = ["setting_calls", "uses_found"]
