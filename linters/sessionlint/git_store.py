"""A git repository's objects, read through one process of git's own: no checkout, no change of any work tree."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sessionlint.discovery import DEFAULT_EXCLUDES
from sessionlint.errors import SessionlintError

FOLDER, LINK, SUBMODULE = 0o040000, 0o120000, 0o160000
_KIND = 0o170000
_WHOLE_HISTORY = (
    "in CI the checkout may hold the newest commits only: fetch the whole history "
    "(GitHub: 'fetch-depth: 0', GitLab: 'GIT_DEPTH: 0')."
)


class RevisionError(SessionlintError):
    """A repository or revision that cannot be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree: its mode as git has it, and the name of its object."""

    mode: int
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, neither a symbolic link nor a submodule."""
        return self.mode & _KIND == 0o100000


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one revision (or of the index) below the project's folder, by path relative to it.

    Holds what a check reads: Python files, policies, ignore files, links and submodules. ``above`` are the ignore
    files of the folders above, as (way down to the project, object), outermost first. ``oid`` is the same for the same
    files. ``conflicts`` are paths that the index holds in several versions.
    """

    name: str
    oid: str
    files: Mapping[str, Entry]
    above: tuple[tuple[str, str], ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(slots=True)
class Repository:
    """The repository that holds ``folder``, which may be bare; ``folder`` is the project's root in it.

    ``project`` is the project's folder inside a bare repository. Use as a context manager: it ends the process.
    Raises :class:`RevisionError` when there is no repository, or no git.
    """

    folder: Path
    project: str = ""
    prefix: str = ""
    _process: subprocess.Popen[bytes] | None = None
    _trees: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shown = self.run("rev-parse", "--show-prefix").rstrip("\n")
        self.prefix = shown or (f"{self.project.strip('/')}/" if self.project.strip("/") else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends git's process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                _pipe(process.stdin).close()
            process.wait()
            _pipe(process.stdout).close()

    def run(self, *arguments: str) -> str:
        """What one git command prints. Raises :class:`RevisionError` with what git says."""
        done = self._start(*arguments)
        if done.returncode:
            said = (
                done.stderr.decode(errors="replace").strip().removeprefix("fatal: ") or f"exit status {done.returncode}"
            )
            raise RevisionError(f"git {arguments[0]} in {self.folder}: {said}")
        return done.stdout.decode(errors="surrogateescape")

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, check=False)
        except FileNotFoundError:
            raise RevisionError(
                f"cannot run git in {self.folder}: install git, or name a folder that exists."
            ) from None
        except OSError as error:
            raise RevisionError(f"cannot run git in {self.folder}: {error.strerror}.") from error

    # objects

    def read(self, name: str) -> tuple[str, str, bytes] | None:
        """Name, type and content of an object, by any name git knows it by; None when there is none."""
        if "\n" in name or not name:
            return None
        if self._process is None:
            self._process = subprocess.Popen(
                ["git", "cat-file", "--batch"], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        to_git, from_git = _pipe(self._process.stdin), _pipe(self._process.stdout)
        header: list[bytes] = []
        with contextlib.suppress(BrokenPipeError):
            to_git.write(name.encode(errors="surrogateescape") + b"\n")
            to_git.flush()
            header = from_git.readline().split()
        if not header:
            raise RevisionError(f"git ended while it was asked for {name!r} in {self.folder}; run 'git fsck' there.")
        if len(header) != 3 or not header[2].isdigit():
            return None
        content = from_git.read(int(header[2]) + 1)[:-1]
        return header[0].decode(), header[1].decode(), content

    def blob(self, oid: str) -> bytes:
        """The content of a file. Raises :class:`RevisionError` when the repository lacks it."""
        found = self.read(oid)
        if found is None:
            raise RevisionError(f"{self.folder}: the object {oid} is missing; fetch the whole history.")
        return found[2]

    def commit(self, rev: str) -> str:
        """The commit that ``rev`` names. Raises :class:`RevisionError`."""
        found = None if rev.startswith("-") else self.read(f"{rev}^{{commit}}")
        if found is None:
            raise RevisionError(
                f"{rev!r} names no commit in {self.folder}. Fetch it first ('git fetch origin'); {_WHOLE_HISTORY}"
            )
        return found[0]

    def merge_base(self, rev: str) -> str:
        """The commit at which ``HEAD`` and ``rev`` parted. Raises :class:`RevisionError`."""
        commit = self.commit(rev)
        done = self._start("merge-base", "HEAD", commit)
        if done.returncode:
            raise RevisionError(f"HEAD and {rev!r} have no commit in common in {self.folder}; {_WHOLE_HISTORY}")
        return done.stdout.decode().strip()

    # trees

    def tree(self, rev: str) -> Tree:
        """The files of a revision; none when the project's folder is not in it. Raises :class:`RevisionError`."""
        commit = self.commit(rev)
        place = self.prefix.rstrip("/")
        found = self.read(f"{commit}:{place}")
        above = tuple(self._ignores_above(commit))
        if found is None or found[1] != "tree":
            return Tree(rev, commit, {}, above)
        return Tree(rev, found[0], self._below(found[0], found[2]), above)

    def index(self) -> Tree:
        """The files as they are staged. Raises :class:`RevisionError`."""
        files: dict[str, Entry] = {}
        conflicts: set[str] = set()
        for record in self.run("ls-files", "--stage", "-z").split("\0"):
            meta, _, path = record.partition("\t")
            if not path or not _of_interest(path.rpartition("/")[2], int(meta.split()[0], 8)):
                continue
            mode, oid, stage = meta.split()
            if stage == "0":
                files[path] = Entry(int(mode, 8), oid)
            else:
                conflicts.add(path)
        above = tuple((down, f":{folder}.gitignore") for folder, down in self._folders_above())
        staged = tuple((down, found[0]) for down, name in above if (found := self.read(name)) is not None)
        state = hashlib.sha256(repr((files, sorted(conflicts))).encode(errors="surrogatepass")).hexdigest()
        return Tree("the index", state, files, staged, tuple(sorted(conflicts)))

    def _folders_above(self) -> Iterator[tuple[str, str]]:
        """The folders above the project from the top of the repository, each with the way down to the project."""
        parts = self.prefix.rstrip("/").split("/") if self.prefix else []
        for depth in range(len(parts)):
            folder = "".join(f"{part}/" for part in parts[:depth])
            yield folder, "".join(f"{part}/" for part in parts[depth:])

    def _ignores_above(self, commit: str) -> Iterator[tuple[str, str]]:
        for folder, down in self._folders_above():
            found = self.read(f"{commit}:{folder}.gitignore")
            if found is not None and found[1] == "blob":
                yield down, found[0]

    def _below(self, oid: str, content: bytes) -> dict[str, Entry]:
        """The files of a tree object and of those in it; each object is read once."""
        known = self._trees.get(oid)
        if known is not None:
            return known
        files: dict[str, Entry] = {}
        for mode, name, child in _entries(content, len(oid) // 2):
            if mode == FOLDER and name not in DEFAULT_EXCLUDES:
                found = self.read(child)
                if found is not None:
                    below = self._below(child, found[2])
                    files.update((f"{name}/{path}", entry) for path, entry in below.items())
            elif mode != FOLDER and _of_interest(name, mode):
                files[name] = Entry(mode, child)
        self._trees[oid] = files
        return files


def is_ignored(path: Path) -> bool:
    """Whether git leaves the file ``path`` out of what is committed; no where there is no git."""
    try:
        done = subprocess.run(
            ["git", "check-ignore", "--quiet", path.name], cwd=path.parent, check=False, capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


def _entries(content: bytes, width: int) -> Iterator[tuple[int, str, str]]:
    """Mode, name and object of the entries of a tree object; ``width`` is the length of an object's name in bytes."""
    at = 0
    while at < len(content):
        blank, end = content.index(b" ", at), content.index(b"\0", at)
        name = content[blank + 1 : end].decode(errors="surrogateescape")
        yield int(content[at:blank], 8), name, content[end + 1 : end + 1 + width].hex()
        at = end + 1 + width


def _of_interest(name: str, mode: int) -> bool:
    return mode == SUBMODULE or name.endswith((".py", ".toml", ".gitignore", ".json"))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
