"""A name for people from a file's path: ``src/routers/google_maps_api.py`` is "Google Maps"."""

from __future__ import annotations

import re

from sessionlint.patterns import regex

_ENDINGS = regex(r"_(?:api|apis|controller|endpoints?|handlers?|routers?|routes?|views?)\Z")
_LETTERS_AND_NUMBER = regex(r"[a-z]{1,3}\d+\Z")
_NUMBERED = regex(r"\A[\d_.-]+")
#: Names that say nothing without the folder they are in.
_GENERIC = {
    "__init__", "api", "base", "background", "core", "crud", "database", "db", "dependencies", "deps", "endpoints",
    "flows", "handlers", "jobs", "main", "models", "processing_service", "processor", "queries", "repository", "router",
    "routers", "routes", "scheduled", "scheduler", "service", "services", "session", "sessions", "tasks", "utils",
    "views", "worker",
}  # fmt: skip
#: Folders that say nothing either.
_GENERIC_FOLDERS = {
    "src", "app", "apps", "backend", "server", "api", "routers", "routes", "endpoints", "services", "v1", "v2", "lib",
}  # fmt: skip
_CAPITALS = {"api", "crud", "csv", "db", "html", "http", "id", "jwt", "orm", "pdf", "sql", "sso", "ui", "url", "uuid"}


def module_title(path: str) -> str:
    """The title of a file, never empty."""
    *folders, name = path.split("/")
    stem = name.removesuffix(".py")
    words = _ENDINGS.sub("", stem)
    telling = [folder for folder in folders if folder.lower() not in _GENERIC_FOLDERS]
    if (words in _GENERIC or stem in _GENERIC) and telling:
        words = f"{telling[-1]} {'' if stem == '__init__' else stem}"
    return _title(words) or _title(stem) or path


def _title(text: str) -> str:
    words = re.split(r"[\W_]+", _NUMBERED.sub("", text))
    return " ".join(w.upper() if _is_abbreviation(w) else w[:1].upper() + w[1:] for w in words if w)


def _is_abbreviation(word: str) -> bool:
    return word.lower() in _CAPITALS or bool(_LETTERS_AND_NUMBER.match(word))
