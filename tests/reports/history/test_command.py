"""``sessionlint history`` as a user runs it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.reports.history.conftest import GitRepository
from tests.reports.history.test_backfill import CLEAN, DIRECT, POLICY, SESSION

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(repository: GitRepository) -> Run:
    """Runs ``sessionlint history …`` in a project of three commits."""
    repository.commit({"pyproject.toml": POLICY, "app/__init__.py": "", "app/db.py": SESSION})
    repository.commit({"app/services/mail.py": DIRECT})
    repository.commit({"app/services/mail.py": CLEAN}, author="=Grace")

    def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "SESSIONLINT_HISTORY"}
        return subprocess.run(
            [sys.executable, "-m", "sessionlint", "history", *arguments],
            cwd=repository.root,
            env={**environment, **variables},
            capture_output=True,
            text=True,
        )

    return command


def test_backfill_list_export_and_prune_go_together(run: Run, repository: GitRepository) -> None:
    done = run("backfill")
    place = repository.root / ".sessionlint/history.db"
    text = f"shop: 3 commits of main, 3 recorded now in 3 states of the program, in {place}.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")
    assert repository.git("status", "--porcelain") == ""

    assert run("list").stdout.splitlines() == [
        "project  snapshots  newest      compliant  findings  branches",
        "shop     3          2026-03-04  100.0%     0         main",
    ]
    shown = run("list", "--project", "shop").stdout.splitlines()
    assert [line.split()[5:7] for line in shown[1:]] == [["100.0%", "0"], ["66.7%", "2"], ["100.0%", "0"]]

    rows = list(csv.DictReader(io.StringIO(run("export").stdout)))
    assert [row["findings"] for row in rows] == ["0", "2", "0"]
    assert rows[2]["author"] == "'=Grace"
    lives = json.loads(run("export", "--what", "findings", "--format", "json").stdout)
    assert {(row["state"], row["fixed_by"]) for row in lives["rows"]} == {("gone", "=Grace")}
    assert lives["version"] == 1

    pruned = run("prune", "--before", "2026-03-04")
    assert (pruned.returncode, pruned.stdout) == (0, "shop: 2 snapshots deleted, 1 kept.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list",), "there is no history at"),
        (("export", "--project", "shop"), "there is no history at"),
        (("prune",), "say what to delete: --before DATE"),
        (("backfill", "--revision", "nowhere"), "'nowhere' names no commit"),
        (("backfill", "--history", "mysql://db/x"), "'mysql' is not supported for the history"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(run: Run, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_place_may_come_from_the_environment(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "team.db"
    assert run("backfill", SESSIONLINT_HISTORY=str(place)).returncode == 0
    assert run("list", "--history", str(place)).stdout.splitlines()[1].startswith("shop")


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from sessionlint.commands.history import history
    from sessionlint.errors import UsageError

    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    result: Result = CliRunner().invoke(history, ["list"])
    assert isinstance(result.exception, UsageError)
    assert "pip install 'sessionlint[report]'" in str(result.exception)
