"""``sessionlint fix`` as a user runs it, on files of a real git repository."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click import Abort
from click.testing import CliRunner, Result

from sessionlint.commands.check import check
from sessionlint.commands.fix import fix
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.report import Finding
from tests.fixes.stub import fixers, replacing

POLICY = """\
preset = "unit-of-work"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session"]
select = ["TXN605"]
[layers]
router = ["app/routers/**"]
service = ["app/services/**"]
"""
SESSION = """\
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


async def get_session():
    async with factory() as session:
        yield session
"""
SCAN = """\
import asyncio

tasks = set()


async def scan(number):
    return number


async def start():
    asyncio.create_task(scan(1))
"""
READ = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def read(session: AsyncSession):
    return await session.execute("DELETE FROM items")
"""
FIXED = SCAN.replace("asyncio.create_task(scan(1))", "tasks.add(asyncio.create_task(scan(1)))")
KEEP = replacing("asyncio.create_task(scan(1))", "tasks.add(asyncio.create_task(scan(1)))")
ONE = "app/services/one.py"
TWO = "app/services/two.py"
Run = Callable[..., Result]


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def root(tree, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project under git with one task that nobody keeps."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    folder: Path = tree({"sessionlint.toml": POLICY, "app/session.py": SESSION, ONE: SCAN})
    (folder / ".gitignore").write_text(".sessionlint_cache/\n")
    git(folder, "init", "--quiet")
    commit_all(folder)
    return folder


def commit_all(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with a fixer for TXN605 that keeps ``scan(1)``."""
    monkeypatch.chdir(root)

    def run_fix(*arguments: str, answers: str = "", table=None) -> Result:
        with fixers(monkeypatch, table or {"TXN605": KEEP}):
            return CliRunner().invoke(fix, arguments, input=answers, standalone_mode=False, catch_exceptions=False)

    return run_fix


def test_a_fix_is_written_and_told(run, root):
    result = run()
    assert (root / ONE).read_text() == FIXED
    assert result.output == (
        f"{ONE}:11:5: TXN605 fixed: Replace asyncio.create_task(scan(1)).\nFixed 1 finding in 1 file.\n"
    )
    assert result.return_value == 0


def test_a_second_run_changes_nothing(run, root):
    run()
    commit_all(root)
    result = run()
    assert (root / ONE).read_text() == FIXED
    assert result.output == "Fixed nothing.\n"
    assert result.return_value == 0


def test_exit_non_zero_on_fix(run):
    assert run("--exit-non-zero-on-fix").return_value == 1


def test_diff_shows_and_writes_nothing(run, root):
    result = run("--diff")
    assert (root / ONE).read_text() == SCAN
    assert result.return_value == 1
    assert result.stdout == (
        f"--- a/{ONE}\n+++ b/{ONE}\n@@ -8,5 +8,5 @@\n \n \n async def start():\n"
        "-    asyncio.create_task(scan(1))\n+    tasks.add(asyncio.create_task(scan(1)))\n \n"
    )
    assert "TXN605 would be fixed" in result.stderr
    assert result.stderr.endswith("Would fix 1 finding in 1 file.\n")


def test_what_is_refused_is_told_with_its_reason_and_counts_as_left(run, root):
    result = run(table={"TXN605": replacing("scan(1)", "scan(2)")})
    assert (root / ONE).read_text() == SCAN
    assert result.output == (
        f"{ONE}:11:5: TXN605 not fixed: the finding would still be there.\n"
        "Fixed nothing; 1 not fixed for the reasons above.\n"
    )
    assert result.return_value == 1


def test_unsafe_fixes_are_counted_and_not_made(run, root):
    held = replacing("asyncio.create_task(scan(1))", "tasks.add(asyncio.create_task(scan(1)))", safety="unsafe")
    result = run(table={"TXN605": held})
    assert result.output == "Fixed nothing; 1 with --unsafe (look at them first: --unsafe --diff).\n"
    assert (root / ONE).read_text() == SCAN
    run("--unsafe", table={"TXN605": held})
    assert (root / ONE).read_text() == FIXED


def test_paths_and_codes_choose_whose_findings_are_fixed(run, root):
    (root / TWO).write_text(SCAN)
    commit_all(root)
    assert run("--select", "TXN2").output == "Fixed nothing.\n"
    assert run("--ignore", "TXN605").output == "Fixed nothing.\n"
    run(TWO)
    assert ((root / ONE).read_text(), (root / TWO).read_text()) == (SCAN, FIXED)


def test_codes_are_chosen_as_check_chooses_them(run, root, monkeypatch):
    (root / "sessionlint.toml").write_text(POLICY.replace('["TXN605"]', '["TXN"]\nignore = ["TXN605"]'))
    (root / TWO).write_text(READ)
    commit_all(root)

    def counted(*arguments: str) -> tuple[int, int]:
        found = CliRunner().invoke(check, [*arguments, "--format", "json"], standalone_mode=False).stdout
        told = run("--diff", *arguments).stderr
        return len(json.loads(found)["findings"]), sum(int(n) for n in re.findall(r"(\d+) (?:finding|without)", told))

    assert counted("--ignore", "TXN905") == (0, 0)
    assert counted("--select", "TXN6") == (1, 1)
    assert counted("--select", "TXN605") == (1, 1)
    assert counted("--select", "TXN6", "--ignore", "TXN605") == (0, 0)
    assert counted("--select", "TXN8") == (0, 0)
    assert counted("--select", "TXN802") == (1, 1)


def test_a_dirty_file_is_left_alone_unless_allowed(run, root):
    dirty = SCAN + "\n\nX = 1\n"
    (root / ONE).write_text(dirty)
    result = run()
    assert result.output.startswith(
        f"{ONE}:11:5: TXN605 not fixed: {ONE} has changes that are not in git; commit or stage them, or pass "
        "--allow-dirty.\n"
    )
    assert (root / ONE).read_text() == dirty
    run("--allow-dirty")
    assert (root / ONE).read_text() == FIXED + "\n\nX = 1\n"


def test_a_file_git_does_not_know_is_dirty_and_a_staged_one_is_not(run, root):
    (root / TWO).write_text(SCAN)
    run()
    assert (root / TWO).read_text() == SCAN
    git(root, "add", TWO)
    run()
    assert (root / TWO).read_text() == FIXED


def test_encoding_line_ends_mode_and_links_of_a_file_stay(run, root):
    text = "# -*- coding: latin-1 -*-\n# é\n" + SCAN
    original = text.replace("\n", "\r\n").encode("latin-1").replace(b"tasks = set()\r\n", b"tasks = set()\n")
    (root / "real.py").write_bytes(original)
    (root / "real.py").chmod(0o750)
    (root / TWO).symlink_to("../../real.py")
    commit_all(root)
    run()
    wanted = text.replace(SCAN, FIXED).replace("\n", "\r\n").encode("latin-1")
    assert (root / "real.py").read_bytes() == wanted.replace(b"tasks = set()\r\n", b"tasks = set()\n")
    assert (root / "real.py").stat().st_mode & 0o777 == 0o750
    assert (root / TWO).is_symlink()


def test_a_read_only_file_and_a_link_out_of_the_project_are_left_alone(run, root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "two.py"
    outside.write_text(SCAN)
    (root / TWO).symlink_to(outside)
    (root / ONE).chmod(0o444)
    commit_all(root)
    result = run("--allow-dirty")
    assert f"not fixed: {ONE} is read-only.\n" in result.output
    assert f"not fixed: {TWO} is a link to {outside.resolve()}, outside the project.\n" in result.output
    assert outside.read_text() == SCAN


def test_what_the_baseline_absorbs_is_left_unless_asked(run, root):
    from sessionlint.commands.baseline import baseline

    CliRunner().invoke(baseline, ["create"], standalone_mode=False, catch_exceptions=False)
    assert run().output == "Fixed nothing.\n"
    run("--include-baselined", "--allow-dirty")
    assert (root / ONE).read_text() == FIXED


def test_what_a_comment_suppresses_is_left_unless_asked_and_the_comment_goes_with_it(run, root):
    comment = "    # sessionlint: ignore[TXN605] -- it is short\n"
    policy = POLICY.replace('select = ["TXN605"]', 'select = ["TXN605", "TXN903"]')
    (root / "sessionlint.toml").write_text(policy)
    (root / ONE).write_text(SCAN.replace("    asyncio.", comment + "    asyncio."))
    commit_all(root)
    assert run().output == "Fixed nothing.\n"
    run("--include-suppressed")
    assert (root / ONE).read_text() == FIXED


def test_interactive_asks_about_every_fix(run, root):
    for name in ("two", "three", "four"):
        (root / f"app/services/{name}.py").write_text(SCAN)
    commit_all(root)
    result = run("--interactive", answers="n\ny\nq\n")
    fixed = {p.name for p in (root / "app/services").iterdir() if p.read_text() == FIXED}
    assert fixed == {"one.py"}
    assert result.output.count("Fix it? [y]es, [n]o, [a]ll from here, [q]uit") == 3
    assert f"--- a/{ONE}\n+++ b/{ONE}\n" in result.output
    assert result.output.endswith("Fixed 1 finding in 1 file; 2 declined.\n")


def test_a_fix_that_waited_for_one_that_is_declined_is_asked_about(run, root):
    (root / ONE).write_text(SCAN + "    asyncio.create_task(scan(1))\n")
    commit_all(root)

    def keep(context: Context, finding: Finding) -> Proposal:
        made = KEEP(context, finding)
        # both change the line of the set
        text = made.changes[ONE].replace("tasks = set()", f"tasks = set()  # of line {finding.span.line}")
        return dataclasses.replace(made, changes={ONE: text})

    result = run("--interactive", answers="n\nn\n", table={"TXN605": keep})
    assert [line for line in result.output.splitlines() if line.startswith("+tasks")] == [
        "+tasks = set()  # of line 11",
        "+tasks = set()  # of line 12",
    ]
    assert result.output.endswith("Fixed nothing; 2 declined.\n")


def noting(context: Context, finding: Finding) -> Proposal:
    """A fixer that adds a line above all others, so that each fix waits for the one before."""
    if "scan(3)" in context.text(ONE).split("\n")[finding.span.line - 1]:
        refuse("it is the third", ONE, finding.span.line + 1)
    made = KEEP(context, finding)
    return dataclasses.replace(made, changes={ONE: f"# one more\n{made.changes[ONE]}"})


def test_what_is_fixed_is_named_where_check_found_it_and_what_is_left_where_it_is(run, root):
    third = "    asyncio.create_task(scan(3))\n    return 3\n"
    (root / ONE).write_text(SCAN + "    asyncio.create_task(scan(1))\n" + third)
    commit_all(root)
    table = {"TXN605": noting}

    def places(text: str) -> list[str]:
        return re.findall(r"\w+\.py:[\d:]+\d(?:: TXN605 not)?", text)

    assert places(run("--diff", table=table).stderr) == [
        "one.py:11:5",
        "one.py:12:5",
        "one.py:13:5: TXN605 not",
        "one.py:14",
    ]
    assert places(run("--plan", table=table).stdout) == [
        "one.py:11",
        "one.py:12",
        "one.py:13:5: TXN605 not",
        "one.py:14",
    ]
    asked = run("--interactive", table=table, answers="y\nn\n").stdout
    assert places(asked) == ["one.py:11:5", "one.py:12:5", "one.py:11:5", "one.py:14:5: TXN605 not", "one.py:15"]
    found = CliRunner().invoke(check, ["--no-cache"], standalone_mode=False).stdout
    assert places(found)[:2] == ["one.py:13:5", "one.py:14:5"]


def test_interactive_all_makes_the_rest_without_asking(run, root):
    (root / TWO).write_text(SCAN)
    commit_all(root)
    result = run("--interactive", answers="a\n")
    assert ((root / ONE).read_text(), (root / TWO).read_text()) == (FIXED, FIXED)
    assert result.output.count("Fix it?") == 1


def test_a_plan_shows_steps_and_writes_nothing(run, root):
    (root / TWO).write_text(SCAN)
    commit_all(root)
    result = run("--plan")
    assert result.output == (
        f"Step 1 of 2: {ONE}\n  1 finding in {ONE}\n  Replace asyncio.create_task(scan(1)): TXN605 {ONE}:11\n\n"
        f"Step 2 of 2: {TWO}\n  1 finding in {TWO}\n  Replace asyncio.create_task(scan(1)): TXN605 {TWO}:11\n\n"
        "Would fix 2 findings in 2 files.\n"
    )
    assert ((root / ONE).read_text(), (root / TWO).read_text()) == (SCAN, SCAN)
    assert result.return_value == 1


def test_a_plan_is_committed_step_by_step_and_nothing_else_is(run, root):
    (root / TWO).write_text(SCAN)
    commit_all(root)
    (root / "notes.txt").write_text("mine\n")
    git(root, "add", "notes.txt")
    result = run("--plan", "--commit")
    assert result.return_value == 0
    log = git(root, "log", "--format=%s|%b", "--name-only", "-2")
    assert log.split("\n") == [
        f"{TWO}: fix TXN605|- Replace asyncio.create_task(scan(1)): TXN605 {TWO}:11", "", "", TWO,
        f"{ONE}: fix TXN605|- Replace asyncio.create_task(scan(1)): TXN605 {ONE}:11", "", "", ONE, "",
    ]  # fmt: skip
    assert git(root, "status", "--porcelain") == "A  notes.txt\n"


def test_a_step_that_git_does_not_commit_is_taken_back(run, root):
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Exception, match=f"the step '{ONE}' was taken back, because git did not commit it"):
        run("--plan", "--commit")
    assert (root / ONE).read_text() == SCAN
    assert git(root, "status", "--porcelain") == ""


def test_check_completes_what_a_killed_fix_left(run, root, monkeypatch):
    from sessionlint.fixes import transaction

    def dying(path, data):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_put", dying)
        with pytest.raises(Abort):
            run()
    assert (root / ONE).read_text() == SCAN
    result = CliRunner().invoke(check, [], standalone_mode=False, catch_exceptions=False)
    assert result.stderr == f"An interrupted fix was completed: {ONE}.\n"
    assert result.return_value == 0
    assert (root / ONE).read_text() == FIXED


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--commit"], "--commit makes the steps of a plan: add --plan."),
        (["--plan", "--commit", "--diff"], "leave one of them out"),
        (["--plan", "--interactive"], "leave --plan and --diff out"),
        (["--plan", "--commit", "--allow-dirty"], "commit or stash them first"),
    ],
)
def test_options_that_contradict_each_other_are_refused(run, options, message):
    with pytest.raises(Exception, match=message.replace("(", r"\(")):
        run(*options)


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_fixed(run, root):
    (root / "app/services/broken.py").write_text("def (:\n")
    commit_all(root)
    result = run()
    assert result.return_value == 2
    assert "app/services/broken.py:1: not checked: is not valid Python" in result.stderr
    assert (root / ONE).read_text() == FIXED


def test_check_imports_neither_libcst_nor_what_fixing_needs(root):
    code = (
        "import sys\nfrom sessionlint.cli import _status\n"
        "assert _status(['check', '--no-cache']) == 1\n"
        "print([m for m in ('libcst', 'packaging', 'pyflakes', 'filelock') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def as_a_user(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process to which permissions apply, as they do not to root."""
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [*bound, sys.executable, "-m", "sessionlint", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


CALLED = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, name):
    session.add(name)
    await session.commit()
"""
CALLING = """\
from app.services.saving import save
from app.session import factory


async def start(name):
    async with factory() as session:
        await save(session, name)
"""


@pytest.mark.parametrize("hidden", ["app/services/secret.py", "app/secrets"])
def test_what_may_not_be_read_is_told_and_the_rest_is_fixed_that_does_not_depend_on_it(root, hidden):
    saving, calling = "app/services/saving.py", "app/jobs/saving.py"
    for path, text in ((saving, CALLED), (calling, CALLING), ("app/secrets/one.py", ""), (hidden, "")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if not (root / path).is_dir():
            (root / path).write_text(text)
    (root / "sessionlint.toml").write_text(POLICY.replace('["TXN605"]', '["TXN605", "TXN201"]'))
    commit_all(root)
    (root / hidden).chmod(0)
    done = as_a_user(root, "fix")
    (root / hidden).chmod(0o755)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{hidden}:1: not checked: cannot be read: Permission denied; grant access ")
    # whoever cannot be seen may call it
    assert done.stdout == (
        f"{ONE}:11:5: TXN605 fixed: Keep the task until it is done.\n"
        f"{saving}:6:11: TXN201 not fixed: save() is perhaps named where nothing can be read ({hidden}:1).\n"
        "Fixed 1 finding in 1 file; 1 not fixed for the reasons above.\n"
    )
    assert (root / saving).read_text() == CALLED


def test_a_link_that_leads_nowhere_is_an_error_and_holds_no_code(root):
    (root / "app/gone.py").symlink_to("nowhere.py")
    commit_all(root)
    told = [as_a_user(root, command) for command in ("check", "fix")]
    assert [done.returncode for done in told] == [2, 2]
    assert told[1].stderr == ("app/gone.py:1: not checked: the symbolic link leads nowhere; remove it or exclude it.\n")
    assert "1 finding" in told[1].stdout
