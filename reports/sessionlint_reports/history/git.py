"""What history asks of git: commits with their authors, and where the work tree stands.

The work tree and the index are only looked at, never changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sessionlint.git_store import Repository, RevisionError
from sessionlint_reports.snapshot import Revision

_FIELDS = "%x00".join(("%H", "%P", "%ct", "%an", "%ae", "%s"))
# How commits are shown is up to the user's configuration, unless it is said.
_PLAIN = ("--no-show-signature", "--no-notes", "--encoding=UTF-8", f"--format={_FIELDS}")
_BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BITBUCKET_BRANCH", "BUILD_SOURCEBRANCHNAME")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: when it was committed (UTC), and by whom it was written."""

    hash: str
    parents: tuple[str, ...]
    at: datetime
    author: str
    author_email: str
    subject: str


def log(repository: Repository, head: str, since: str | None = None) -> Iterator[Commit]:
    """All commits up to ``head``, parents first; those a shallow clone has.

    ``since`` is a date or age as git reads it. Raises :class:`RevisionError`.
    """
    limits = [f"--since={since}"] if since else []
    text = repository.run("log", "-z", "--topo-order", "--reverse", *_PLAIN, *limits, head, "--")
    # Every commit has the same number of fields, which no field's text can change.
    parts = text.split("\0")
    for start in range(0, len(parts) - 5, 6):
        yield _commit(parts[start : start + 6])


def _commit(fields: list[str]) -> Commit:
    name, parents, at, author, email, subject = fields
    moment = datetime.fromtimestamp(int(at), UTC)
    return Commit(name, tuple(parents.split()), moment, author, email, subject)


def first_parents(repository: Repository, head: str) -> frozenset[str]:
    """The commits that ``head`` came along without going through the second parent of a merge."""
    return frozenset(repository.run("rev-list", "--first-parent", head).split())


def branch_name(root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The branch the work tree is on; on a CI server, which checks out a bare commit, the one it names."""
    try:
        return Repository(root).run("symbolic-ref", "--short", "-q", "HEAD").strip()
    except RevisionError:
        named = (environment.get(name, "") for name in _BRANCHES)
        return next((name for name in named if name), "HEAD")


def head_revision(root: Path, now: datetime, branch: str | None = None) -> Revision:
    """Where the work tree stands. Outside git, or before the first commit, the revision has no commit."""
    try:
        repository = Repository(root)
        commit = _commit(repository.run("log", "-1", *_PLAIN).rstrip("\n").split("\0"))
        dirty = bool(repository.run("status", "--porcelain", "-z", "--", "*.py", "*.toml").strip("\0"))
    except RevisionError:
        return Revision("", branch or "", now)
    return Revision(
        commit=commit.hash,
        branch=branch or branch_name(root),
        at=now if dirty else commit.at,
        author=commit.author,
        author_email=commit.author_email,
        subject=commit.subject,
        dirty=dirty,
    )


def project_name(root: Path) -> str:
    """The name of the ``origin`` remote's repository, else of the top folder, with the way down to ``root``."""
    try:
        repository = Repository(root)
    except RevisionError:
        return root.resolve().name or "project"
    below = repository.prefix.rstrip("/")
    try:
        remote = repository.run("config", "--get", "remote.origin.url").strip().rstrip("/")
        name = remote.removesuffix(".git").replace(":", "/").rpartition("/")[2]
    except RevisionError:
        name = ""
    top = root.resolve().parents[below.count("/")] if below else root.resolve()
    return "/".join(part for part in (name or top.name or "project", below) if part)
