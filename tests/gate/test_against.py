"""``check --against REV``: what is new since the branch left, with effects over the whole program."""

from __future__ import annotations

import pytest

from tests.gate.support import COMMIT, ITEMS, places

SERVICE = "app/services/items.py"
LEDGER = "app/services/ledger.py"
ROUTER = "app/routers/items.py"


@pytest.fixture
def branch(repo):
    """A branch off ``main``, where three findings are."""
    repo.git("checkout", "-q", "-b", "feature")
    return repo


def test_what_was_there_is_not_new(branch, call):
    done = call("check", "--against", "main")
    assert (done.status, places(done)) == (0, [])
    assert "3 known findings absorbed by main (merge base " in done.out


def test_an_edit_that_makes_another_file_unlawful_is_new_there_too(branch, call):
    branch.edit(SERVICE, "    await session.flush()\n", COMMIT)
    done = call("check", "--against", "main")
    assert (done.status, places(done)) == (1, [f"{ROUTER}:13: TXN205", f"{SERVICE}:6: TXN201"])
    assert branch.git("status", "--porcelain") == f" M {SERVICE}\n"


def test_paths_restrict_what_is_shown_not_what_is_compared(branch, call):
    branch.edit(SERVICE, "    await session.flush()\n", COMMIT)
    assert places(call("check", "--against", "main", "app/routers")) == [f"{ROUTER}:13: TXN205"]


def test_one_more_twin_is_new_and_a_renamed_file_is_not(branch, call):
    branch.git("mv", LEDGER, "app/services/books.py")
    assert call("check", "--against", "main").status == 0
    branch.edit("app/services/books.py", COMMIT, COMMIT * 2)
    assert places(call("check", "--against", "main")) == ["app/services/books.py:8: TXN201"]


def test_the_comparison_is_with_where_the_branch_left_not_with_the_tip(branch, call):
    branch.edit(LEDGER, COMMIT, COMMIT * 2)
    branch.commit("one more")
    branch.git("checkout", "-q", "main")
    branch.edit(LEDGER, COMMIT, COMMIT * 3)
    branch.commit("two more, on main")
    branch.git("checkout", "-q", "feature")
    assert places(call("check", "--against", "main")) == [f"{LEDGER}:8: TXN201"]


def test_it_needs_no_baseline_and_one_in_the_work_tree_hides_nothing(branch, call):
    branch.edit(LEDGER, COMMIT, COMMIT * 2)
    call("baseline", "create")
    assert call("check").status == 0
    assert call("check", "--against", "main").status == 1
    assert "--against replaces the baseline" in call("check", "--against", "main", "--baseline", "x.json").err


def test_an_approval_that_is_taken_away_makes_its_sessions_new(branch, call):
    branch.edit("pyproject.toml", 'session-modules = ["app/session.py"]', "session-modules = []")
    done = call("check", "--against", "main")
    assert "app/session.py:7: TXN102" in places(done)


def test_a_rule_that_is_switched_on_finds_nothing_new_in_old_code(repo, call):
    repo.edit("pyproject.toml", "[tool.sessionlint]", '[tool.sessionlint]\nignore = ["TXN202"]')
    repo.commit("without 202")
    repo.git("checkout", "-q", "-b", "stricter")
    repo.edit("pyproject.toml", 'ignore = ["TXN202"]', "ignore = []")
    done = call("check", "--against", "main")
    assert (done.status, "3 known findings absorbed" in done.out) == (0, True)


def test_a_removed_suppression_makes_its_finding_new(repo, call):
    reason = "  # sessionlint: ignore[TXN202] -- the driver needs it\n"
    repo.edit(LEDGER, "await session.rollback()\n", "await session.rollback()" + reason)
    repo.commit("excused")
    repo.git("checkout", "-q", "-b", "feature")
    repo.edit(LEDGER, reason, "\n")
    assert places(call("check", "--against", "main")) == [f"{LEDGER}:11: TXN202"]


def test_what_the_revision_could_not_check_is_said(repo, call):
    repo.write({LEDGER: "def (\n"})
    repo.commit("broken")
    repo.git("checkout", "-q", "-b", "mended")
    repo.git("checkout", "-q", "HEAD~", "--", LEDGER)
    done = call("check", "--against", "main")
    assert (done.status, len(places(done))) == (1, 3)
    assert f"main: {LEDGER}:1 could not be checked (is not valid Python" in done.err
    assert done.err.endswith("what depends on it counts as new.\n")


def test_a_policy_that_was_broken_then_is_replaced_by_todays(repo, call):
    repo.edit("pyproject.toml", "preset", "prest")
    repo.commit("broken policy")
    repo.git("checkout", "-q", "-b", "mended")
    repo.edit("pyproject.toml", "prest", "preset")
    done = call("check", "--against", "main")
    assert done.status == 0
    assert "main has a policy that cannot be used" in done.err


def test_a_project_without_a_policy_is_compared_under_inferred_ones(repo, call):
    (repo.root / "pyproject.toml").unlink()
    repo.commit("no policy")
    repo.git("checkout", "-q", "-b", "feature")
    repo.edit(LEDGER, COMMIT, COMMIT * 2)
    assert places(call("check", "--against", "main")) == [f"{LEDGER}:8: TXN201"]


def test_a_revision_before_the_project_was_there_says_so(repo, call):
    repo.git("checkout", "-q", "--orphan", "empty")
    repo.git("rm", "-rqf", ".")
    first = repo.commit("nothing yet")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--allow-unrelated-histories", "empty")
    done = call("check", "--against", first)
    assert (done.status, len(places(done))) == (1, 3)
    assert "does not hold this project yet: every finding counts as new." in done.err


@pytest.mark.parametrize("rev", ["nowhere", "--all", "main\nx", "HEAD:app", ""])
def test_a_revision_that_is_none_ends_the_run_with_the_remedy(repo, call, rev):
    done = call("check", f"--against={rev}")
    assert done.status == 2
    assert "names no commit" in done.err
    assert "fetch-depth: 0" in done.err


def test_unrelated_histories_end_the_run_with_the_remedy(repo, call):
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit("other")
    done = call("check", "--against", "main")
    assert done.status == 2
    assert "have no commit in common" in done.err


def test_outside_a_repository_the_run_ends_with_what_git_says(repo, call, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repo.root.parent))
    (repo.root / ".git").rename(repo.root / "git")
    done = call("check", "--against", "main")
    assert done.status == 2
    assert "not a git repository" in done.err


def test_a_second_comparison_takes_the_revision_from_the_cache(branch, call, monkeypatch):
    first = call("check", "--against", "main")
    monkeypatch.setattr("sessionlint.program.build.solve", None)
    assert call("check", "--against", "main") == first


def test_an_endpoint_that_follows_its_service_is_new_when_the_router_is_edited(branch, call):
    branch.write({ROUTER: ITEMS.replace("items import save", "ledger import post as save")})
    assert places(call("check", "--against", "main")) == [f"{ROUTER}:13: TXN205"]
