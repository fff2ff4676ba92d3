"""``sessionlint baseline`` and ``check`` with a baseline, in a real project."""

from __future__ import annotations

import json
import os

import pytest

from tests.gate.support import CLEAN_SERVICE, COMMIT, LEDGER, places

BASELINE = "sessionlint-baseline.json"
SERVICE = "app/services/ledger.py"


@pytest.fixture
def adopted(repo, call):
    """The project with its three findings tolerated."""
    done = call("baseline", "create")
    assert (done.status, done.out) == (0, f"{BASELINE} holds 3 findings in 1 file. Commit it.\n")
    repo.commit("adopt")
    return repo


def held(repo) -> list[tuple[str, str, str, int]]:
    rows = json.loads((repo.root / BASELINE).read_text())["entries"]
    return [(row["rule"], row["path"], row["qualname"], row["count"]) for row in rows]


def test_a_project_without_a_baseline_fails_and_with_one_it_does_not(repo, call):
    assert places(call("check")) == [f"{SERVICE}:6: TXN201", f"{SERVICE}:7: TXN201", f"{SERVICE}:11: TXN202"]
    call("baseline", "create")
    done = call("check")
    assert (done.status, places(done)) == (0, [])
    assert held(repo) == [("TXN201", SERVICE, "post", 2), ("TXN202", SERVICE, "undo", 1)]


def test_no_baseline_shows_everything_and_a_named_one_is_used(adopted, call):
    assert call("check", "--no-baseline").status == 1
    (adopted.root / BASELINE).rename(adopted.root / "other.json")
    assert call("check").status == 1
    assert call("check", "--baseline", "other.json").status == 0
    assert call("check", "--baseline", "nowhere.json").err == (
        "Error: nowhere.json: there is no such file; 'sessionlint baseline create' writes one.\n"
    )


def test_the_policy_says_where_the_baseline_lies(repo, call):
    repo.edit("pyproject.toml", "[tool.sessionlint]", '[tool.sessionlint]\nbaseline = "ci/known.json"')
    (repo.root / "ci").mkdir()
    call("baseline", "create")
    assert (repo.root / "ci/known.json").exists()
    assert call("check").status == 0


def test_one_more_twin_fails_and_the_last_one_is_named(adopted, call):
    adopted.edit(SERVICE, COMMIT, COMMIT * 2)
    done = call("check")
    assert (done.status, places(done)) == (1, [f"{SERVICE}:8: TXN201"])
    assert "1 finding in 1 of 8 files; 3 known ones absorbed by sessionlint-baseline.json" in done.out


def test_lines_that_move_and_layout_that_changes_are_no_news(adopted, call):
    adopted.edit(SERVICE, "async def post", '"""Books."""\n\n\nasync def post')
    adopted.edit(SERVICE, "session.commit()\n", "session.commit(\n    )  # now\n")
    assert call("check").status == 0


def test_fixing_takes_entries_out_of_the_baseline(adopted, call):
    adopted.edit(SERVICE, COMMIT, "")
    done = call("check")
    assert (done.status, done.err) == (0, f"1 known finding is gone and taken out of {BASELINE}; 2 left.\n")
    assert held(adopted) == [("TXN201", SERVICE, "post", 1), ("TXN202", SERVICE, "undo", 1)]
    adopted.edit(SERVICE, COMMIT, COMMIT * 2)
    assert call("check").status == 1


@pytest.mark.parametrize("how", ["--frozen", "CI"])
def test_in_ci_the_baseline_is_left_alone_and_fixing_passes(adopted, call, monkeypatch, how):
    before = (adopted.root / BASELINE).read_bytes()
    adopted.edit(SERVICE, COMMIT, "")
    if how == "CI":
        monkeypatch.setenv("CI", "true")
    done = call("check", *(["--frozen"] if how == "--frozen" else []))
    assert (done.status, done.err) == (
        0,
        f"1 known finding is gone: 'sessionlint baseline prune' takes them out of {BASELINE}.\n",
    )
    assert (adopted.root / BASELINE).read_bytes() == before


