"""The plain hook judges what is staged: not what the disk has, and not what merely lies around."""

from __future__ import annotations

import pytest

from tests.hooks.project import CLEAN, COMMITTING_SERVICE, ROUTER, SERVICE
from tests.hooks.repository import Done, Repository

SERVICE_FILE, ROUTER_FILE = "app/services/items.py", "app/routers/items.py"
BREAKS = {SERVICE_FILE: COMMITTING_SERVICE}
FOUND = "app/services/items.py:7:11: TXN201"
NO_TRANSACTION = ROUTER.replace("    async with session.begin():\n        await", "    await")
READING_SERVICE = SERVICE.replace(
    "INSERT INTO items (name) VALUES (:name)", "SELECT name FROM items WHERE name = :name"
)
NOTHING = Done(0, "")


@pytest.fixture
def hooked(repository: Repository) -> Repository:
    """The clean backend, with the hook installed."""
    repository.sessionlint("hook", "install")
    return repository


def run(repository: Repository, *arguments: str) -> Done:
    return repository.sessionlint("hook", "run", *arguments)


def test_the_clean_program_is_passed_in_silence(hooked):
    assert run(hooked) == run(hooked, "--worktree") == NOTHING


def test_what_is_on_disk_but_not_staged_does_not_count(hooked):
    hooked.write(BREAKS)
    assert run(hooked) == NOTHING
    assert FOUND in run(hooked, "--worktree").output


def test_what_is_staged_counts_though_the_disk_is_clean_again(hooked):
    hooked.stage(BREAKS)
    hooked.write({SERVICE_FILE: SERVICE})
    done = hooked.commit()
    assert done.status == 1
    assert FOUND in done.output
    assert "  7 |     await session.commit()" in done.output
    assert (hooked.path / SERVICE_FILE).read_text() == SERVICE


def test_a_commit_of_named_files_is_judged_by_them_alone(hooked):
    hooked.write(BREAKS | {"app/services/other.py": SERVICE})
    hooked.git("add", "app/services/other.py")
    assert hooked.commit("--", "app/services/other.py").status == 0
    assert FOUND in hooked.commit("--", SERVICE_FILE).output
    assert FOUND in hooked.commit("--all").output


def test_a_file_that_git_does_not_track_is_no_part_of_the_commit(hooked):
    hooked.write({"app/services/scratch[1] #x!.py": COMMITTING_SERVICE})
    assert run(hooked) == run(hooked, "--worktree") == NOTHING
    hooked.git("add", "--intent-to-add", ".")
    assert run(hooked) == NOTHING


def test_the_staged_policy_counts(hooked):
    lenient = 'ignore = ["TXN2"]\n' + CLEAN["sessionlint.toml"]
    hooked.stage(BREAKS)
    hooked.write({"sessionlint.toml": lenient})
    assert FOUND in run(hooked).output
    hooked.git("add", "sessionlint.toml")
    assert run(hooked) == NOTHING


def test_a_policy_that_is_broken_on_disk_only_does_not_matter(hooked):
    hooked.stage(BREAKS)
    hooked.write({"sessionlint.toml": "presett = 1\n"})
    assert FOUND in run(hooked).output


def test_a_baseline_counts_once_it_is_staged(hooked):
    hooked.write(BREAKS)
    hooked.sessionlint("baseline", "create")
    hooked.git("add", SERVICE_FILE)
    forgotten = hooked.commit()
    assert forgotten.status == 1
    assert "sessionlint-baseline.json is not staged, so the commit is judged without it" in forgotten.output
    hooked.git("add", "sessionlint-baseline.json")
    assert hooked.commit().status == 0
    hooked.stage({SERVICE_FILE: COMMITTING_SERVICE + "    await session.commit()\n"})
    assert hooked.commit().status == 1
    hooked.stage({SERVICE_FILE: SERVICE})
    before = (hooked.path / "sessionlint-baseline.json").read_bytes()
    assert hooked.commit().status == 0
    assert (hooked.path / "sessionlint-baseline.json").read_bytes() == before


def test_renamed_and_deleted_files_are_judged_as_staged(hooked):
    hooked.git("mv", SERVICE_FILE, "app/services/things.py")
    hooked.stage({ROUTER_FILE: ROUTER.replace("items.add", "things.add").replace("import items", "import things")})
    assert hooked.commit().status == 0
    hooked.stage({"app/services/things.py": COMMITTING_SERVICE})
    assert "app/services/things.py:7:11: TXN201" in hooked.commit().output
    hooked.git("reset", "--quiet", "--hard")
    hooked.git("rm", "--quiet", "--cached", "app/session.py")
    assert "sessionlint.toml:2:1: TXN905" in hooked.commit().output


