"""Fills a history from git: every commit, measured by one policy, without touching the work tree."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sessionlint.git_store import Repository
from sessionlint.policy import Policy
from sessionlint.tree_discovery import discover_tree
from sessionlint_reports.history.analysis import inferred
from sessionlint_reports.history.git import first_parents, log
from sessionlint_reports.history.plan import Dated, Files, Step, dated, shares, steps
from sessionlint_reports.history.store import History
from sessionlint_reports.history.taking import policy_text, yardstick_of
from sessionlint_reports.history.workers import Analysed, analyse
from sessionlint_reports.history.writing import snapshot_key
from sessionlint_reports.snapshot import Revision, Snapshot

#: Fewer states than this are not worth a second process.
_WORTH_A_PROCESS = 24
#: What is recorded at once: at most this many snapshots, or what came in this many seconds.
_BATCH = 64
_BATCH_S = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to fill in: commits up to ``revision`` since ``since`` (a date or age as git reads it) as ``branch``.

    ``jobs`` is the number of processes; 0 is as many as there are processors.
    """

    root: Path
    project: str
    branch: str
    revision: str = "HEAD"
    since: str | None = None
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many commits there are, how many of them were recorded now, and in how many states of the program."""

    commits: int
    recorded: int
    states: int


Progress = Callable[[int, int], None]
"""Called with commits recorded so far and commits to record."""


def backfill(
    history: History,
    request: Request,
    policy: Policy | None,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Records every commit that the history does not have yet; it may be interrupted and run again at any time.

    All are measured by ``policy``; without one, by what the newest commit suggests. Raises
    :class:`SessionlintError` when git or the history cannot be used.
    """
    with Repository(request.root) as repository:
        return _Backfill(history, repository, request, policy, progress).run(clock)


class _Backfill:
    def __init__(
        self, history: History, repository: Repository, request: Request, policy: Policy | None, progress: Progress
    ) -> None:
        self._history = history
        self._repository = repository
        self._request = request
        self._stated = policy
        self._progress = progress
        self._head = repository.commit(request.revision)
        self._mainline = first_parents(repository, self._head)
        self._yardstick = yardstick_of(policy, request.root)
        self._settings = policy or Policy(root=request.root)
        self._known_files: dict[str, Files] = {}

    def run(self, clock: Callable[[], float]) -> Outcome:
        known = self._history.keys(self._request.project)
        commits = list(dated(log(self._repository, self._head, self._request.since)))
        missing = [entry for entry in commits if self._key(entry) not in known]
        if not missing:
            return Outcome(len(commits), 0, 0)
        self._progress(0, len(missing))
        planned = steps(missing, self._files)
        policy = self._stated or self._inferred()
        number = self._request.jobs or min(os.cpu_count() or 1, max(1, len(planned) // _WORTH_A_PROCESS))
        self._record(policy, shares(planned, number), len(missing), clock)
        return Outcome(len(commits), len(missing), len(planned))

    def _record(self, policy: Policy, parts: list[list[Step]], total: int, clock: Callable[[], float]) -> None:
        documents = {"policy": policy_text(policy)}
        batch: list[Snapshot] = []
        done, since = 0, clock()
        for analysed in analyse(self._request.root, policy, parts):
            batch += [self._snapshot(analysed, entry, documents) for entry in analysed.step.commits]
            if len(batch) >= _BATCH or clock() - since > _BATCH_S:
                self._history.record_all(batch)
                done, since = done + len(batch), clock()
                batch = []
                self._progress(done, total)
        self._history.record_all(batch)
        self._progress(done + len(batch), total)

    def _files(self, commit: str) -> Files:
        """The files a run would check, as the commit has them."""
        tree = self._repository.tree(commit)
        key = f"{tree.oid} {tree.above}"
        if key not in self._known_files:
            found = discover_tree(self._repository, tree, self._settings).files
            self._known_files[key] = {path: entry.oid for path, entry in found.items() if _is_text(path)}
        return self._known_files[key]

    def _inferred(self) -> Policy:
        files = self._files(self._head)
        sources = {path: self._repository.blob(name) for path, name in files.items()}
        return inferred(self._request.root, self._settings, sources)

    def _revision(self, entry: Dated) -> Revision:
        commit = entry.commit
        return Revision(
            commit=commit.hash,
            branch=self._request.branch,
            at=entry.at,
            author=commit.author,
            author_email=commit.author_email,
            subject=commit.subject,
            mainline=commit.hash in self._mainline,
        )

    def _key(self, entry: Dated) -> str:
        return snapshot_key(self._revision(entry), self._yardstick)

    def _snapshot(self, analysed: Analysed, entry: Dated, documents: Mapping[str, str]) -> Snapshot:
        return Snapshot(
            project=self._request.project,
            revision=self._revision(entry),
            yardstick=self._yardstick,
            files=analysed.records,
            errors=analysed.errors,
            documents=documents,
        )


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
