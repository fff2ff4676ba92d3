"""Which states of the program a stretch of history has, and the steps from one to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sessionlint_reports.history.git import Commit

Files = Mapping[str, str]
"""Names of git objects by path."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A commit at a time that is after its first parent's, whatever the clocks said."""

    commit: Commit
    at: datetime


@dataclass(slots=True)
class Step:
    """One state of the program to analyse: what changed since the step before, and the commits that have it.

    ``changes`` maps paths to the object with the new content, None for what is gone.
    """

    changes: Mapping[str, str | None]
    commits: list[Dated] = field(default_factory=list)


def dated(commits: Iterable[Commit]) -> Iterator[Dated]:
    """The commits, which come parents first, each at least a second after its first parent."""
    times: dict[str, datetime] = {}
    for commit in commits:
        before = times.get(commit.parents[0]) if commit.parents else None
        at = times[commit.hash] = commit.at if before is None else max(commit.at, before + timedelta(seconds=1))
        yield Dated(commit, at)


def steps(commits: Iterable[Dated], files_of: Callable[[str], Files]) -> list[Step]:
    """The distinct states of the commits, in the order they first occur; ``files_of`` gives that of a commit."""
    found: dict[bytes, Step] = {}
    last: Files = {}
    for entry in commits:
        files = files_of(entry.commit.hash)
        key = _digest(files)
        if key not in found:
            found[key] = Step(_changes(last, files))
            last = files
        found[key].commits.append(entry)
    return list(found.values())


def _digest(files: Files) -> bytes:
    text = "\n".join(f"{path}\0{name}" for path, name in sorted(files.items()))
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _changes(before: Files, after: Files) -> dict[str, str | None]:
    changes: dict[str, str | None] = {path: None for path in before if path not in after}
    changes.update((path, name) for path, name in after.items() if before.get(path) != name)
    return changes


def shares(planned: Sequence[Step], number: int) -> list[list[Step]]:
    """``planned`` cut into at most ``number`` stretches of equal length, each starting with a whole state."""
    size = -(-len(planned) // max(1, number))
    found: list[list[Step]] = []
    files: dict[str, str] = {}
    for index, step in enumerate(planned):
        for path, name in step.changes.items():
            if name is None:
                files.pop(path, None)
            else:
                files[path] = name
        if index % size == 0:
            found.append([Step(dict(files), step.commits)])
        else:
            found[-1].append(step)
    return found