@pytest.mark.parametrize("part", [["app/routers"], ["--select", "TXN1"], ["--ignore", "TXN201"], ["--no-baseline"]])
def test_a_run_on_a_part_takes_nothing_out(adopted, call, part):
    before = (adopted.root / BASELINE).read_bytes()
    call("check", *part)
    assert (adopted.root / BASELINE).read_bytes() == before


def test_nothing_is_taken_out_while_a_file_cannot_be_read(adopted, call):
    before = (adopted.root / BASELINE).read_bytes()
    adopted.write({SERVICE: "def (\n"})
    assert call("check").status == 2
    refused = call("baseline", "prune")
    assert refused.status == 2
    assert refused.err.endswith("The baseline stays as it is until everything can be checked.\n")
    assert call("baseline", "create", "--force").status == 2
    assert (adopted.root / BASELINE).read_bytes() == before


def test_nothing_is_taken_out_while_the_policy_names_a_folder_that_is_gone(adopted, call):
    before = (adopted.root / BASELINE).read_bytes()
    (adopted.root / "app/services").rename(adopted.root / "app/domain")
    adopted.edit("app/routers/items.py", "app.services", "app.domain")
    assert places(call("check")) == ["pyproject.toml:8: TXN905"]
    assert call("baseline", "prune").err.startswith("Error: the policy names what does not exist (TXN905)")
    assert (adopted.root / BASELINE).read_bytes() == before


def test_a_renamed_file_keeps_its_findings(adopted, call):
    adopted.git("mv", SERVICE, "app/services/books.py")
    done = call("check")
    assert (done.status, done.err) == (0, f"{BASELINE} follows the files that moved; 3 left.\n")
    assert {path for _, path, _, _ in held(adopted)} == {"app/services/books.py"}


def test_a_function_that_moves_to_another_file_keeps_its_findings(adopted, call):
    head, _, undo = LEDGER.partition("\n\nasync def undo")
    imports = LEDGER.partition("\n\n\n")[0]
    adopted.write({SERVICE: head, "app/services/undo.py": f"{imports}\n\n\nasync def undo{undo}"})
    done = call("check", "--frozen")
    assert (done.status, places(done)) == (0, [])


def test_the_same_violation_in_another_file_is_new(adopted, call):
    adopted.edit(SERVICE, COMMIT + COMMIT, "")
    adopted.write({"app/services/items.py": CLEAN_SERVICE.replace("    await session.flush()\n", COMMIT)})
    done = call("check", "--frozen")
    assert done.status == 1
    assert "app/services/items.py:6: TXN201" in places(done)


def test_create_refuses_to_replace_and_says_what_force_changes(adopted, call):
    refused = call("baseline", "create")
    assert refused.status == 2
    assert "exists already. 'sessionlint baseline prune' shrinks it; --force writes it anew." in refused.err
    adopted.edit(SERVICE, COMMIT, COMMIT * 2)
    adopted.edit(SERVICE, "    await session.rollback()\n", "    pass\n")
    assert call("baseline", "create", "--force").out == (
        f"{BASELINE} holds 3 findings in 1 file. Commit it.\nCompared with the one before: 1 more, 1 fewer.\n"
    )


def test_create_warns_when_git_would_leave_the_file_out_and_when_there_is_no_policy(repo, call):
    repo.write({".gitignore": ".sessionlint_cache/\n*.json\n"})
    assert f"git ignores {BASELINE}: add '!/{BASELINE}' to .gitignore" in call("baseline", "create").out
    (repo.root / "pyproject.toml").unlink()
    assert "write it down with 'sessionlint init'" in call("baseline", "create", "--force").out


