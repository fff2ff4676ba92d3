"""Finds and reads policy files: ``sessionlint.toml``, or ``[tool.sessionlint]`` in ``pyproject.toml``."""

from __future__ import annotations

import contextlib
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sessionlint.errors import PolicyError
from sessionlint.patterns import regex
from sessionlint.policy_model import Policy
from sessionlint.policy_schema import policy_from_mapping

OWN_FILE = "sessionlint.toml"
SHARED_FILE = "pyproject.toml"
_ROOT_MARKS = (OWN_FILE, SHARED_FILE, ".git", "setup.py", "setup.cfg")

_HEADER = regex(r"\s*\[([^\[\]]+)\]\s*(#.*)?$")
_ASSIGNMENT = regex(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+(?:\.[\w-]+)*))\s*=""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run takes place: the project root and its policy, if one is written down."""

    root: Path
    policy: Policy | None


def locate(start: Path) -> Place:
    """The nearest policy at or above ``start``, and the root that goes with it.

    The nearest file that holds a policy counts, whole; policies are never merged. A policy that says
    nothing but ``root = true`` ends the search: that folder is the root and has no policy. Without any
    policy the root is the nearest folder that looks like a project, else ``start`` itself. The home folder and that of
    temporary files are none above ``start``: everything lies in them, and a stray file in one makes it no project.

    Raises :class:`PolicyError` for a policy that cannot be read or is not valid.
    """
    folder = start.resolve()
    if not folder.is_dir():
        folder = folder.parent
    for candidate in (folder, *folder.parents):
        for name in (OWN_FILE, SHARED_FILE):
            table = _read_table(candidate / name)
            if table is None:
                continue
            mapping, lines = table
            if mapping == {"root": True}:
                return Place(candidate, None)
            return Place(candidate, policy_from_mapping(mapping, candidate, name, lines))
    shared = _shared_folders() - {folder}
    for candidate in (folder, *folder.parents):
        if candidate not in shared and any((candidate / mark).exists() for mark in _ROOT_MARKS):
            return Place(candidate, None)
    return Place(folder, None)


def _shared_folders() -> set[Path]:
    """Folders in which everything lies."""
    found = {Path(tempfile.gettempdir()).resolve()}
    with contextlib.suppress(RuntimeError, OSError):  # nobody's home
        found.add(Path.home().resolve())
    return found | {Path(folder.anchor) for folder in found}


def holds_policy(raw: bytes, path: Path) -> bool:
    """Whether a policy file with these bytes holds a policy, be it one that cannot be used."""
    try:
        return _table_in(raw, path) is not None
    except PolicyError:
        return True


def load_policy(start: Path) -> Policy | None:
    """The nearest policy at or above ``start``; None when none is written down. Raises :class:`PolicyError`."""
    return locate(start).policy


def read_policy(path: Path) -> Policy:
    """The policy in the file ``path``, whose folder becomes the root. Raises :class:`PolicyError`."""
    if not path.is_file():
        raise PolicyError(str(path), ["there is no such file."])
    table = _read_table(path.resolve())
    if table is None:
        raise PolicyError(str(path), ["holds no [tool.sessionlint] table; run 'sessionlint init' to write one."])
    return policy_from_mapping(table[0], path.resolve().parent, path.name, table[1])


def _read_table(path: Path) -> tuple[Mapping[str, object], Mapping[str, int]] | None:
    """The policy table of ``path`` with the line of every key; None when the file holds no policy."""
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PolicyError(str(path), [f"cannot be read: {error.strerror}."]) from error
    return _table_in(raw, path)


def policy_in(raw: bytes, name: str, root: Path) -> Policy | None:
    """The policy in the bytes of a file called ``name`` in ``root``, as some revision has it; None if it holds none.

    Raises :class:`PolicyError`.
    """
    table = _table_in(raw, root / name)
    return policy_from_mapping(table[0], root, name, table[1]) if table and table[0] != {"root": True} else None


def _table_in(raw: bytes, path: Path) -> tuple[Mapping[str, object], Mapping[str, int]] | None:
    shared = path.name == SHARED_FILE
    if shared and b"sessionlint" not in raw.replace(b"\0", b""):
        return None  # nor in a file that was saved as UTF-16
    try:
        text = raw.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PolicyError(str(path), [f"line {line}: is not UTF-8; save the file as UTF-8."]) from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(str(path), [f"is not valid TOML: {error}."]) from error
    if not shared:
        return _own_table(path, document), key_lines(text, "")
    tool = document.get("tool")
    table = tool.get("sessionlint") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise PolicyError(str(path), ["tool.sessionlint is not a table; write [tool.sessionlint]."])
    return table, key_lines(text, "tool.sessionlint")


def _own_table(path: Path, document: dict[str, object]) -> Mapping[str, object]:
    tool = document.get("tool")
    if isinstance(tool, dict) and "sessionlint" in tool:
        raise PolicyError(
            str(path),
            ["[tool.sessionlint] belongs to pyproject.toml; in sessionlint.toml write its keys at the top level."],
        )
    return document


def key_lines(text: str, table: str) -> Mapping[str, int]:
    """The 1-based line of every key of ``table`` in TOML ``text``; keys of sub-tables as ``layers.router``.

    Enough for messages: a key inside a multi-line string may be taken for one.
    """
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            section = re.sub(r"""[\s"']""", "", header[1])
            if section.startswith(f"{table}." if table else "") and section != table:
                found.setdefault(section[len(table) + 1 if table else 0 :], number)
            continue
        assignment = _ASSIGNMENT.match(line)
        if assignment and (section == table or section.startswith(f"{table}." if table else "")):
            prefix = section[len(table) :].lstrip(".")
            name = assignment[1] or assignment[2] or assignment[3]
            found.setdefault(f"{prefix}.{name}" if prefix else name, number)
    return found
