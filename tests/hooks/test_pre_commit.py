"""The real pre-commit installs this checkout and runs its hooks in real repositories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hooks.project import CLEAN, COMMITTING_SERVICE, ROUTER, SERVICE
from tests.hooks.repository import BIN, Done, Repository

SERVICE_FILE, ROUTER_FILE = "app/services/items.py", "app/routers/items.py"
BREAKS = {SERVICE_FILE: COMMITTING_SERVICE}
NO_TRANSACTION = ROUTER.replace("    async with session.begin():\n        await", "    await")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the environment it makes for the hooks; made once for all tests."""
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture
def framework(repository: Repository, released: Path, store: Path, wheelhouse: Path, monkeypatch) -> Repository:
    """The clean backend with pre-commit installed and both hooks configured, the gate first."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(store))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheelhouse))
    monkeypatch.setenv("VIRTUALENV_NO_PERIODIC_UPDATE", "1")
    configure(repository, released, "      - id: sessionlint\n      - id: sessionlint-files\n")
    repository.git("commit", "--quiet", "-m", "Configure pre-commit")
    types = ("-t", "pre-commit", "-t", "pre-merge-commit")
    assert pre_commit(repository, "install", *types).status == 0
    return repository


def configure(repository: Repository, released: Path, hooks: str) -> None:
    rev = Repository(released).head
    text = f"repos:\n  - repo: {released}\n    rev: {rev}\n    hooks:\n{hooks}"
    repository.stage({".pre-commit-config.yaml": text})


def pre_commit(repository: Repository, *arguments: str) -> Done:
    return repository.run(str(BIN / "pre-commit"), *arguments)


def verdicts(done: Done) -> list[str]:
    """What pre-commit says of each hook."""
    lines = [line for line in done.output.splitlines() if line.startswith("sessionlint (")]
    return [line.rstrip(".").rsplit(".", 1)[-1].rsplit(")", 1)[-1] for line in lines]


def test_a_clean_change_is_committed(framework):
    framework.stage({SERVICE_FILE: SERVICE + "\n\nLIMIT = 5\n"})
    done = framework.commit()
    assert (done.status, verdicts(done)) == (0, ["Passed", "Passed"])


def test_a_change_that_breaks_the_rules_is_stopped_by_both_hooks(framework):
    before = framework.head
    framework.stage(BREAKS)
    done = framework.commit()
    assert (done.status, verdicts(done)) == (1, ["Failed", "Failed"])
    assert "app/services/items.py:7:11: TXN201" in done.output
    assert framework.head == before


def test_the_gate_sees_the_effect_in_another_file_and_the_files_hook_does_not(framework):
    framework.stage({ROUTER_FILE: NO_TRANSACTION})
    assert "TXN209" in framework.commit().output
    framework.git("checkout", "--quiet", "HEAD", "--", ".")
    framework.stage(BREAKS)
    output = framework.commit().output
    gate, _, files = output.partition("sessionlint (changed files)")
    assert "app/routers/items.py:15:15: TXN205" in gate
    assert "app/routers/items.py" not in files.replace("1. app/routers", "")


def test_only_what_is_staged_is_judged(framework):
    framework.stage({SERVICE_FILE: SERVICE + "\n\nLIMIT = 5\n"})
    framework.write(BREAKS)
    done = framework.commit()
    assert (done.status, verdicts(done)) == (0, ["Passed", "Passed"])
    assert (framework.path / SERVICE_FILE).read_text() == COMMITTING_SERVICE
    framework.git("checkout", "--quiet", "--", ".")

    framework.stage(BREAKS)
    framework.write({SERVICE_FILE: SERVICE})
    done = framework.commit()
    assert (done.status, verdicts(done)) == (1, ["Failed", "Failed"])
    assert (framework.path / SERVICE_FILE).read_text() == SERVICE


def test_a_file_that_git_does_not_track_stops_no_commit(framework):
    framework.write({"app/services/scratch[1].py": COMMITTING_SERVICE})
    framework.stage({SERVICE_FILE: SERVICE + "\n\nLIMIT = 5\n"})
    done = framework.commit()
    assert (done.status, verdicts(done)) == (0, ["Passed", "Passed"])
    assert pre_commit(framework, "run", "--all-files").status == 0


def test_run_by_hand_on_all_files_it_judges_what_is_on_disk(framework):
    framework.write(BREAKS)
    done = pre_commit(framework, "run", "--all-files")
    assert (done.status, verdicts(done)) == (1, ["Failed", "Failed"])


def test_a_renamed_file_is_judged_under_its_new_name(framework):
    framework.git("mv", SERVICE_FILE, "app/services/things.py")
    framework.stage({ROUTER_FILE: ROUTER.replace("items.add", "things.add").replace("import items", "import things")})
    assert framework.commit().status == 0
    framework.stage({"app/services/things.py": COMMITTING_SERVICE})
    assert "app/services/things.py:7:11: TXN201" in framework.commit().output


def test_a_deleted_file_is_a_change_like_any_other(framework):
    framework.git("rm", "--quiet", "app/session.py")
    done = framework.commit()
    assert (done.status, verdicts(done)) == (1, ["Failed", "Skipped"])
    assert "sessionlint.toml:2:1: TXN905" in done.output
    framework.git("reset", "--quiet", "--hard")
    framework.git("rm", "--quiet", "app/__init__.py")
    done = framework.commit()
    assert (done.status, verdicts(done)) == (0, ["Passed", "Skipped"])


def test_the_first_commit_of_a_repository_is_judged(framework):
    framework.git("checkout", "--quiet", "--orphan", "fresh")
    framework.stage(BREAKS)
    assert verdicts(framework.commit()) == ["Failed", "Failed"]
    framework.stage({SERVICE_FILE: SERVICE})
    assert framework.commit().status == 0
    assert framework.git("rev-list", "--count", "HEAD") == "1"


def test_a_merge_of_two_clean_branches_is_stopped_when_their_sum_is_not(framework):
    begin(framework)
    done = framework.run("git", "merge", "--no-edit", "other")
    assert done.status != 0
    assert "TXN209" in done.output
    framework.stage({ROUTER_FILE: ROUTER + "\n\nPAGE = 1\n"})
    assert framework.commit().status == 0
    assert len(framework.git("rev-list", "--parents", "-1", "HEAD").split()) == 3


def begin(framework: Repository) -> None:
    """On ``main`` the service begins to write; on ``other`` the router stops to open a transaction."""
    framework.stage({SERVICE_FILE: READING_SERVICE})
    assert framework.commit().status == 0
    framework.git("checkout", "--quiet", "-b", "other")
    framework.stage({ROUTER_FILE: NO_TRANSACTION})
    assert framework.commit().status == 0
    framework.git("checkout", "--quiet", "main")
    framework.stage({SERVICE_FILE: SERVICE})
    assert framework.commit().status == 0


READING_SERVICE = """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def add(session: AsyncSession, name: str) -> None:
    await session.execute(text("SELECT name FROM items WHERE name = :name"), {"name": name})
