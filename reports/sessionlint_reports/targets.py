"""Target dates people promised for parts of the code: the optional file ``sessionlint-targets.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sessionlint.errors import UsageError
from sessionlint.globs import PathMatcher

FILE_NAME = "sessionlint-targets.toml"
_KEYS = ("path", "due", "assigned", "note")


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: what matches ``path`` (a pattern as in ``.gitignore``) is clean by ``due``; the rest is free text."""

    path: str
    due: date
    assigned: str = ""
    note: str = ""


def read_targets(file: Path) -> tuple[Target, ...]:
    """The targets in ``file`` in its order. Raises :class:`UsageError` that names every mistake."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start}).") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: is no TOML: {error}.") from error
    problems = [f"unknown key {key!r}; targets are written as [[target]]" for key in document if key != "target"]
    entries = document.get("target", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{file}: 'target' has to be a list of tables, each written as [[target]].")
    found = []
    for number, entry in enumerate(entries, start=1):
        mistakes = _mistakes(entry)
        problems += [f"target {number}: {mistake}" for mistake in mistakes]
        if not mistakes:
            found.append(Target(entry["path"], entry["due"], entry.get("assigned", ""), entry.get("note", "")))
    if problems:
        raise UsageError(f"{file}: " + "; ".join(problems) + ".")
    return tuple(found)


def target_for(path: str, targets: Sequence[Target]) -> Target | None:
    """The last target whose pattern matches ``path``."""
    return next((target for target in reversed(targets) if PathMatcher((target.path,)).matches(path)), None)


def _mistakes(entry: Mapping[str, Any]) -> list[str]:
    found = [f"unknown key {key!r} (known: {', '.join(_KEYS)})" for key in entry if key not in _KEYS]
    if not isinstance(entry.get("path"), str):
        found.append('needs path = "pattern"')
    # a date with a time of day is a date too, for isinstance
    if type(entry.get("due")) is not date:
        found.append("needs due = YYYY-MM-DD, without quotes")
    found += [f"{key} has to be a text" for key in ("assigned", "note") if not isinstance(entry.get(key, ""), str)]
    return found
