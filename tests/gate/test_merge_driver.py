"""The merge driver under real git: merges, rebases and cherry-picks of branches that both shrink the baseline."""

from __future__ import annotations

import json

import pytest

from tests.gate.support import COMMIT, LEDGER, Repo

BASELINE = "sessionlint-baseline.json"
FILES = [f"app/services/ledger{number}.py" for number in range(4)]


@pytest.fixture
def adopted(repo: Repo, call) -> Repo:
    """Four files of three findings each, tolerated, and the driver installed."""
    (repo.root / "app/services/ledger.py").unlink()
    repo.write(dict.fromkeys(FILES, LEDGER))
    call("baseline", "create")
    done = call("baseline", "install-merge-driver")
    assert (done.status, "Commit that file" in done.out) == (0, True)
    repo.commit("adopt")
    return repo


def counts(repo: Repo) -> dict[tuple[str, str], int]:
    rows = json.loads((repo.root / BASELINE).read_text())["entries"]
    return {(row["path"], row["rule"]): row["count"] for row in rows}


def branch(repo: Repo, call, name: str, *edits: tuple[str, str, str]) -> None:
    """A branch off ``main`` with edits, whose baseline follows them."""
    repo.git("checkout", "-q", "-b", name, "main")
    for path, old, new in edits:
        repo.edit(path, old, new)
    call("baseline", "create", "--force")
    repo.commit(name)


FIX_ROLLBACK = ("    await session.rollback()\n", "    pass\n")


def test_installing_twice_changes_nothing_and_keeps_what_is_there(repo, call):
    repo.write({".gitattributes": "*.py text"})
    call("baseline", "install-merge-driver")
    text = (repo.root / ".gitattributes").read_text()
    assert text == f"*.py text\n/{BASELINE} merge=sessionlint-baseline\n"
    assert "names the driver already" in call("baseline", "install-merge-driver").out
    assert (repo.root / ".gitattributes").read_text() == text


def test_two_branches_that_both_shrink_the_baseline_merge_by_themselves(adopted, call):
    branch(adopted, call, "one", (FILES[0], *FIX_ROLLBACK), (FILES[1], COMMIT, ""))
    branch(adopted, call, "two", (FILES[1], *FIX_ROLLBACK), (FILES[2], COMMIT, ""))
    adopted.git("merge", "-q", "--no-edit", "one")
    assert counts(adopted) == {
        (FILES[0], "TXN201"): 2,
        (FILES[1], "TXN201"): 1,
        (FILES[2], "TXN201"): 1,
        (FILES[2], "TXN202"): 1,
        (FILES[3], "TXN201"): 2,
        (FILES[3], "TXN202"): 1,
    }
    assert call("check", "--frozen").status == 0
    assert call("baseline", "check", "--fail-stale").status == 0


def test_a_rebase_and_a_cherry_pick_use_the_driver_too(adopted, call):
    branch(adopted, call, "one", (FILES[0], *FIX_ROLLBACK))
    branch(adopted, call, "two", (FILES[0], COMMIT, ""))
    adopted.git("rebase", "-q", "one")
    assert (FILES[0], "TXN202") not in counts(adopted)
    assert counts(adopted)[FILES[0], "TXN201"] == 1
    adopted.git("checkout", "-q", "main")
    adopted.git("cherry-pick", "two")
    assert counts(adopted)[FILES[0], "TXN201"] == 1
    assert counts(adopted)[FILES[0], "TXN202"] == 1


def test_what_both_branches_took_out_stays_out_and_what_one_added_stays_in(adopted, call):
    adopted.git("config", "commit.gpgsign", "false")
    branch(adopted, call, "one", (FILES[0], *FIX_ROLLBACK), (FILES[3], COMMIT, COMMIT * 2))
    branch(adopted, call, "two", (FILES[0], *FIX_ROLLBACK), (FILES[2], *FIX_ROLLBACK))
    adopted.git("merge", "-q", "--no-edit", "one")
    assert (FILES[0], "TXN202") not in counts(adopted)
    assert (FILES[2], "TXN202") not in counts(adopted)
    assert counts(adopted)[FILES[3], "TXN201"] == 3
    assert call("check", "--frozen").status == 0


def test_a_damaged_side_leaves_a_conflict_and_our_file_as_it_was(adopted, call):
    branch(adopted, call, "one", (FILES[0], *FIX_ROLLBACK))
    branch(adopted, call, "two", (FILES[1], *FIX_ROLLBACK))
    adopted.edit(BASELINE, '"count": 2', '"count": "two"')
    adopted.commit("damaged")
    adopted.git("checkout", "-q", "one")
    ours = (adopted.root / BASELINE).read_text()
    adopted.git("merge", "-q", "two", status=1)
    assert (adopted.root / BASELINE).read_text() == ours
    assert adopted.git("status", "--porcelain", BASELINE).startswith("UU ")


def test_without_the_driver_the_markers_are_recognised_and_merge_resolves_them(adopted, call):
    (adopted.root / ".gitattributes").unlink()
    adopted.commit("no driver")
    branch(adopted, call, "one", (FILES[0], *FIX_ROLLBACK))
    branch(adopted, call, "two", (FILES[0], COMMIT, ""))
    adopted.git("merge", "-q", "one", status=1)
    refused = call("check")
    assert refused.status == 2
    assert "git left a merge conflict here. 'sessionlint baseline merge' merges the two sides" in refused.err
    done = call("baseline", "merge")
    assert (done.status, done.out) == (0, f"{BASELINE}: merged, 10 findings. Now: git add {BASELINE}\n")
    adopted.git("add", BASELINE)
    adopted.git("commit", "-qm", "merged")
    assert call("baseline", "check", "--fail-stale").status == 0


def test_merge_without_a_conflict_or_with_two_files_says_what_it_needs(adopted, call):
    assert "git knows of no conflict in" in call("baseline", "merge").err
    assert "name three files" in call("baseline", "merge", BASELINE, BASELINE).err
    assert "cannot read" in call("baseline", "merge", BASELINE, BASELINE, "nowhere").err
