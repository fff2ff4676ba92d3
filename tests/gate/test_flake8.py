"""Suppressions and the baseline under real flake8."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.gate.support import COMMIT, Call, Repo

LEDGER = "app/services/ledger.py"


def flake8(repo: Repo) -> list[str]:
    """``path:line: code`` of every finding."""
    command = [sys.executable, "-m", "flake8", "--select=TXN", "."]
    done = subprocess.run(command, cwd=repo.root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    heads = [line.removeprefix("./").split()[:2] for line in done.stdout.splitlines()]
    return [f"{place.rsplit(':', 2)[0]}: {code}" for place, code in heads]


def test_what_the_baseline_knows_is_not_shown(repo: Repo, call: Call) -> None:
    call("baseline", "create")
    assert flake8(repo) == []
    repo.edit(LEDGER, COMMIT, COMMIT * 2)
    assert flake8(repo) == [f"{LEDGER}:8: TXN201"]


def test_a_damaged_baseline_ends_the_run_without_a_traceback(repo: Repo) -> None:
    repo.write({"sessionlint-baseline.json": "{"})
    command = [sys.executable, "-m", "flake8", "--select=TXN", "."]
    done = subprocess.run(command, cwd=repo.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("flake8: sessionlint: sessionlint-baseline.json: line 1: is not valid JSON")
    assert "Traceback" not in done.stderr


def test_our_comments_count_and_are_judged(repo: Repo) -> None:
    repo.edit(LEDGER, "rollback()\n", "rollback()  # sessionlint: ignore[TXN202] -- the driver needs it\n")
    repo.edit(LEDGER, COMMIT + COMMIT, f"{COMMIT.rstrip()}  # sessionlint: ignore[TXN201]\n")
    assert flake8(repo) == [f"{LEDGER}:6: TXN201", f"{LEDGER}:6: TXN902"]


@pytest.mark.parametrize("suppressions", ["allow", "forbid"])
def test_noqa_is_flake8s_own_but_where_it_is_forbidden_it_does_not_go_unseen(repo: Repo, suppressions: str) -> None:
    repo.edit("pyproject.toml", "[tool.sessionlint]", f'[tool.sessionlint]\nsuppressions = "{suppressions}"')
    repo.edit(LEDGER, "rollback()\n", "rollback()  # noqa: TXN202\n")
    repo.edit(LEDGER, COMMIT + COMMIT, "")
    assert flake8(repo) == ([] if suppressions == "allow" else [f"{LEDGER}:9: TXN902"])
