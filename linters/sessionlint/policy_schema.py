"""Validates a policy as a whole: every mistake at once, each with its remedy and the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from sessionlint.codes import CODES, is_code_prefix, nearest_code, resolve_code
from sessionlint.errors import PolicyError
from sessionlint.globs import has_wildcard, never_matches
from sessionlint.layers import LAYERS
from sessionlint.patterns import regex
from sessionlint.policy_model import OutputFormat, Policy
from sessionlint.presets import DEFAULT_LAYERS, DEFAULT_PRESET, PRESETS, Suppressions, TenantPolicy, Tls
from sessionlint.report import Severity

_NAME = regex(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
_ENTER = regex(r"(?<=\w)\.__a?enter__\Z")
_IDENTIFIER = regex(r"[A-Za-z_]\w*\Z")


class _BadValueError(Exception):
    """A value that is not usable; its text says why and what to write instead."""


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the valid name most like ``wrong``, or ``""`` when none is near."""
    close = get_close_matches(wrong.lower().replace("_", "-"), list(valid), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def _shown(value: object) -> str:
    """``value`` as it looks in TOML, cut to a readable length."""
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        raise _BadValueError(f'is {_shown(value)}, a single text; write a list: ["{value}"].')
    if not isinstance(value, list):
        raise _BadValueError(f"is {_shown(value)}; write a list of texts.")
    wrong = [item for item in value if not isinstance(item, str)]
    if wrong:
        raise _BadValueError(f"holds {_shown(wrong[0])}, which is not a text; put it in quotes.")
    return value


def _each(check: Callable[[str], str | None]) -> Callable[[object], tuple[str, ...]]:
    """A reader of a list of texts in which ``check`` names what is wrong with an item, or None."""

    def read(value: object) -> tuple[str, ...]:
        problems = []
        items = _strings(value)
        for item in items:
            problem = check(item) if item else "is empty; remove it."
            if problem:
                problems.append(f'"{item}" {problem}')
        if problems:
            raise _BadValueError("\n".join(problems))
        return tuple(dict.fromkeys(items))

    return read


def _relative(item: str) -> str | None:
    if item.startswith(("/", "~")) or re.match(r"[A-Za-z]:", item):
        return "is an absolute path; write it relative to the folder of the policy."
    if "\\" in item and not has_wildcard(item.replace("\\", "")):
        return f'holds a backslash; write "{item.replace(chr(92), "/")}".'
    if ".." in item.split("/"):
        return "leaves the project; move the policy to the folder that holds everything."
    return None


def _pattern(item: str) -> str | None:
    if item.startswith("!"):
        return "is a negated pattern, which a policy cannot hold; name what belongs, nothing else."
    return _relative(item) or never_matches(_plain(item))


def _plain(pattern: str) -> str:
    """``pattern`` as it is matched: paths do not begin with ``./``."""
    return pattern.removeprefix("./")


def _file(item: str) -> str | None:
    problem = _relative(item)
    if problem:
        return problem
    if has_wildcard(item):
        return "is a pattern; name each session module file by file, so that no other file is approved with it."
    if item.endswith("/") or not item.endswith(".py"):
        guess = item.rstrip("/")
        guess = f"{guess}/session.py" if "/" in guess or "." not in guess else f"{guess.replace('.', '/')}.py"
        return f'is not a Python file; name the file itself, such as "{guess}", never a folder or a module.'
    return None


def _folder(item: str) -> str | None:
    problem = _relative(item)
    if problem:
        return problem
    return "is a pattern; name each import root." if has_wildcard(item) else None


def _qualified(item: str) -> str | None:
    if _NAME.match(item):
        return None
    dotted = re.sub(r"\.py\b", "", item).replace(":", ".").replace("/", ".").strip(".()")
    hint = f'; write "{dotted}"' if _NAME.match(dotted) else ""
    return f"is not a qualified name such as app.db.get_session{hint}."


def _identifier(item: str) -> str | None:
    return None if _IDENTIFIER.match(item) else "is not a Python name; name the column or parameter alone."


def _route(item: str) -> str | None:
    return None if item.startswith("/") else f'is not a path; write "/{item}".'


def _code(item: str) -> str | None:
    if is_code_prefix(item):
        return None
    named = resolve_code(item)
    if named:
        return f'is not a code; write "{named}" ({CODES[named]}).'
    near = nearest_code(item)
    return "is not a rule code or the beginning of one." + (f" Did you mean {near!r}?" if near else "")


def _choice(choices: tuple[str, ...]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if isinstance(value, str) and value in choices:
            return value
        hint = nearest(value, choices) if isinstance(value, str) else ""
        raise _BadValueError(f"is {_shown(value)}; write one of {', '.join(repr(c) for c in choices)}.{hint}")

    return read


def _integer(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise _BadValueError(f"is {_shown(value)}; write a whole number from {least} to {most}.")

    return read


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise _BadValueError(f"is {_shown(value)}; write a text.")


def _cache_dir(value: object) -> str:
    path = _text(value)
    problem = _relative(path)
    if not problem and not Path(path).parts:
        problem = f"is {_shown(path)}; name a folder of its own below the project."
    if problem:
        raise _BadValueError(problem)
    return path


def _baseline(value: object) -> str:
    path = _text(value)
    problem = _relative(path)
    if not problem and not path.endswith(".json"):
        problem = f'is {_shown(path)}; name a file that ends in ".json".'
    if problem:
        raise _BadValueError(problem)
    return path


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _BadValueError(f"is {_shown(value)}; write true or false.")


def _contexts(value: object) -> tuple[str, ...]:
    """Context managers; a class may be named by the method that enters its objects."""
    return tuple(dict.fromkeys(_ENTER.sub("", name) for name in _each(_qualified)(value)))


_codes = _each(_code)


def _patterns(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_plain, _each(_pattern)(value))))


#: The keys that hold a value, with what reads it.
KEYS: Mapping[str, Callable[[object], Any]] = {
    "preset": _choice(tuple(PRESETS)),
    "src": _each(_folder),
    "exclude": _patterns,
    "session-modules": _each(_file),
    "session-dependencies": _each(_qualified),
    "session-contexts": _contexts,
    "session-types": _each(_qualified),
    "session-factories": _each(_qualified),
    "auth-dependencies": _each(_qualified),
    "network-calls": _each(_qualified),
    "background-sinks": _each(_qualified),
    "tenant-names": _each(_identifier),
    "tenant-policy": _choice(get_args(TenantPolicy)),
    "tls": _choice(get_args(Tls)),
    "suppressions": _choice(get_args(Suppressions)),
    "pool-min": _integer(1, 10_000),
    "pooler-port": _integer(1, 65_535),
    "allow-unprotected": _each(_route),
    "select": _codes,
    "extend-select": _codes,
    "ignore": _codes,
    "baseline": _baseline,
    "cache-dir": _cache_dir,
    "output-format": _choice(get_args(OutputFormat)),
    "root": _flag,
}

#: The keys that hold a table.
TABLES = ("layers", "severity", "per-file-ignores")

_severity = _choice(get_args(Severity))


def _table(value: object, example: str) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise _BadValueError(f"is {_shown(value)}; write a table: {example}")


class _Reader:
    """Collects values and problems; nothing stops at the first mistake."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.stated: list[str] = []
        #: The key or entry each problem is about, and what to say.
        self.problems: list[tuple[str, str]] = []

    def take(self, key: str, value: object, read: Callable[[object], Any]) -> Any:
        """The value of ``key`` as ``read`` understands it; None after noting its problems."""
        try:
            result = read(value)
        except _BadValueError as bad:
            self.problems.extend((key, f"{key}: {line}") for line in str(bad).split("\n"))
            return None
        self.stated.append(key)
        return result

    def entries(
        self, key: str, value: object, example: str, check: Callable[[str], str | None], read: Callable[[object], Any]
    ) -> dict[str, Any]:
        """The usable entries of table ``key``: names pass ``check``, values pass ``read``."""
        table = self.take(key, value, lambda raw: _table(raw, example))
        found = {}
        for name, raw in (table or {}).items():
            problem = check(name)
            if problem:
                self.problems.append((f"{key}.{name}", f'{key}: "{name}" {problem}'))
                continue
            result = self.take(f"{key}.{name}", raw, read)
            if result is not None:
                found[name] = result
        return found


def _layer_name(name: str) -> str | None:
    return None if name in LAYERS else f"is not a layer ({', '.join(LAYERS)}).{nearest(name, LAYERS)}"


def policy_from_mapping(
    mapping: Mapping[str, object], root: Path, source: str, key_lines: Mapping[str, int] | None = None
) -> Policy:
    """The policy that ``mapping`` (the TOML table) states, on top of its preset.

    ``source`` names the file in messages. Raises :class:`PolicyError` with every mistake at once.
    """
    reader = _Reader()
    for key, value in mapping.items():
        if key in TABLES:
            continue
        if key not in KEYS:
            reader.problems.append((key, f"{key}: unknown key.{nearest(key, [*KEYS, *TABLES])}"))
            continue
        result = reader.take(key, value, KEYS[key])
        if result is not None and key != "root":
            reader.values[key.replace("-", "_")] = result
    preset = PRESETS[reader.values.get("preset", DEFAULT_PRESET)]
    for name in ("tenant_policy", "tls", "suppressions"):
        reader.values.setdefault(name, getattr(preset, name))
    layers = reader.entries("layers", mapping.get("layers", {}), 'router = ["app/api/**"]', _layer_name, _patterns)
    severity = reader.entries("severity", mapping.get("severity", {}), 'TXN303 = "warning"', _code, _severity)
    per_file = mapping.get("per-file-ignores", {})
    ignores = reader.entries("per-file-ignores", per_file, '"scripts/**" = ["TXN101"]', _pattern, _codes)
    if reader.problems:
        lines = key_lines or {}
        raise PolicyError(source, [_located(key, problem, lines) for key, problem in reader.problems])
    return Policy(
        root=root,
        source=source,
        layers={**DEFAULT_LAYERS, **layers},
        severity=severity,
        per_file_ignores={_plain(pattern): codes for pattern, codes in ignores.items()},
        stated=tuple(key for key in reader.stated if key.partition(".")[0] in mapping),
        key_lines=dict(key_lines or {}),
        **reader.values,
    )


def _located(key: str, problem: str, lines: Mapping[str, int]) -> str:
    """``problem`` with the line of its key or else of the table that holds it, where the file is known."""
    line = lines.get(key) or lines.get(key.partition(".")[0])
    return f"line {line}: {problem}" if line else problem
