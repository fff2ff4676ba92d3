"""Where a project's own configuration of pytest says that its tests lie, and what it says they are called."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

#: The first of a folder that configures pytest counts, as for pytest itself.
_FILES = ("pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_SECTIONS = {"setup.cfg": "tool:pytest"}


class PytestSettings(NamedTuple):
    """Folders of tests, and patterns of the names of their files, each below the folder that configures pytest."""

    folders: tuple[str, ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()


def pytest_settings(root: Path, files: Collection[str]) -> PytestSettings:
    """What the root, and the folders right below it that hold any of ``files``, configure."""
    folders: list[str] = []
    patterns: list[tuple[str, str]] = []
    for folder in ("", *sorted({path.partition("/")[0] for path in files if "/" in path})):
        for name in _FILES:
            options = _options(root / folder / name)
            if options is None:
                continue
            inside = (place for place in map(_plain, _words(options.get("testpaths"))) if place)
            folders += [f"{folder}/{place}".lstrip("/") for place in inside]
            patterns += [(folder, pattern) for pattern in _words(options.get("python_files")) if "/" not in pattern]
            break
    return PytestSettings(tuple(dict.fromkeys(folders)), tuple(dict.fromkeys(patterns)))


def _plain(place: str) -> str:
    """A folder below that of the configuration; ``""`` for what is none, or all of it."""
    parts = [part for part in place.replace("\\", "/").split("/") if part not in ("", ".")]
    return "" if ".." in parts or place.startswith("/") or any(c in place for c in "*?[") else "/".join(parts)


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, str))


def _options(path: Path) -> dict[str, object] | None:
    """The options of pytest in a file; None where it has none, or cannot be read: what is wrong there is not ours."""
    try:
        raw = path.read_bytes()
        if b"pytest" not in raw:
            return None
        text = raw.decode("utf-8-sig")
        return _of_toml(text, path.name) if path.suffix == ".toml" else _of_ini(text, path.name)
    except (OSError, ValueError, configparser.Error):
        return None


def _of_toml(text: str, name: str) -> dict[str, object] | None:
    table: object = tomllib.loads(text)
    for keys in (("pytest",),) if name == "pytest.toml" else (("tool", "pytest", "ini_options"), ("tool", "pytest")):
        found = table
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            return found
    return None


def _of_ini(text: str, name: str) -> dict[str, object] | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    section = _SECTIONS.get(name, "pytest")
    return dict(parser[section]) if parser.has_section(section) else None
