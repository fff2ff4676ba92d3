"""Settings that a connection starts with: server settings, ``options`` and connection arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.strings import texts_of
from sessionlint.program.values import Value
from sessionlint.rules.connect_hooks import put_by_listeners
from sessionlint.rules.database_urls import URL_MADE, connected_to, made_query

_OPTION = regex(r"(?:-c\s*|--)([\w.]+)\s*=\s*(\S*)")


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


def settings_elsewhere(program: Program) -> list[tuple[Event, list[str]]]:
    """Names of settings that a connection starts with by its URL's query, or by a listener, each where it is told."""
    return program.shared(_elsewhere)


def _elsewhere(program: Program) -> list[tuple[Event, list[str]]]:
    found = [(event, _put_under(event, key)) for event, key in put_by_listeners(program)]
    written = [(event, _in_query(made_query(event))) for event in program.events("external") if event.name == URL_MADE]
    told = {event.site for event, names in written if names}
    for kind in ("driver connection", "driver pool", "engine"):
        for event in (e for e in program.events("create") if e.name == kind):
            urls = [url for url, site in connected_to(program, event) if site not in told and url.query]
            found.append((event, [name for url in urls for name in _in_query(url.query)]))
    return [(event, names) for event, names in (*found, *written) if names]


def _put_under(event: Event, key: str) -> list[str]:
    """What a listener sets by an assignment under a key of the arguments, or inside of what stands there."""
    if key == "options":
        return [name for name, _ in _options(event.value)] if event.name == key else []
    if key != "server_settings":
        return []
    return [name for name, _ in _entries(event.value)] if event.name == key else [event.name]


def _in_query(query: Iterable[tuple[str, str]]) -> list[str]:
    return [m[1] for key, value in query if key == "options" for m in _OPTION.finditer(unquote_plus(value))]


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
