"""Which projects there are, which files they hold, and what is said about each."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionlint.server.buffers import Buffer
from sessionlint.server.workspace import Overview, Workspace
from tests.server.projects import FILES, POLICY, project, write
from tests.server.projects import SERVICE as SERVICE_TEXT

SERVICE, ROUTER = "app/services/names.py", "app/routers/names.py"
COMMITTING = SERVICE_TEXT.replace("flush", "commit")


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


def look(workspace: Workspace, folders: list[Path], opened: dict[Path, str] | None = None) -> Overview:
    """The overview of folders and open files, all read afresh."""
    buffers = {file: Buffer("", text) for file, text in (opened or {}).items()}
    workspace.arrange(folders, buffers, rescan=True)
    overview = workspace.check(buffers)
    assert overview
    return overview


def codes(overview: Overview, root: Path) -> dict[str, list[str]]:
    """The codes of all findings by path relative to ``root``."""
    return {
        file.relative_to(root).as_posix(): [shown.finding.code for shown in found]
        for file, found in overview.shown.items()
    }


BOTH = {SERVICE: ["TXN201"], ROUTER: ["TXN205"]}


def test_the_projects_below_a_folder_without_a_policy_are_found(workspace: Workspace, tmp_path: Path) -> None:
    write(project(tmp_path / "services" / "api"), {SERVICE: COMMITTING})
    write(project(tmp_path / "node_modules" / "web"), {SERVICE: COMMITTING})
    assert codes(look(workspace, [tmp_path]), tmp_path / "services" / "api") == BOTH


def test_a_file_outside_of_every_folder_brings_its_project(workspace: Workspace, tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    assert codes(look(workspace, [], {tmp_path / SERVICE: COMMITTING}), tmp_path) == BOTH
    assert look(workspace, []).shown == {}


def test_a_folder_inside_a_project_brings_the_whole_project(workspace: Workspace, tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    assert codes(look(workspace, [tmp_path / "app" / "services"]), tmp_path) == BOTH


def test_a_policy_further_down_has_the_say_over_its_files(workspace: Workspace, tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    inner = {f"inner/{path}": text for path, text in FILES.items()}
    inner["inner/sessionlint.toml"] = POLICY.format(more='ignore = ["TXN201"]')
    write(tmp_path, {**inner, f"inner/{SERVICE}": COMMITTING})
    overview = look(workspace, [tmp_path], {tmp_path / "inner" / SERVICE: COMMITTING})
    assert codes(overview, tmp_path) == {**BOTH, f"inner/{ROUTER}": ["TXN205"]}


def test_a_file_that_git_ignores_is_none_of_the_program(workspace: Workspace, tmp_path: Path) -> None:
    write(project(tmp_path), {".gitignore": "generated/\n", "app/generated/more.py": COMMITTING})
    assert codes(look(workspace, [tmp_path], {tmp_path / "app/generated/more.py": COMMITTING}), tmp_path) == {}


def test_a_new_file_belongs_to_the_program_unless_the_policy_or_its_folder_leaves_it_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    project(tmp_path, 'exclude = ["app/old/**"]')
    for path, found in [("app/services/new.py", True), ("app/old/new.py", False), (".venv/lib/new.py", False)]:
        overview = look(workspace, [tmp_path], {tmp_path / path: COMMITTING})
        assert codes(overview, tmp_path) == ({path: ["TXN201"]} if found else {})


def test_a_file_that_cannot_be_decoded_is_said_so(workspace: Workspace, tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "app/services/old.py").write_bytes(b"# -*- coding: ascii -*-\nname = '\xe9'\n")
    ((file, (shown,)),) = look(workspace, [tmp_path]).shown.items()
    assert (file, shown.finding.code) == (tmp_path / "app/services/old.py", "TXN901")
    assert shown.finding.message.startswith("This file is not checked: ")


def test_what_the_policy_names_and_is_not_there_is_shown_in_the_policy(workspace: Workspace, tmp_path: Path) -> None:
    missing = POLICY.format(more="").replace("app/session.py", "app/sessions.py")
    write(project(tmp_path), {"sessionlint.toml": missing})
    shown = look(workspace, [tmp_path]).shown[tmp_path / "sessionlint.toml"]
    assert [(s.finding.code, s.finding.span.line) for s in shown] == [("TXN905", 2)]


def test_a_mistake_in_the_baseline_is_shown_in_the_baseline(workspace: Workspace, tmp_path: Path) -> None:
    write(project(tmp_path), {"sessionlint-baseline.json": "{\n  half", SERVICE: COMMITTING})
    overview = look(workspace, [tmp_path])
    assert codes(overview, tmp_path) == {"sessionlint-baseline.json": ["policy"], **BOTH}
    (mistake,) = overview.shown[tmp_path / "sessionlint-baseline.json"]
    assert mistake.finding.span.line == 2
    assert "is not valid JSON" in mistake.finding.message


def test_a_check_that_nobody_wants_any_more_is_not_made(workspace: Workspace, tmp_path: Path) -> None:
    workspace.arrange([project(tmp_path)], [], rescan=True)
    assert workspace.check({}, lambda: True) is None
