"""Workflow commands, read back the way the runner of GitHub Actions reads them."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionlint.formats import github
from sessionlint.formats.context import RenderContext
from sessionlint.formats.escaping import visible
from sessionlint.report import Report
from tests.formats.samples import FULL, finding, hostile_report, many

COMMANDS = {"error", "warning", "notice", "group", "endgroup", "stop-commands", "add-mask", "debug", "add-matcher"}


@dataclass
class Command:
    name: str
    properties: dict[str, str]
    data: str


def parse(line: str, known: set[str]) -> Command | None:
    """A line as the runner parses it: its own form after leading blanks, the older one anywhere in the line."""
    start = line.lstrip()
    if start.startswith("::") and "::" in start[2:]:
        head, _, data = start[2:].partition("::")
        name, _, rest = head.partition(" ")
        if name in known:
            pairs = [part.split("=", 1) for part in rest.split(",") if "=" in part]
            return Command(name, {key: unescape(value, ":,") for key, value in pairs}, unescape(data))
    if "##[" in line and "]" in line[line.index("##[") :]:
        inside, _, data = line[line.index("##[") + 3 :].partition("]")
        if inside.split(" ")[0] in known:
            return Command(inside.split(" ")[0], {}, data)
    return None


def unescape(text: str, more: str = "") -> str:
    for char in f"\r\n{more}%":
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def obeyed(output: str) -> list[Command]:
    """The commands the runner obeys in ``output``, the stopping ones left out."""
    known, stopped = set(COMMANDS), ""
    found = []
    for line in re.split("\r\n|\r|\n", output):
        command = parse(line, known)
        if command is None or (stopped and command.name != stopped):
            continue
        if command.name == "stop-commands":
            stopped = command.data
            known.add(stopped)
        elif command.name == stopped:
            stopped = ""
        else:
            found.append(command)
    assert not stopped
    return found


def annotations(report: Report, prefix: str = "") -> list[Command]:
    commands = obeyed(github.render(report, RenderContext(prefix=prefix)))
    return [command for command in commands if command.name in {"error", "warning", "notice"}]


def test_findings_and_errors_are_annotations_by_importance():
    assert github.render(FULL, RenderContext(prefix="backend/")) == (
        "::error file=backend/src/broken.py,line=7,col=3,endLine=7,endColumn=3,title=TXN901 not-checked"
        "::Not checked: invalid syntax\n"
        "::error title=TXN901 not-checked::Not checked: the rule TXN303 failed\n"
        "::error file=backend/src/a.py,line=10,col=5,endLine=10,endColumn=14,title=TXN105 unapproved-session-source"
        "::get_it() hands out a session. Take the approved one.\n"
        "::warning file=backend/src/a.py,line=12,col=5,endLine=12,endColumn=14,title=TXN201 explicit-commit"
        "::get_it() hands out a session. Take the approved one.\n"
        "::warning file=backend/src/a.py,line=14,endLine=16,title=TXN201 explicit-commit"
        "::get_it() hands out a session. Take the approved one.\n"
        "::notice file=backend/src/d.py,line=1,col=5,endLine=1,endColumn=14,title=TXN605 task-reference-dropped"
        "::get_it() hands out a session. Take the approved one.\n"
        "4 findings in 2 of 5 files; 2 known ones absorbed by sessionlint-baseline.json, 1 suppressed "
        "(40.0% of files compliant). 2 problems kept something from being checked.\n"
    )


def test_a_clean_run_is_one_line():
    assert github.render(Report(files=("a.py",)), RenderContext()) == "No findings in 1 file.\n"


def test_ten_annotations_of_each_level_and_the_rest_in_the_log():
    report = Report(findings=(*many(13), *many(11, "TXN201", "warning"), *many(2, "TXN605", "info")))
    output = github.render(report, RenderContext())
    levels = [command.name for command in obeyed(output)]
    assert levels == ["error"] * 10 + ["warning"] * 10 + ["notice"] * 2 + ["group", "endgroup"]
    listed = output[output.index("::group::") : output.index("::endgroup::")].splitlines()
    assert listed[0] == "::group::4 more, which GitHub has no room to annotate"
    assert listed[1].startswith("src/000010.py:10:5: TXN105 (error) get_it()")
    assert len(listed) == 5
    assert output.splitlines()[-1].startswith("26 findings in 13 of 0 files")


def test_hostile_text_is_shown_and_never_obeyed():
    report = hostile_report()
    commands = obeyed(github.render(report, RenderContext()))
    assert [command.name for command in commands] == ["error"] * 10 + ["group", "endgroup"]
    # lines that are no annotations hold the texts, and each of them stays one line
    assert github.render(report, RenderContext()).count("\n") == len(report.findings) + len(report.errors) + 5


@given(st.text(max_size=60), st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_message_and_path_come_out_of_the_runner_as_they_went_in(message, path):
    (annotation,) = annotations(Report(findings=(finding(message=message, path=path),)))
    assert annotation.data == visible(message)
    assert annotation.properties["file"] == path
    assert annotation.properties["title"] == "TXN105 unapproved-session-source"


@pytest.mark.parametrize("forged", ["::error::x", "  ::add-mask::secret", "a ##[add-mask]b", "::endgroup::"])
def test_text_in_the_log_cannot_command_the_runner(forged):
    report = Report(findings=(*many(10), finding(path=forged, message=forged)))
    assert [command.name for command in obeyed(github.render(report, RenderContext()))][10:] == ["group", "endgroup"]


def test_a_message_of_ten_thousand_characters_is_cut():
    (annotation,) = annotations(Report(findings=(finding(message="y" * 10_000),)))
    assert annotation.data == "y" * 3999 + "…"
