"""The files of a project as the disk has them, read again only when they changed."""

from __future__ import annotations

from pathlib import Path

from sessionlint.discovery import DEFAULT_EXCLUDES, FileStamp, discover
from sessionlint.facts.reading import read_or_error
from sessionlint.policy_model import Policy
from sessionlint.report import CheckError


class Disk:
    """Contents of the discovered files under ``root``; ``errors`` are files and folders that could not be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.contents: dict[str, bytes] = {}
        self.errors: tuple[CheckError, ...] = ()
        self._stamps: dict[str, FileStamp] = {}

    def scan(self, policy: Policy) -> bool:
        """Looks at all files again; whether any content changed."""
        found = discover(self._root, policy)
        errors = list(found.errors)
        contents: dict[str, bytes] = {}
        stamps = dict(zip(found.files, found.stamps, strict=True))
        for path, stamp in stamps.items():
            if path in self.contents and self._stamps.get(path) == stamp:
                contents[path] = self.contents[path]
                continue
            read = read_or_error(self._root, path)
            if isinstance(read, CheckError):
                errors.append(read)
            else:
                contents[path] = read
        changed = contents != self.contents
        self.contents, self._stamps, self.errors = contents, stamps, tuple(errors)
        return changed

    def takes(self, path: str, policy: Policy) -> bool:
        """Whether an open file belongs to the program: a discovered one does, and a new one that nothing excludes."""
        if path in self._stamps:
            return True
        if not path.endswith(".py") or policy.is_excluded(path) or not DEFAULT_EXCLUDES.isdisjoint(path.split("/")):
            return False
        # one that is there and was not discovered is ignored by git
        return not (self._root / path).exists()