def test_findings_about_the_gate_are_never_tolerated(repo, call):
    repo.edit(SERVICE, COMMIT, COMMIT.rstrip() + "  # sessionlint: ignore[TXN201]\n")
    done = call("baseline", "create")
    assert "1 finding about the gate itself (TXN9xx) cannot be tolerated" in done.out
    assert places(call("check")) == [f"{SERVICE}:6: TXN902"]


def test_prune_takes_out_what_is_gone_and_adds_nothing(adopted, call):
    adopted.edit(SERVICE, "    await session.rollback()\n", "    pass\n")
    adopted.edit(SERVICE, COMMIT, COMMIT * 2)
    assert call("baseline", "prune").out == (
        f"{BASELINE}: 1 finding gone, 2 left.\n1 new finding not added; 'sessionlint check' shows them.\n"
    )
    assert held(adopted) == [("TXN201", SERVICE, "post", 2)]


def test_entries_of_a_rule_that_is_switched_off_wait_for_it(adopted, call):
    adopted.edit("pyproject.toml", "[tool.sessionlint]", '[tool.sessionlint]\nignore = ["TXN202"]')
    call("check")
    call("baseline", "prune")
    assert len(held(adopted)) == 2


def test_check_tells_known_gone_and_new_apart_and_writes_nothing(adopted, call):
    adopted.edit(SERVICE, "    await session.rollback()\n", "    pass\n")
    adopted.write({"app/services/items.py": CLEAN_SERVICE.replace("    await session.flush()\n", COMMIT)})
    before = (adopted.root / BASELINE).read_bytes()
    done = call("baseline", "check")
    assert done.status == 1
    assert f"{BASELINE}: 2 known, 1 gone, " in done.out
    assert f"  gone  {SERVICE}: TXN202 in undo\n" in done.out
    assert "  new  app/services/items.py:6: TXN201 explicit-commit\n" in done.out
    assert (adopted.root / BASELINE).read_bytes() == before


def test_check_passes_with_stale_entries_unless_told_otherwise(adopted, call):
    adopted.edit(SERVICE, COMMIT, "")
    assert call("baseline", "check").status == 0
    assert call("baseline", "check", "--fail-stale").status == 1


def test_check_against_a_revision_sees_a_baseline_that_grew(adopted, call):
    adopted.git("checkout", "-q", "-b", "feature")
    adopted.edit(SERVICE, COMMIT, COMMIT * 2)
    call("baseline", "create", "--force")
    assert call("baseline", "check").status == 0
    done = call("baseline", "check", "--against", "main")
    assert done.status == 1
    assert f"{BASELINE} tolerates 1 finding more than main did:\n  more  {SERVICE}: TXN201 in post\n" in done.out


@pytest.mark.parametrize("command", ["check", "prune"])
def test_without_a_baseline_the_commands_say_how_to_get_one(call, command):
    done = call("baseline", command)
    assert done.status == 2
    assert "'sessionlint baseline create' writes one." in done.err


@pytest.mark.parametrize("command", [["check"], ["baseline", "check"], ["baseline", "prune"]])
def test_a_damaged_baseline_ends_the_run_with_its_mistakes(adopted, call, command):
    adopted.edit(BASELINE, '"count": 2', '"count": -2')
    done = call(*command)
    assert done.status == 2
    assert done.err == (
        f'Error: {BASELINE}: line 4: "count" is -2, which is not a whole number from 1 to 1000000; '
        "correct it or remove the entry.\n"
    )


def test_what_a_killed_run_left_behind_is_cleared_away(repo, call):
    left, fresh = (repo.root / f".{BASELINE}.{name}.tmp" for name in ("old", "new"))
    left.write_text("{")
    fresh.write_text("{")
    os.utime(left, (1, 1))
    call("baseline", "create")
    assert (left.exists(), fresh.exists()) == (False, True)


def test_a_baseline_that_cannot_be_written_is_an_error_and_stays(repo, call):
    (repo.root / BASELINE).mkdir()
    done = call("baseline", "create", "--force")
    assert done.status == 2
    assert "cannot" in done.err
    assert "Traceback" not in done.err
