"""Who owns a file, by the CODEOWNERS file of GitHub and GitLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from codeowners import CodeOwners

from sessionlint.errors import SessionlintError

PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")

Owners = Callable[[str], tuple[str, ...]]
"""The owners of a path relative to the project root, as they are written (``@team``, address)."""


def owners_under(root: Path) -> Owners:
    """Reads the nearest CODEOWNERS at or above ``root`` within its repository; without one nobody owns anything.

    Raises :class:`SessionlintError` for a file that cannot be read.
    """
    below = ""
    folder = root.resolve()
    while True:
        for place in PLACES:
            if (folder / place).is_file():
                return _reader(folder / place, below)
        if (folder / ".git").exists() or folder.parent == folder:
            return lambda _path: ()
        folder, below = folder.parent, f"{folder.name}/{below}"


def _reader(path: Path, below: str) -> Owners:
    try:
        rules = CodeOwners(path.read_text("utf-8-sig", errors="replace"))
    except OSError as error:
        raise SessionlintError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SessionlintError(f"{path} is not a CODEOWNERS file: {error}; mend the pattern.") from error
    return lambda name: tuple(owner for _, owner in rules.of(below + name))
