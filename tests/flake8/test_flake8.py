"""The plugin under real flake8, in projects of its own."""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """\
[tool.sessionlint]
preset = "unit-of-work"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session_dependency"]
session-contexts = ["app.session.get_session"]
[tool.sessionlint.layers]
router = ["app/routers/**"]
service = ["app/services/**"]
"""

SESSION = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.url, pool_size=5, connect_args={"ssl": settings.ssl_context})
factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with factory() as session:
        yield session


async def get_session_dependency():
    async with factory() as session:
        yield session
"""

# Nothing in this file is wrong by itself: what save() does to the session stands in another file.
ITEMS = """\
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.items import save
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(object)])


@router.post("/items")
async def create(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await save(session)
"""

SERVICE = """\
async def save(session):
    session.add(object())
    await session.commit()
"""

FILES = {
    "pyproject.toml": POLICY,
    "app/__init__.py": "",
    "app/session.py": SESSION,
    "app/settings.py": "settings = object()\n",
    "app/routers/__init__.py": "",
    "app/routers/items.py": ITEMS,
    "app/services/__init__.py": "",
    "app/services/items.py": SERVICE,
}

CALLEE_COMMITS = ("app/routers/items.py", 13, 15, "TXN205")
COMMIT = ("app/services/items.py", 3, 11, "TXN201")

_LINE = re.compile(r"^(?:\./)?(.+?):(\d+):(\d+): ([A-Z]+\d+) (.+)$")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", FILES)


def flake8(cwd: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8", *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)


def found(done: subprocess.CompletedProcess[str]) -> list[tuple[str, int, int, str]]:
    """Path, line, column and code of every line of output; any other line fails."""
    assert done.stderr == ""
    matches = [_LINE.match(line) for line in done.stdout.splitlines()]
    assert all(matches), done.stdout
    return sorted((m[1], int(m[2]), int(m[3]), m[4]) for m in matches if m)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_finding_that_another_file_proves_is_reported(project: Path, jobs: str) -> None:
    done = flake8(project, "--select=TXN", f"--jobs={jobs}", ".")
    assert found(done) == [CALLEE_COMMITS, COMMIT]
    assert done.returncode == 1


def test_a_single_file_is_judged_with_the_whole_program_in_mind(project: Path) -> None:
    assert found(flake8(project, "--select=TXN", "app/routers/items.py")) == [CALLEE_COMMITS]


def test_the_project_is_found_from_the_file_when_flake8_runs_elsewhere(project: Path, tmp_path: Path) -> None:
    target = project / "app" / "routers" / "items.py"
    assert found(flake8(tmp_path, "--select=TXN", str(target))) == [(str(target), *CALLEE_COMMITS[1:])]


def test_spawned_workers_give_the_same_findings(project: Path) -> None:
    assert "spawn" in multiprocessing.get_all_start_methods()
    code = (
        "import multiprocessing, sys; from flake8.main.cli import main\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.set_start_method('spawn')\n"
        "    sys.exit(main(sys.argv[1:]))\n"
    )
    script = project.parent / "spawning.py"
    script.write_text(code, encoding="utf-8")
    command = [sys.executable, str(script), "--select=TXN", "--jobs=2", "."]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert found(done) == [CALLEE_COMMITS, COMMIT]


def test_the_message_is_the_one_of_the_command_line(project: Path) -> None:
    done = flake8(project, "--select=TXN201", ".")
    command = [sys.executable, "-m", "sessionlint", "check", "--no-cache", "--format=json", "--select=TXN201", "."]
    report = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False).stdout
    message = done.stdout.partition("TXN201 ")[2].strip()
    assert f'"message": "{message}"' in report.replace("\\u2026", "…")


def test_a_noqa_comment_with_the_code_silences_its_line(project: Path) -> None:
    write(project, {"app/services/items.py": SERVICE.replace("commit()", "commit()  # noqa: TXN201")})
    assert found(flake8(project, "--select=TXN", ".")) == [CALLEE_COMMITS]


def test_a_noqa_comment_with_another_code_silences_nothing(project: Path) -> None:
    write(project, {"app/services/items.py": SERVICE.replace("commit()", "commit()  # noqa: TXN202")})
    assert found(flake8(project, "--select=TXN", ".")) == [CALLEE_COMMITS, COMMIT]


def test_disable_noqa_shows_the_finding_again(project: Path) -> None:
    write(project, {"app/services/items.py": SERVICE.replace("commit()", "commit()  # noqa: TXN201")})
    assert found(flake8(project, "--select=TXN", "--disable-noqa", ".")) == [CALLEE_COMMITS, COMMIT]


def test_one_code_can_be_selected(project: Path) -> None:
    assert found(flake8(project, "--select=TXN205", ".")) == [CALLEE_COMMITS]


def test_one_code_can_be_ignored(project: Path) -> None:
    assert found(flake8(project, "--select=TXN", "--ignore=TXN205", ".")) == [COMMIT]


def test_findings_can_be_ignored_per_file(project: Path) -> None:
    done = flake8(project, "--select=TXN", "--per-file-ignores=app/services/*:TXN201", ".")
    assert found(done) == [CALLEE_COMMITS]


def test_the_rules_run_without_any_selection(project: Path) -> None:
    assert {CALLEE_COMMITS, COMMIT} <= set(found(flake8(project, ".")))


def test_extend_select_adds_to_what_flake8_reports_by_itself(project: Path) -> None:
    write(project, {"app/services/items.py": "import os\n\n\n" + SERVICE})
    done = flake8(project, "--extend-select=TXN", "app/services")
    assert found(done) == [("app/services/items.py", 1, 1, "F401"), ("app/services/items.py", 6, 11, "TXN201")]


def test_other_codes_alone_leave_our_rules_out(project: Path) -> None:
    done = flake8(project, "--select=E9,W", ".")
    assert found(done) == []
    assert not (project / ".sessionlint_cache").exists()


RAW_SQL = """\
from sqlalchemy import text


async def names(session):
    return await session.execute(text("SELECT name FROM items"))
"""


def test_a_rule_the_preset_leaves_off_stays_off_even_when_ignore_replaces_the_defaults(project: Path) -> None:
    write(project, {"app/services/items.py": RAW_SQL})
    assert found(flake8(project, "--select=TXN", "--ignore=W503", ".")) == []


def test_a_rule_the_preset_leaves_off_runs_when_it_is_selected_by_its_code(project: Path) -> None:
    write(project, {"app/services/items.py": RAW_SQL})
    done = flake8(project, "--extend-select=TXN802", "app/services")
    assert found(done) == [("app/services/items.py", 5, 34, "TXN802")]


def test_the_policy_can_be_named(project: Path) -> None:
    write(project, {"pyproject.toml": "", "ci/strict/sessionlint.toml": "", "lint.toml": ""})
    write(project, {"sessionlint.toml": 'session-modules = ["app/session.py"]\nignore = ["TXN201"]\n'})
    assert found(flake8(project, "--select=TXN", "--sessionlint-config=sessionlint.toml", ".")) == [CALLEE_COMMITS]


def test_the_policy_can_be_named_in_flake8s_own_configuration(project: Path) -> None:
    write(project, {"other/sessionlint.toml": 'ignore = ["TXN"]\n'})
    write(project, {".flake8": "[flake8]\nselect = TXN\nsessionlint-config = other/sessionlint.toml\n"})
    assert found(flake8(project, ".")) == []


def test_standard_input_is_judged_instead_of_the_file_on_disk(project: Path) -> None:
    done = flake8(
        project, "--select=TXN", "--stdin-display-name=app/services/items.py", "-", stdin="\n\n" + SERVICE
    )  # fmt: skip
    assert found(done) == [("app/services/items.py", 5, 11, "TXN201")]
    assert (project / "app/services/items.py").read_text(encoding="utf-8") == SERVICE


def test_standard_input_sees_the_other_files_of_the_program(project: Path) -> None:
    text = ITEMS.replace("await save(session)", "pass\n        await save(session)")
    done = flake8(project, "--select=TXN", "--stdin-display-name=app/routers/items.py", "-", stdin=text)
    assert found(done) == [("app/routers/items.py", 14, 15, "TXN205")]


def test_a_file_that_was_never_saved_belongs_to_the_program(project: Path) -> None:
    text = "from app.session import get_session\n\n\nasync def run():\n    async with get_session() as session:\n"
    text += "        await session.commit()\n"
    done = flake8(project, "--select=TXN201", "--stdin-display-name=app/services/new.py", "-", stdin=text)
    assert found(done) == [("app/services/new.py", 6, 15, "TXN201")]


def test_standard_input_without_a_name_has_no_findings(project: Path) -> None:
    assert (
        found(flake8(project, "--select=TXN", "-", stdin="async def f(session):\n    await session.commit()\n")) == []
    )


def test_a_file_with_a_syntax_error_does_not_hide_the_findings_of_the_others(project: Path) -> None:
    write(project, {"app/broken.py": "def f(:\n"})
    done = flake8(project, "--select=TXN,E9", ".")
    codes = [line.split()[1] for line in done.stdout.splitlines()]
    assert sorted(codes) == ["E999", "TXN201", "TXN205"]
    assert re.fullmatch(r"flake8: sessionlint: app/broken\.py:1: .+\n", done.stderr)
    assert done.returncode == 1


def test_other_plugins_keep_working(project: Path) -> None:
    bad = "def f(names=[]):\n    return names\n\n\n" + SERVICE
    write(project, {"app/services/items.py": bad})
    done = flake8(project, "--select=TXN,B006", "--jobs=2", ".")
    assert found(done) == [
        CALLEE_COMMITS,
        ("app/services/items.py", 1, 13, "B006"),
        ("app/services/items.py", 7, 11, "TXN201"),
    ]


def test_a_broken_policy_ends_the_run_with_every_mistake_and_no_traceback(project: Path) -> None:
    write(project, {"pyproject.toml": POLICY.replace("preset", "prest").replace("router =", "routers =")})
    done = flake8(project, ".")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "flake8: sessionlint cannot use its policy:" in done.stderr
    assert "'preset'" in done.stderr
    assert "'router'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_policy_below_the_named_folder_ends_the_run_before_any_file_is_checked(project: Path) -> None:
    write(project, {"app/services/sessionlint.toml": "prest = 1\n"})
    done = flake8(project, "--jobs=2", ".")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "flake8: sessionlint cannot use its policy:" in done.stderr
    assert "prest" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("excluded", ["services", "app/services", "app/serv*"])
def test_a_broken_policy_in_what_flake8_passes_over_is_not_read(project: Path, excluded: str) -> None:
    write(project, {"app/services/sessionlint.toml": "prest = 1\n"})
    assert found(flake8(project, "--select=TXN", f"--extend-exclude={excluded}", ".")) == [CALLEE_COMMITS]


def test_a_project_below_the_named_folder_is_judged_by_its_own_policy(project: Path) -> None:
    lax = POLICY.replace("[tool.sessionlint.l", 'ignore = ["TXN2"]\n[tool.sessionlint.l')
    write(project / "lax", {**FILES, "pyproject.toml": lax})
    assert found(flake8(project, "--select=TXN", ".")) == [CALLEE_COMMITS, COMMIT]


def test_a_policy_that_is_not_there_ends_the_run(project: Path) -> None:
    done = flake8(project, "--sessionlint-config=nowhere.toml", ".")
    assert done.returncode == 1
    assert "there is no such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_outside_the_project_of_the_named_policy_has_no_findings(project: Path, tmp_path: Path) -> None:
    alone = write(tmp_path / "alone", {"items.py": SERVICE})
    config = project / "pyproject.toml"
    assert found(flake8(alone, "--select=TXN", f"--sessionlint-config={config}", "items.py")) == []


def test_files_of_two_projects_are_judged_by_their_own_policies(project: Path, tmp_path: Path) -> None:
    lax = write(
        tmp_path / "lax",
        {**FILES, "pyproject.toml": POLICY.replace("[tool.sessionlint.l", 'ignore = ["TXN2"]\n[tool.sessionlint.l')},
    )
    assert found(flake8(tmp_path, "--select=TXN", str(project.name), str(lax.name))) == [
        (f"project/{CALLEE_COMMITS[0]}", *CALLEE_COMMITS[1:]),
        (f"project/{COMMIT[0]}", *COMMIT[1:]),
    ]


def test_a_file_the_policy_excludes_has_no_findings(project: Path) -> None:
    write(project, {"pyproject.toml": POLICY.replace("preset", 'exclude = ["app/services/**"]\npreset')})
    assert found(flake8(project, "--select=TXN201", ".")) == []
    done = flake8(project, "--select=TXN201", "--stdin-display-name=app/services/items.py", "-", stdin=SERVICE)
    assert found(done) == []


def test_paths_with_blanks_and_other_letters_work(tmp_path: Path) -> None:
    root = write(tmp_path / "mein Projekt ä", FILES)
    assert found(flake8(root, "--select=TXN", ".")) == [CALLEE_COMMITS, COMMIT]


def test_flake8_names_the_plugin_and_its_version(project: Path) -> None:
    done = flake8(project, "--version")
    assert re.search(r"\bsessionlint: \d+\.\d+", done.stdout)
