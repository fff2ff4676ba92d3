"""The baseline of a project on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sessionlint.atomic import write_atomically
from sessionlint.errors import UsageError
from sessionlint.gate.baseline import Known
from sessionlint.gate.baseline_text import BaselineError, parse, render
from sessionlint.policy_model import Policy
from sessionlint.report import BaselineEntry

_ABANDONED = 3_600
"""Seconds after which nobody is writing a temporary file any more."""


def baseline_path(root: Path, policy: Policy | None) -> Path:
    """Where the baseline of the project under ``root`` lies, whether or not there is one."""
    return root / (policy or Policy()).baseline


def known(root: Path, policy: Policy | None, path: Path | None = None) -> Known | None:
    """The project's baseline, or the one at ``path``; None when the project has none.

    Raises :class:`~sessionlint.gate.baseline_text.BaselineError` with every mistake in it, and also when a
    ``path`` was given and nothing is there.
    """
    place = path or baseline_path(root, policy)
    name = place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        if path is None:
            return None
        raise BaselineError(name, ["there is no such file; 'sessionlint baseline create' writes one."]) from None
    except OSError as error:
        raise BaselineError(name, [f"cannot be read: {error.strerror}; grant access, or name another file."]) from None
    return Known(parse(data, name), name)


def write(path: Path, entries: Iterable[BaselineEntry]) -> None:
    """Writes a baseline in one step. Raises :class:`~sessionlint.errors.UsageError`."""
    try:
        _sweep(path)
        write_atomically(path, render(entries).encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}.") from error


def _sweep(path: Path) -> None:
    """Removes what runs that were killed while writing ``path`` left next to it."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            left.unlink(missing_ok=True)


def defines_on_disk(root: Path) -> Callable[[str, str], bool]:
    """Whether a file under ``root`` defines a function or class; one that cannot be read does."""

    def defines(path: str, qualname: str) -> bool:
        from sessionlint.gate.definitions import defined_in

        try:
            return defined_in((root / path).read_bytes(), path, qualname)
        except OSError:
            return True

    return defines
