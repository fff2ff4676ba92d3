"""Which files belong to the program: every ``*.py`` under the root that nothing excludes, in import roots or not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sessionlint.globs import IgnoreFile
from sessionlint.policy import OWN_FILE, SHARED_FILE, Policy
from sessionlint.policy_file import holds_policy
from sessionlint.report import CheckError

DEFAULT_EXCLUDES = frozenset(
    {
        ".eggs",
        ".git",
        ".hg",
        ".history",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".sessionlint_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
    }
)

POLICY_FILES = (OWN_FILE, SHARED_FILE)
_NAMED = 3
_NO_FILE = "cannot be read: it is not a regular file; exclude it from the check."

# An ignore file with the path its patterns are relative to: "" or "folder/".
_Ignores = tuple[tuple[str, IgnoreFile], ...]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells whether a file changed: its size in bytes, when content and status last changed (ns), its inode."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Discovery:
    """The files found, sorted, relative to the root with ``/``; what could not be read; counters.

    ``stamps`` holds one entry per file, in the order of ``files``; ``notes`` tell what is passed over.
    """

    files: tuple[str, ...]
    errors: tuple[CheckError, ...] = ()
    stamps: tuple[FileStamp, ...] = ()
    stats: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def unread_in(root: Path, errors: Iterable[CheckError]) -> frozenset[str]:
    """The places of ``errors`` where there may be code that nobody sees; a link that leads nowhere has none."""
    places = {error.path: root / error.path for error in errors}
    return frozenset(name for name, path in places.items() if not path.is_symlink() or os.path.lexists(path.resolve()))


def discover(root: Path, policy: Policy, named: Sequence[str] = ()) -> Discovery:
    """All Python files under ``root`` that no ``.gitignore``, default or policy entry excludes.

    ``named`` are files (relative to ``root``) taken even when something excludes them. Folders behind
    symbolic links are read once; a link that leads nowhere or a folder that may not be read is an error
    of the result, never an exception.
    """
    walk = _Walk(root, policy)
    walk.run()
    for path in named:
        if path not in walk.found:
            walk.take(path, root / path)
    files = sorted(walk.found)
    return Discovery(
        files=tuple(files),
        errors=tuple(sorted(walk.errors, key=lambda error: (error.path, error.message))),
        stamps=tuple(walk.found[path] for path in files),
        stats={"files": len(files), "folders": walk.folders, "ignored": walk.ignored},
        notes=tuple(passed_over(sorted(walk.policies))),
    )


def passed_over(policies: Sequence[str]) -> Iterator[str]:
    """What to say of policies in folders below the root, by which nothing is judged."""
    if not policies:
        return
    more = [f"{len(policies) - _NAMED} more"] if len(policies) > _NAMED else []
    *others, last = [*policies[:_NAMED], *more]
    if not others:
        yield (
            f"{last} holds a policy that does not count here: all files are judged as one program. Run sessionlint in "
            "that folder to have it count, or leave the folder out of this run by `exclude`."
        )
        return
    yield (
        f"{', '.join(others)} and {last} hold policies that do not count here: all files are judged as one program. "
        "Run sessionlint in each of these folders to have them count, or leave the folders out of this run by "
        "`exclude`."
    )


class _Walk:
    """One pass down the tree; ``found`` maps relative paths to their stamps."""

    def __init__(self, root: Path, policy: Policy) -> None:
        self.root = root
        self.found: dict[str, FileStamp] = {}
        self.errors: list[CheckError] = []
        self.folders = 0
        self.ignored = 0
        self.policies: list[str] = []
        self._policy = policy
        self._excludes = bool(policy.exclude)
        self._seen: set[tuple[int, int]] = set()
        self._links: list[tuple[str, os.stat_result]] = []

    def run(self) -> None:
        stack: list[tuple[str, str, _Ignores]] = [(str(self.root), "", _ignores_above(self.root))]
        linked: list[tuple[str, str, _Ignores]] = []
        # Real folders come first, so that a file has its real path even when a link leads there too.
        while stack or linked:
            absolute, prefix, ignores = stack.pop() if stack else linked.pop(0)
            for entry, rel, inner, is_link in self._folder(absolute, prefix, ignores):
                (linked if is_link else stack).append((entry, rel, inner))
        for rel, status in self._links:
            if (status.st_dev, status.st_ino) not in self._seen:
                self._add(rel, status)

    def _folder(self, absolute: str, prefix: str, ignores: _Ignores) -> Iterator[tuple[str, str, _Ignores, bool]]:
        """Takes the files of one folder and yields the folders to visit next."""
        try:
            status = Path(absolute).stat()
            if (status.st_dev, status.st_ino) in self._seen:
                return
            self._seen.add((status.st_dev, status.st_ino))
            with os.scandir(absolute) as entries:
                listing = list(entries)
        except OSError as error:
            self._note(prefix.rstrip("/") or ".", error)
            return
        self.folders += 1
        own = self._own_ignores(absolute, prefix, listing)
        inner = (*ignores, (prefix, own)) if own else ignores
        for entry in listing:
            rel = prefix + entry.name
            try:
                if entry.is_dir():
                    if entry.name in DEFAULT_EXCLUDES:
                        continue
                    if not self._excluded(entry.name, rel, True, inner):
                        yield entry.path, rel + "/", inner, entry.is_symlink()
                elif prefix and entry.name in POLICY_FILES:
                    if holds_policy(Path(entry.path).read_bytes(), Path(entry.path)):
                        self.policies.append(rel)
                elif entry.name.endswith(".py") and not self._excluded(entry.name, rel, False, inner):
                    self._take_entry(entry, rel)
            except OSError as error:
                self._note(rel, error)

    def _own_ignores(self, absolute: str, prefix: str, listing: Iterable[os.DirEntry[str]]) -> IgnoreFile | None:
        if not any(entry.name == ".gitignore" for entry in listing):
            return None
        try:
            return _read_ignores(Path(absolute, ".gitignore"))
        except OSError as error:
            self._note(prefix + ".gitignore", error)
            return None

    def _excluded(self, name: str, rel: str, is_folder: bool, ignores: _Ignores) -> bool:
        excluded = self._excludes and self._policy.is_excluded(rel)
        for base, rules in reversed(ignores):
            verdict = rules.verdict(name, _below(rel, base), is_folder)
            if verdict is not None:
                excluded = excluded or verdict
                break
        self.ignored += excluded
        return excluded

    def _take_entry(self, entry: os.DirEntry[str], rel: str) -> None:
        if entry.is_file():
            status = entry.stat()
            if entry.is_symlink():
                self._links.append((rel, status))
            else:
                self._add(rel, status)
        elif entry.is_symlink() and not Path(entry.path).exists():
            self.errors.append(CheckError(rel, 1, "the symbolic link leads nowhere; remove it or exclude it."))
        else:
            self.errors.append(CheckError(rel, 1, _NO_FILE))

    def take(self, rel: str, path: Path) -> None:
        """Adds one file that was named, whatever excludes it."""
        try:
            status = path.stat()
        except OSError as error:
            self._note(rel, error)
            return
        if stat.S_ISREG(status.st_mode):
            self._add(rel, status)
        else:
            self.errors.append(CheckError(rel, 1, _NO_FILE))

    def _add(self, rel: str, status: os.stat_result) -> None:
        try:
            rel.encode()
        except UnicodeEncodeError:
            shown = rel.encode(errors="replace").decode()
            self.errors.append(CheckError(shown, 1, "the file name is not valid UTF-8; rename the file."))
            return
        self._seen.add((status.st_dev, status.st_ino))
        self.found[rel] = FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def _note(self, rel: str, error: OSError) -> None:
        reason = error.strerror or str(error)
        shown = rel.encode(errors="replace").decode()
        self.errors.append(CheckError(shown, 1, f"cannot be read: {reason}; grant access or exclude it."))


def _below(rel: str, base: str) -> str:
    """``rel`` as seen from the folder of an ignore file; one above the root has the base ``>way/down/``."""
    return base[1:] + rel if base.startswith(">") else rel[len(base) :]


def _read_ignores(path: Path) -> IgnoreFile:
    return IgnoreFile(path.read_bytes().decode("utf-8-sig", errors="replace").splitlines())


def _ignores_above(root: Path) -> _Ignores:
    """The ignore files of the folders above ``root`` up to the repository's top, outermost first."""
    found: list[tuple[str, IgnoreFile]] = []
    folder, below = root, ""
    while not (folder / ".git").exists():
        if folder.parent == folder:
            return ()
        folder, below = folder.parent, f"{folder.name}/{below}"
        try:
            found.append((f">{below}", _read_ignores(folder / ".gitignore")))
        except OSError:
            continue
    return tuple(reversed(found))
