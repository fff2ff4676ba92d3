"""Which versions of a package a project asks for, as far as its own files say so."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from sessionlint.patterns import regex

#: Files that say it, the ones a tool wrote before the ones they were made from.
_FILES = ("uv.lock", "poetry.lock", "Pipfile.lock", "pyproject.toml", "requirements*.txt", "requirements/*.txt")
_POETRY = regex(r"^([\^~])(\d+(?:\.\d+)*)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of a file that asks for a package: ``fastapi==0.115.8`` in ``requirements.txt``, line 2."""

    specifiers: SpecifierSet
    text: str
    path: str
    line: int

    def allows(self, minimum: str) -> bool:
        """Whether some version from ``minimum`` on would do."""
        least = Version(minimum)
        tried = {least, Version("9999")}
        for specifier in self.specifiers:
            try:
                named = Version(specifier.version.removesuffix(".*"))
            except InvalidVersion:
                return True
            tried |= {named, Version(f"{named.major}.{named.minor}.{named.micro + 1}")}
        return any(version >= least and self.specifiers.contains(version, prereleases=True) for version in tried)


class Requirements:
    """The requirement files of the project at ``root`` (None: of a project that has none), read when asked for."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._folders: dict[str, Mapping[str, tuple[Asked, ...]]] = {}

    def forbidding(self, package: str, minimum: str, path: str) -> Asked | None:
        """What keeps the code at ``path`` from using ``package`` from version ``minimum`` on.

        The folder closest to the file counts that says anything about the package.
        """
        folder = path
        while folder and self._root is not None:
            folder = folder.rpartition("/")[0]
            asked = self._folder(folder).get(canonicalize_name(package), ())
            if asked:
                return next((one for one in asked if not one.allows(minimum)), None)
        return None

    def _folder(self, folder: str) -> Mapping[str, tuple[Asked, ...]]:
        if folder not in self._folders:
            assert self._root is not None
            found: dict[str, tuple[Asked, ...]] = {}
            base = self._root / folder
            for path in (path for pattern in _FILES for path in sorted(base.glob(pattern))):
                for name, asked in _in_file(path, path.relative_to(self._root).as_posix()):
                    found[name] = (*found.get(name, ()), asked)
            self._folders[folder] = found
        return self._folders[folder]


def _in_file(path: Path, shown: str) -> Iterator[tuple[str, Asked]]:
    """The packages a file asks for. A file that cannot be read says nothing: it is not what is being checked."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".txt":
            entries = _lines(text)
        elif path.name == "Pipfile.lock":
            entries = _pipfile(json.loads(text))
        else:
            data = tomllib.loads(text)
            entries = _locked(data) if path.suffix == ".lock" else _project(data)
        for name, specifiers in list(entries):
            known = _specifiers(specifiers)
            if known is not None:
                key = canonicalize_name(name)
                yield key, Asked(known, f"{name}{specifiers}", shown, _line(text, name))
    except (OSError, ValueError, TypeError, AttributeError):
        return


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        yield from _requirement(re.sub(r"(^|\s)#.*", "", line).strip().removesuffix("\\"))


def _requirement(text: str) -> Iterator[tuple[str, str]]:
    try:
        parsed = Requirement(text.partition(" --")[0].strip())
    except InvalidRequirement:
        return
    yield parsed.name, str(parsed.specifier)


def _pipfile(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, entry in data.get("default", {}).items():
        yield name, entry.get("version", "")


def _locked(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in data.get("package", ()):
        if "version" in entry:
            yield entry["name"], f"=={entry['version']}"


def _project(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    project = data.get("project", {})
    listed: Iterable[str] = [
        *project.get("dependencies", ()),
        *(one for group in project.get("optional-dependencies", {}).values() for one in group),
    ]
    for one in listed:
        yield from _requirement(one)
    for name, entry in data.get("tool", {}).get("poetry", {}).get("dependencies", {}).items():
        version = entry if isinstance(entry, str) else entry.get("version", "")
        yield name, _from_poetry(version)


def _from_poetry(version: str) -> str:
    """``^0.115.2`` and ``~1.2`` as the ranges they stand for, ``1.2.3`` as that version."""
    match = _POETRY.match(version)
    if match is None:
        return f"=={version}" if version[:1].isdigit() else version.replace("*", "")
    parts = [int(part) for part in match[2].split(".")]
    kept = (
        next((i for i, part in enumerate(parts) if part), len(parts) - 1) if match[1] == "^" else min(1, len(parts) - 1)
    )
    above = ".".join(str(part) for part in [*parts[:kept], parts[kept] + 1])
    return f">={match[2]},<{above}"


def _specifiers(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def _line(text: str, name: str) -> int:
    """The line that names a package first."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", re.I)
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)), 1)
