"""A policy as commented TOML, and how it gets into a file that already holds other things."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence

from sessionlint.errors import UsageError
from sessionlint.layers import LAYERS
from sessionlint.patterns import regex
from sessionlint.policy_model import Policy
from sessionlint.presets import DEFAULT_LAYERS, PRESETS

_HEADER = regex(r"[ \t]*\[{1,2}[ \t]*([^\[\]]+?)[ \t]*\]{1,2}[ \t]*(#.*)?\r?\n?$")
_LAYER_EXAMPLES = {
    "router": "app/routers/**",
    "service": "app/services/**",
    "background": "app/tasks/**",
    "auth": "app/auth/**",
    "model": "app/models/**",
}
_LAYER_COMMENTS = {
    "router": "endpoints: they receive the session through the dependency and own the transaction",
    "service": "data access: takes a session as a parameter, never opens one, never commits",
    "background": "tasks and jobs: they open their own session with the context manager",
    "auth": "decodes tokens and checks permissions",
    "model": "the tables",
    "migration": "may do what it needs",
    "test": "may do what it needs",
}


def render(policy: Policy, notes: Sequence[str] = (), *, table: str = "") -> str:
    """The commented TOML of ``policy``, ending in a newline; ``table`` is ``tool.sessionlint`` in a shared file.

    ``notes`` say how the values were found: those that begin with ``session module``, ``router layer`` and the like
    stand above that key, the others at the top. Keys at their preset's value are commented out.
    """
    preset = PRESETS[policy.preset]
    reasons = _by_key(notes)
    lines = reasons.pop("", [])
    if table:
        lines.append(f"[{table}]")
    lines += [
        "# " + "; ".join(f'"{other.name}": {other.summary}' for other in PRESETS.values()) + ".",
        _entry("preset", policy.preset),
        "# Import roots, and folders to leave out (patterns as in .gitignore).",
        _entry("src", policy.src),
        _entry("exclude", policy.exclude, off=not policy.exclude),
        "# The only files that may create engines, session factories and sessions. Files, never folders.",
        *reasons.get("session-modules", ()),
        _entry("session-modules", policy.session_modules),
        "# What endpoints depend on, and the context manager everything else uses, by qualified name.",
        *reasons.get("session-dependencies", ()),
        _entry("session-dependencies", policy.session_dependencies),
        *reasons.get("session-contexts", ()),
        _entry("session-contexts", policy.session_contexts),
    ]
    for key, values in _additions(policy):
        lines.append(_entry(key, values))
    lines += [
        '# Columns and parameters that name a tenant; "forbid" flags filtering by them.',
        _entry("tenant-names", policy.tenant_names),
        _entry("tenant-policy", policy.tenant_policy, off=policy.tenant_policy == preset.tenant_policy),
        '# TLS to the database: "verified", "required" or "off".',
        _entry("tls", policy.tls, off=policy.tls == preset.tls),
        "# Routes that need no authentication.",
        _entry("allow-unprotected", policy.allow_unprotected or ("/health",), off=not policy.allow_unprotected),
        "# Rules to run and to leave out, by code or the beginning of one.",
        _entry("select", policy.select, off=policy.select == ("TXN",)),
        _entry("ignore", policy.ignore, off=not policy.ignore),
        "",
        "# Which files play which part; the pattern that matches deepest decides.",
        f"[{table}.layers]" if table else "[layers]",
    ]
    for layer in LAYERS:
        patterns = policy.layers.get(layer) or DEFAULT_LAYERS.get(layer, ())
        off = not patterns or tuple(patterns) == DEFAULT_LAYERS.get(layer)
        shown = patterns or (_LAYER_EXAMPLES[layer],)
        lines += reasons.get(layer, ())
        lines.append(f"{_entry(layer, shown, off=off)}  # {_LAYER_COMMENTS[layer]}")
    lines += _map_table("severity", policy.severity, table)
    lines += _map_table("per-file-ignores", policy.per_file_ignores, table)
    return "\n".join(lines) + "\n"


def _by_key(notes: Sequence[str]) -> dict[str, list[str]]:
    """The notes as comments, by the key or layer they begin with; ``""`` for the top."""
    starts = {f"{layer} layer ": layer for layer in LAYERS} | {
        "session module ": "session-modules",
        "session dependency ": "session-dependencies",
        "session context ": "session-contexts",
    }
    found: dict[str, list[str]] = {}
    for note in notes:
        key = next((starts[start] for start in starts if note.startswith(start)), "")
        found.setdefault(key, []).append(f"# {note}")
    return found


def _additions(policy: Policy) -> Iterable[tuple[str, tuple[str, ...]]]:
    for key in ("session-types", "session-factories", "auth-dependencies", "network-calls", "background-sinks"):
        values: tuple[str, ...] = getattr(policy, key.replace("-", "_"))
        if values:
            yield key, values


def _map_table(name: str, mapping: object, table: str) -> list[str]:
    if not isinstance(mapping, dict) or not mapping:
        return []
    head = f"[{table}.{name}]" if table else f"[{name}]"
    return ["", head, *(f"{_text(key)} = {_value(value)}" for key, value in mapping.items())]


def _entry(key: str, value: object, *, off: bool = False) -> str:
    return f"{'# ' if off else ''}{key} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    return _text(value)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def insert(text: str, block: str, *, replace: bool = False) -> str:
    """``text`` (a whole ``pyproject.toml``) with ``block`` as its ``[tool.sessionlint]``.

    An existing table is taken out first when ``replace`` is set. Line ends follow ``text``. Raises
    :class:`UsageError` when the result would not be the same file with that table.
    """
    kept = remove(text) if replace else text
    newline = "\r\n" if "\r\n" in text else "\n"
    body = kept.rstrip("\r\n")
    gap = newline * 2 if body else ""
    result = body + gap + block.replace("\n", newline)
    _verify(text, result, block)
    return result


def remove(text: str) -> str:
    """``text`` without ``[tool.sessionlint]``, its sub-tables and the comments right above it."""
    kept: list[str] = []
    dropping = False
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header:
            name = re.sub(r"""[\s"']""", "", header[1])
            inside = name == "tool.sessionlint" or name.startswith("tool.sessionlint.")
            while inside and not dropping and kept and kept[-1].lstrip().startswith("#"):
                kept.pop()
            dropping = inside
        if not dropping:
            kept.append(line)
    return "".join(kept)


def _verify(before: str, after: str, block: str) -> None:
    try:
        old, new, own = tomllib.loads(before), tomllib.loads(after), tomllib.loads(block)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the policy cannot be added to pyproject.toml: {error}. Put it into sessionlint.toml."
        ) from error
    expected = {**old, "tool": {**old.get("tool", {}), **own["tool"]}}
    if new != expected:
        raise UsageError("the policy cannot be added to pyproject.toml without changing the rest of it.")
