"""A history filled from git says of every commit what a run on that commit says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sessionlint.git_store import RevisionError
from sessionlint.policy import Policy, read_policy
from sessionlint.revisions import check_revision
from sessionlint_reports.history.backfill import Outcome, Request, backfill
from sessionlint_reports.history.git import head_revision, project_name
from sessionlint_reports.history.store import History
from sessionlint_reports.history.taking import take
from tests.reports.history.conftest import START, GitRepository

SESSION = """\
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/shop")
factory = async_sessionmaker(engine)


async def get_session():
    async with factory() as session:
        yield session
"""
DIRECT = """\
from app.db import factory


async def job():
    async with factory() as session:
        await session.commit()
"""
CLEAN = "def job():\n    return 1\n"
POLICY = """\
[tool.sessionlint]
session-modules = ["app/db.py"]
session-dependencies = ["app.db.get_session"]
[tool.sessionlint.layers]
service = ["app/services/**"]
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[History]:
    with History.open(tmp_path / "history.db") as history:
        yield history


@pytest.fixture
def filled(repository: GitRepository) -> GitRepository:
    """A project that takes on debt, moves it, merges a branch with more of it, and pays some back."""
    repository.commit({"README.md": "no code yet"})
    repository.commit({"pyproject.toml": POLICY, "app/__init__.py": "", "app/db.py": SESSION})
    repository.commit({"app/services/mail.py": DIRECT})
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit({"app/services/letter.py": DIRECT}, author="Grace")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"app/services/mail.py": None, "app/services/post.py": "# moved\n" + DIRECT})
    repository.merge("topic")
    repository.commit({"README.md": "nothing else"})
    repository.commit({"app/services/post.py": CLEAN}, author="Linus")
    repository.commit({"app/services/broken.py": "def job(:\n"})
    return repository


def fill(history: History, repository: GitRepository, jobs: int = 1, since: str | None = None, **more: str) -> Outcome:
    policy = read_policy(repository.root / "pyproject.toml") if (repository.root / "pyproject.toml").exists() else None
    request = Request(repository.root, "shop", "main", since=since, jobs=jobs, **more)
    return backfill(history, request, policy, lambda done, total: None)


def test_every_commit_is_recorded_as_a_run_on_it_reports_it(opened: History, filled: GitRepository) -> None:
    assert fill(opened, filled) == Outcome(commits=9, recorded=9, states=8)
    policy = read_policy(filled.root / "pyproject.toml")
    recorded = {info.revision.commit: opened.load(info.id) for info in opened.snapshots("shop")}
    assert set(recorded) == set(filled.git("rev-list", "HEAD").split())
    for commit, snapshot in recorded.items():
        report = check_revision(filled.root, commit, policy, ignore=("TXN905",), use_cache=False)
        assert [stored.finding for stored in snapshot.findings] == list(report.findings)
        assert snapshot.errors == report.errors
        assert tuple(record.path for record in snapshot.checked) == report.files


def test_the_trend_follows_the_branch_and_leaves_merged_commits_out(opened: History, filled: GitRepository) -> None:
    fill(opened, filled)
    timeline = opened.timeline("shop")
    assert [info.revision.subject for info in timeline] == [
        *(f"commit {number}" for number in (1, 2, 3, 5)),
        "merge topic",
        *(f"commit {number}" for number in (7, 8, 9)),
    ]
    assert [info.totals.debt for info in timeline] == [0, 0, 2, 2, 4, 4, 2, 2]
    assert [info.totals.errors for info in timeline] == [0, 0, 0, 0, 0, 0, 0, 1]


def test_a_moved_finding_keeps_its_age_and_its_end_has_an_author(opened: History, filled: GitRepository) -> None:
    fill(opened, filled)
    ended = {(life.first.revision.subject, life.fixed_by) for life in opened.lives("shop") if life.gone}
    living = {life.first.revision.subject for life in opened.lives("shop") if not life.gone}
    assert (ended, living) == ({("commit 3", "Linus")}, {"merge topic"})


def test_two_processes_find_what_one_finds(opened: History, filled: GitRepository, tmp_path: Path) -> None:
    fill(opened, filled, jobs=1)
    with History.open(tmp_path / "parallel.db") as parallel:
        fill(parallel, filled, jobs=3)
        assert _contents(parallel) == _contents(opened)


def test_a_second_run_has_nothing_to_do(opened: History, filled: GitRepository) -> None:
    fill(opened, filled)
    assert fill(opened, filled) == Outcome(commits=9, recorded=0, states=0)
    filled.commit({"app/services/broken.py": CLEAN})
    assert fill(opened, filled) == Outcome(commits=10, recorded=1, states=1)


