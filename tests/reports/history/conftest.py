"""Histories in both databases, snapshots to put into them, and git repositories to fill them from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sessionlint_reports.history.store import History
from tests.support.postgres import PostgresServer, running_postgres

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL for the tests of this folder."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The path or URL of an empty history, in each database."""
    if request.param == "sqlite":
        yield str(tmp_path / "history.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def history(place: str) -> Iterator[History]:
    """An open history in each database; its clock moves on a second whenever it is asked."""
    seconds = iter(range(10_000))
    with History.open(place, clock=lambda: START + timedelta(days=100, seconds=next(seconds))) as opened:
        yield opened


class GitRepository:
    """A real repository whose commits are a day apart."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._commits = 0
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, author: str = "Ada", at: datetime = START) -> str:
        stamp = f"{int(at.timestamp())} +0000"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": author,
            "GIT_AUTHOR_EMAIL": f"{author.lower()}@example.org",
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_NAME": "Committer",
            "GIT_COMMITTER_EMAIL": "committer@example.org",
            "GIT_COMMITTER_DATE": stamp,
        }
        done = subprocess.run(["git", *arguments], cwd=self.root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None], author: str = "Ada", days: int | None = None) -> str:
        """Writes (None: deletes) the files, commits them, and gives the commit's hash."""
        for name, text in files.items():
            path = self.root / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self._commits += 1
        at = START + timedelta(days=self._commits if days is None else days)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", f"commit {self._commits}", author=author, at=at)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str) -> str:
        """Merges the branch with a merge commit of its own."""
        self._commits += 1
        at = START + timedelta(days=self._commits)
        self.git("merge", "--quiet", "--no-ff", "-m", f"merge {branch}", branch, at=at)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """An empty git repository."""
    return GitRepository(tmp_path / "shop")
