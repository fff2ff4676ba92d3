"""Settings that a connection starts with: server settings, ``options`` and connection arguments."""

from __future__ import annotations

import re
from typing import Any

from sessionlint.program.model import Event
from sessionlint.program.strings import texts_of
from sessionlint.program.values import Value

_OPTION = re.compile(r"(?:-c\s*|--)([\w.]+)\s*=\s*(\S*)")


def settings_in(event: Event) -> list[tuple[str, Value]]:
    """Server settings (name, value) that the created engine or connection sends at connect."""
    found: list[tuple[str, Value]] = []
    for name, value in event.keywords:
        if name == "server_settings":
            found += _entries(value)
        elif name == "connect_args":
            for key, inner in _entries(value):
                found += _entries(inner) if key == "server_settings" else []
    return found


def options_of(event: Event) -> list[tuple[str, str]]:
    """Names and values of ``-c name=value`` in libpq's ``options``."""
    found: list[tuple[str, str]] = []
    for name, value in event.keywords:
        if name == "options":
            found += _options(value)
        elif name == "connect_args":
            for key, inner in _entries(value):
                found += _options(inner) if key == "options" else []
    return found


def options_in(value: Value) -> list[tuple[str, str]]:
    """Names and values of ``-c name=value`` in a text."""
    return _options(value)


def execution_options(event: Event) -> list[tuple[str, Value]]:
    """Execution options (name, value) of an engine or connection; those of one statement end with it."""
    if event.kind == "options":
        return list(event.keywords) if event.subject else []
    if event.kind == "use" and event.name != "connection":
        return []
    return [entry for name, value in event.keywords if name == "execution_options" for entry in _entries(value)]


def _options(value: Value) -> list[tuple[str, str]]:
    return [(m[1], m[2]) for t in texts_of(value) for m in _OPTION.finditer(t.text)]


def _entries(value: Value) -> list[tuple[str, Any]]:
    return [(k, v) for a in value if a.tag == "map" for k, v in a.items if isinstance(k, str)]
