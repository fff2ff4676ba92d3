"""Which files must not be changed, and what git has to say about them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from sessionlint.errors import UsageError
from sessionlint.git_store import Repository, RevisionError


def obstacle_in(root: Path, *, allow_dirty: bool) -> Callable[[str], str]:
    """Why a file under ``root`` must not be changed; "" when it may.

    Raises :class:`~sessionlint.errors.UsageError` when git is there but cannot be asked.
    """
    dirty = frozenset() if allow_dirty else _dirty(root)

    def obstacle(path: str) -> str:
        place = (root / path).resolve()
        if not place.is_relative_to(root.resolve()):
            return f"{path} is a link to {place}, outside the project"
        if not place.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            return f"{path} is read-only"
        if place in dirty:
            return f"{path} has changes that are not in git; commit or stage them, or pass --allow-dirty"
        return ""

    return obstacle


def commit(root: Path, paths: Sequence[str], message: str) -> str:
    """Commits these files, which git knows, and no others; gives the commit. Raises :class:`RevisionError`."""
    with Repository(root) as repository:
        repository.run("commit", "--quiet", "--message", message, "--only", "--", *paths)
        return repository.run("rev-parse", "--short", "HEAD").strip()


def is_repository(root: Path) -> bool:
    """Whether the project lies in a git repository."""
    return any((folder / ".git").exists() for folder in (root, *root.resolve().parents))


def _dirty(root: Path) -> frozenset[Path]:
    """The files that differ from what is staged, and those git does not know."""
    if not is_repository(root):
        return frozenset()
    try:
        with Repository(root) as repository:
            top = Path(repository.run("rev-parse", "--show-toplevel").rstrip("\n"))
            status = repository.run(
                "--no-optional-locks", "status", "--porcelain=v1", "-z", "--untracked-files=all", "."
            )
    except RevisionError as error:
        raise UsageError(f"cannot see which files are changed ({error}); --allow-dirty goes on without git.") from error
    found: set[Path] = set()
    records = iter(status.split("\0"))
    for record in records:
        index, tree, path = record[:1], record[1:2], record[3:]
        if index in ("R", "C"):
            next(records, None)
        if path and (tree != " " or "U" in (index, tree)):
            found.add((top / path).resolve())
    return frozenset(found)