def test_the_first_commit_is_judged(empty):
    empty.stage({**CLEAN, **BREAKS})
    empty.sessionlint("hook", "install")
    assert FOUND in empty.commit().output
    empty.stage({SERVICE_FILE: SERVICE})
    assert empty.commit().status == 0
    assert empty.git("rev-list", "--count", "HEAD") == "1"


def test_a_merge_is_judged_by_its_result(hooked):
    hooked.stage({SERVICE_FILE: READING_SERVICE})
    assert hooked.commit().status == 0
    hooked.git("checkout", "--quiet", "-b", "other")
    hooked.stage({ROUTER_FILE: NO_TRANSACTION})
    assert hooked.commit().status == 0
    hooked.git("checkout", "--quiet", "main")
    hooked.stage({SERVICE_FILE: SERVICE})
    assert hooked.commit().status == 0
    merge = hooked.run("git", "merge", "--no-edit", "other")
    assert merge.status != 0
    assert "TXN209" in merge.output
    hooked.stage({ROUTER_FILE: ROUTER + "\n\nPAGE = 1\n"})
    assert hooked.commit().status == 0
    assert len(hooked.git("rev-list", "--parents", "-1", "HEAD").split()) == 3


def test_named_files_restrict_what_is_shown(hooked):
    hooked.write(BREAKS | {"README.md": "x"})
    shown = run(hooked, "--worktree", SERVICE_FILE)
    assert FOUND in shown.output
    assert "TXN205" not in shown.output
    assert run(hooked, "--worktree", "app/session.py", "README.md") == NOTHING
    assert run(hooked, "--worktree", "/etc/hosts") == NOTHING


def test_a_file_the_policy_leaves_out_stays_out_though_it_is_named(hooked):
    hooked.stage({"sessionlint.toml": 'exclude = ["app/legacy/"]\n' + CLEAN["sessionlint.toml"]})
    hooked.stage({"app/legacy/old.py": COMMITTING_SERVICE})
    assert run(hooked, "--worktree", "app/legacy/old.py") == run(hooked, "app/legacy/old.py") == NOTHING


def test_without_a_policy_one_is_inferred_from_the_tracked_files(hooked):
    hooked.git("rm", "--quiet", "sessionlint.toml")
    hooked.write({"scratch.py": "x = 1\n"})
    hooked.stage(BREAKS)
    for arguments in ((), ("--worktree",)):
        done = run(hooked, *arguments)
        assert done.status == 1
        assert FOUND in done.output
        assert "app/session.py" in done.output


def test_a_clean_program_without_a_policy_is_passed_in_silence_too(hooked):
    hooked.git("rm", "--quiet", "sessionlint.toml")
    assert run(hooked, "--worktree") == run(hooked) == NOTHING


def test_a_policy_that_was_not_staged_is_named_though_nothing_is_found(hooked):
    hooked.git("rm", "--quiet", "--cached", "sessionlint.toml")
    said = "sessionlint.toml is not staged, so the commit is judged without it; add it to the commit.\n"
    assert run(hooked) == Done(0, said)


def test_a_policy_below_is_named_with_the_findings_it_does_not_decide(hooked):
    hooked.stage({**BREAKS, "other/sessionlint.toml": 'ignore = ["TXN"]\n'})
    said = "other/sessionlint.toml holds a policy that does not count here"
    assert said in run(hooked).output
    hooked.write({SERVICE_FILE: SERVICE})
    assert said in run(hooked).output  # read from git's store


def test_what_cannot_be_checked_stops_the_commit_with_2(hooked):
    hooked.stage({"app/broken.py": "def broken(:\n"})
    assert run(hooked).status == 2
    assert hooked.commit().status == 1
    hooked.write({"app/broken.py": "x = 1\n"})
    assert run(hooked).status == 2


def test_an_unusable_policy_and_a_missing_repository_are_said_in_one_message(hooked, tmp_path):
    hooked.stage({"sessionlint.toml": "presett = 1\n"})
    assert run(hooked).output.startswith("Error: the policy in sessionlint.toml has 1 mistake:\n")
    outside = Repository(tmp_path / "outside")
    outside.path.mkdir()
    done = run(outside)
    assert done.status == 2
    assert "not a git repository" in done.output
    assert "Traceback" not in done.output