def test_an_interrupted_run_goes_on_where_it_stopped(opened: History, filled: GitRepository, tmp_path: Path) -> None:
    ticks = iter(range(0, 1000, 10))
    request = Request(filled.root, "shop", "main", jobs=1)
    policy = read_policy(filled.root / "pyproject.toml")
    with pytest.raises(KeyboardInterrupt):
        # by this clock every state is slow, so each is recorded by itself
        backfill(opened, request, policy, _interrupted_after(4), lambda: float(next(ticks)))
    stored = len(opened.snapshots("shop"))
    assert 4 <= stored < 9
    assert fill(opened, filled).recorded == 9 - stored
    with History.open(tmp_path / "whole.db") as whole:
        fill(whole, filled)
        assert _contents(whole) == _contents(opened)


def _interrupted_after(number: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done >= number:
            raise KeyboardInterrupt

    return progress


def test_since_limits_the_commits(opened: History, filled: GitRepository) -> None:
    outcome = fill(opened, filled, since=(START + timedelta(days=7, hours=12)).isoformat())
    assert [info.revision.subject for info in opened.timeline("shop")] == ["commit 8", "commit 9"]
    assert outcome.commits == 2


def test_the_work_tree_and_the_index_stay_as_they_are(opened: History, filled: GitRepository) -> None:
    (filled.root / "app/services/post.py").write_text("unfinished(")
    (filled.root / "new.txt").write_text("new")
    filled.git("add", "new.txt")
    before = (filled.git("status", "--porcelain"), filled.git("rev-parse", "HEAD"), filled.git("stash", "list"))
    fill(opened, filled)
    assert (filled.git("status", "--porcelain"), filled.git("rev-parse", "HEAD"), filled.git("stash", "list")) == before


def test_a_project_in_a_sub_folder_is_measured_alone(opened: History, tmp_path: Path) -> None:
    mono = GitRepository(tmp_path / "mono")
    mono.commit({"other/a.py": DIRECT, "shop/app/db.py": SESSION, "shop/app/services/mail.py": DIRECT})
    policy = Policy(root=mono.root / "shop", session_modules=("app/db.py",))
    backfill(opened, Request(mono.root / "shop", "shop", "main", jobs=1), policy, lambda done, total: None)
    (info,) = opened.timeline("shop")
    assert [record.path for record in opened.load(info.id).files] == ["app/db.py", "app/services/mail.py"]


def test_clocks_that_run_backwards_do_not_disorder_the_trend(opened: History, repository: GitRepository) -> None:
    repository.commit({"a.py": "x = 1\n"}, days=9)
    repository.commit({"a.py": "x = 2\n"}, days=2)
    fill(opened, repository)
    first, second = opened.timeline("shop")
    assert [info.revision.subject for info in (first, second)] == ["commit 1", "commit 2"]
    assert second.revision.at - first.revision.at == timedelta(seconds=1)


def test_an_unknown_revision_is_named(opened: History, filled: GitRepository) -> None:
    with pytest.raises(RevisionError, match="'nowhere' names no commit"):
        fill(opened, filled, revision="nowhere")


def test_without_a_policy_all_commits_are_measured_by_what_the_newest_suggests(
    opened: History, repository: GitRepository
) -> None:
    repository.commit({"app/db.py": SESSION, "app/services/mail.py": DIRECT})
    repository.commit({"app/services/other.py": CLEAN})
    fill(opened, repository)
    policies = {opened.load(info.id).documents["policy"] for info in opened.timeline("shop")}
    assert len(policies) == 1
    assert '"session_modules": ["app/db.py"]' in policies.pop()


def test_a_snapshot_of_the_work_tree_is_the_one_git_gives(opened: History, filled: GitRepository) -> None:
    fill(opened, filled)
    policy = read_policy(filled.root / "pyproject.toml")
    taken = take(filled.root, policy, project="shop", use_cache=False).snapshot
    latest = opened.latest("shop")
    assert latest is not None
    assert opened.load(latest.id) == taken
    assert not opened.record(taken).is_new


def test_a_changed_work_tree_is_dirty(filled: GitRepository) -> None:
    assert not head_revision(filled.root, START).dirty
    (filled.root / "app/new.py").write_text(CLEAN)
    revision = head_revision(filled.root, START)
    assert (revision.dirty, revision.at, revision.author) == (True, START, "Ada")


def test_a_folder_outside_git_has_no_commit(tmp_path: Path) -> None:
    revision = head_revision(tmp_path, START)
    assert (revision.commit, revision.branch, revision.at) == ("", "", START)
    assert project_name(tmp_path) == tmp_path.name


def test_the_project_is_named_after_its_origin(filled: GitRepository) -> None:
    assert project_name(filled.root) == "shop"
    filled.git("remote", "add", "origin", "git@example.org:team/store.git")
    assert (project_name(filled.root), project_name(filled.root / "app")) == ("store", "store/app")


def _contents(history: History) -> list[object]:
    return [history.load(info.id) for info in sorted(history.snapshots("shop"), key=lambda i: i.revision.commit)]
