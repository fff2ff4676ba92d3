"""A run takes what changed into the solution of the run before, and says what a run without it would say."""

import pickle
import random
import shutil
from pathlib import Path

import pytest

from sessionlint import apart
from sessionlint.policy import load_policy
from sessionlint.program import build, solution_store
from sessionlint.program.memo_store import solving_digest
from sessionlint.run import run
from tests.program.test_memo import edited

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def project(tmp_path):
    """A copy of the example whose findings are many."""
    shutil.copytree(EXAMPLES / "noncompliant", tmp_path / "project", ignore=shutil.ignore_patterns(".session*"))
    return tmp_path / "project"


@pytest.fixture
def solved(monkeypatch):
    """How many times a program was solved, rather than taken from the run before."""
    count = []
    real = build.solve_part

    def counted(*arguments, **options):
        count.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(apart, "solve_part", counted)
    return count


def checked(project, **options):
    return run(project, load_policy(project), **options)


def afresh(project):
    return checked(project, use_cache=False)


def a_file(project, text="session"):
    return next(p for p in sorted(project.rglob("*.py")) if text in p.read_text() and "def " in p.read_text())


def put_in(path, line, text):
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:line], text, *lines[line:]]))


def test_an_edit_after_the_first_run_is_taken(project, solved):
    before = checked(project)
    path = a_file(project)
    put_in(path, 0, "# a comment more")
    after = checked(project)
    assert len(solved) == 1
    assert after == afresh(project)
    moved = path.relative_to(project).as_posix()
    lines = [[f.span.line for f in report.findings if f.path == moved] for report in (before, after)]
    assert lines[1] == [line + 1 for line in lines[0]] != []


def test_edits_of_several_files_and_runs_add_up(project, solved):
    checked(project)
    for number, path in enumerate(sorted(project.rglob("*.py"))[:6]):
        put_in(path, 0, "# first")
        put_in(path, 0, f"# {number}")
        assert checked(project) == afresh(project)
    assert len([one for one in solved if one[2] is not None]) == 1


def test_a_change_that_others_see_has_the_program_solved_again(project, solved):
    checked(project)
    for path in project.rglob("*.py"):
        path.write_text(path.read_text().replace("commit()", "rollback()"))
    after = checked(project)
    assert len(solved) == 2
    assert after == afresh(project)


def test_a_file_more_has_the_program_solved_again(project, solved):
    checked(project)
    (project / "more.py").write_text("import sqlalchemy\n\nengine = sqlalchemy.create_engine('sqlite://')\n")
    assert checked(project) == afresh(project)
    assert len([one for one in solved if one[2] is not None]) == 2


def test_other_rules_go_by_the_same_solution(project, solved):
    checked(project)
    put_in(a_file(project), 0, "# a comment")
    some = checked(project, select=["TXN2"])
    assert len(solved) == 1
    assert some == checked(project, select=["TXN2"], use_cache=False)
    assert checked(project) == afresh(project)
    assert len(list((project / ".sessionlint_cache").glob("solution-*.bin"))) == 1


def test_without_a_policy_edits_are_taken_as_well(project, solved):
    def inferred(**options):
        return run(project, None, **options)

    inferred()
    put_in(a_file(project), 0, "# a comment")
    after = inferred()
    assert len(solved) == 1
    assert after == inferred(use_cache=False)
    assert after.findings != ()


@pytest.mark.parametrize("seed", range(3))
def test_after_any_edit_a_run_says_what_a_fresh_one_says(project, seed):
    rng = random.Random(seed)
    checked(project)
    files = sorted(project.rglob("*.py"))
    for _ in range(4):
        path = rng.choice(files)
        path.write_text(edited(path.read_text(), rng))
        assert checked(project) == afresh(project), path


@pytest.mark.parametrize("harm", ["cut", "empty", "flipped", "garbage"])
def test_a_damaged_solution_counts_as_absent(project, solved, harm):
    checked(project)
    (stored,) = (project / ".sessionlint_cache").glob("solution-*.bin")
    data = stored.read_bytes()
    flipped = bytes([*data[:4000], data[4000] ^ 255, *data[4001:]])
    stored.write_bytes({"cut": data[:5000], "empty": b"", "flipped": flipped, "garbage": b"x" * 5000}[harm])
    put_in(a_file(project), 0, "# a comment")
    assert checked(project) == afresh(project)
    assert len([one for one in solved if one[2] is not None]) == 2


class Attack:
    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


def test_a_solution_made_by_an_attacker_runs_nothing(project, monkeypatch):
    monkeypatch.chdir(project)
    checked(project)
    (stored,) = (project / ".sessionlint_cache").glob("solution-*.bin")
    policy = load_policy(project)
    assert policy is not None
    store = solution_store.SolutionStore(stored.parent, solving_digest(policy))
    assert store.load() is not None
    part = pickle.dumps(Attack())
    body = len(part).to_bytes(8, "little") + part
    hasher = store._file._hasher()
    hasher.update(body)
    stored.write_bytes(stored.read_bytes()[:8] + body + hasher.digest())
    assert store.load() is None
    assert not Path("pwned").exists()


def test_a_solution_that_leads_nowhere_is_given_up(project, solved, monkeypatch):
    checked(project)
    put_in(a_file(project), 0, "# a comment")

    def fails(*_):
        raise KeyError("nowhere")

    monkeypatch.setattr(solution_store.Stored, "put_into", fails)
    assert checked(project) == afresh(project)
    assert len([one for one in solved if one[2] is not None]) == 2


def test_the_solution_of_a_large_program_is_kept_once_it_is_checked_again():
    large, huge = 30 << 20, 200 << 20
    assert build.is_kept(1 << 20, returning=False)
    assert not build.is_kept(large, returning=False)
    assert build.is_kept(large, returning=True)
    assert not build.is_kept(huge, returning=True)