"""


def test_a_project_in_a_sub_folder_is_named_by_an_argument(framework, released):
    framework.stage({f"backend/{name}": text for name, text in CLEAN.items()})
    framework.git("rm", "-r", "--quiet", "--", *CLEAN)
    configure(framework, released, "      - id: sessionlint\n        args: [--project, backend]\n")
    done = framework.commit()
    assert (done.status, verdicts(done)) == (0, ["Passed"])
    framework.stage({f"backend/{SERVICE_FILE}": COMMITTING_SERVICE})
    assert "app/services/items.py:7:11: TXN201" in framework.commit().output


STARTING_ROUTER = ROUTER.replace("from typing", "import asyncio\nfrom typing", 1) + (
    """

@router.post("/refresh")
async def refresh() -> None:
    asyncio.create_task(asyncio.sleep(0))
"""
)
"""Breaks TXN605, which is fixed safely."""


def test_the_fixing_hook_mends_a_changed_file_and_leaves_the_change_to_be_staged(framework, released):
    configure(framework, released, "      - id: sessionlint-fix\n")
    framework.stage({ROUTER_FILE: STARTING_ROUTER})
    done = framework.commit()
    assert done.status == 1
    assert "files were modified by this hook" in done.output
    assert f"{ROUTER_FILE}:21:5: TXN605 fixed" in done.output
    assert "Fixed 1 finding in 1 file." in done.output
    framework.git("add", ROUTER_FILE)
    assert framework.commit().status == 0


def test_an_unusable_policy_stops_the_commit_with_every_mistake(framework):
    framework.stage({"sessionlint.toml": 'presett = "x"\ntls = "maybe"\n'})
    done = framework.commit()
    assert done.status == 1
    assert "the policy in sessionlint.toml has 2 mistakes" in done.output
    assert "Traceback" not in done.output
