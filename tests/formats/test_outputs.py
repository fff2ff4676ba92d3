"""Which formats a run writes, and where to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionlint.errors import UsageError
from sessionlint.formats import outputs
from sessionlint.formats.context import repository_prefix
from sessionlint.formats.outputs import Output
from sessionlint.formats.text import plain
from sessionlint.report import Report
from tests.formats.samples import FULL


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def write(planned, report=FULL, **options):
    outputs.write(planned, report, Path(), style=lambda _stream: plain, **options)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("sarif=out.sarif", Output("sarif", Path("out.sarif"))),
        ("json=-", Output("json", None)),
        ("text=a=b.txt", Output("text", Path("a=b.txt"))),
    ],
)
def test_an_output_is_a_format_and_a_path(text, output):
    assert outputs.parse(text) == output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "serif=x",
            "--output 'serif=x': 'serif' is no format; the formats are text, json, sarif, github, gitlab, rdjson, "
            "junit, markdown. Did you mean 'sarif'?",
        ),
        (
            "out.txt",
            "--output 'out.txt': 'out.txt' is no format; the formats are text, json, sarif, github, gitlab, rdjson, "
            "junit, markdown.",
        ),
        ("sarif", "--output 'sarif' names no file; write sarif=PATH, or sarif=- for standard output."),
        ("sarif=", "--output 'sarif=' names no file; write sarif=PATH, or sarif=- for standard output."),
    ],
)
def test_a_bad_output_says_what_is_valid(text, message):
    with pytest.raises(UsageError) as error:
        outputs.parse(text)
    assert str(error.value) == message


def test_the_main_format_goes_to_standard_output_next_to_files():
    assert outputs.plan("text", None, ["sarif=a", "json=b"]) == (
        Output("text", None),
        Output("sarif", Path("a")),
        Output("json", Path("b")),
    )


def test_an_output_to_standard_output_takes_the_place_of_the_main_format():
    assert outputs.plan("text", None, ["github=-", "json=b"]) == (Output("github", None), Output("json", Path("b")))


def test_the_main_format_can_go_to_a_file_next_to_another_on_standard_output():
    assert outputs.plan("text", Path("a"), ["json=-"]) == (Output("text", Path("a")), Output("json", None))


@pytest.mark.parametrize(
    ("main_file", "extra", "message"),
    [
        (None, ["json=-", "sarif=-"], "json and sarif both go to standard output; give each a place of its own."),
        (Path("x"), ["json=./x"], "text and json both go to 'x'; give each a place of its own."),
        (None, ["json=folder"], "cannot write json to 'folder': it is a folder; name a file in it."),
        (None, ["json=no/x"], "cannot write json to 'no/x': its folder does not exist; make it first."),
        (Path("no/x"), [], "cannot write text to 'no/x': its folder does not exist; make it first."),
    ],
)
def test_places_are_checked_before_the_run(inside, main_file, extra, message):
    (inside / "folder").mkdir()
    with pytest.raises(UsageError) as error:
        outputs.plan("text", main_file, extra)
    assert str(error.value) == message


def test_all_formats_are_written_in_one_run(inside, capsys):
    write(outputs.plan("text", None, [f"{name}={name}.out" for name in outputs.FORMATS]))
    assert {path.name for path in inside.iterdir()} == {f"{name}.out" for name in outputs.FORMATS}
    assert (inside / "text.out").read_text() == capsys.readouterr().out
    assert json.loads((inside / "sarif.out").read_bytes())["version"] == "2.1.0"
    assert json.loads((inside / "gitlab.out").read_bytes())[2]["check_name"] == "TXN105-unapproved-session-source"
    assert (inside / "junit.out").read_text().startswith("<?xml ")
    assert (inside / "github.out").read_text().startswith("::error ")
    assert (inside / "markdown.out").read_text().startswith("## ")
    assert json.loads((inside / "rdjson.out").read_bytes())["source"] == {"name": "sessionlint"}
    assert json.loads((inside / "json.out").read_bytes())["version"] == 1


def test_every_format_tells_the_same_totals(inside):
    write(outputs.plan("text", Path("text"), [f"{name}={name}" for name in ("github", "markdown", "junit", "sarif")]))
    for name in ("text", "github", "markdown", "junit", "sarif"):
        told = (inside / name).read_text()
        assert "4 findings in 2 of 5 files; 2 known ones absorbed by sessionlint-baseline.json, 1 suppressed" in told


def test_a_file_is_replaced(inside):
    (inside / "out").write_text("x" * 100_000)
    write(outputs.plan("text", Path("out"), []), Report())
    assert (inside / "out").read_text() == "No findings in 0 files.\n"


def test_the_summary_of_a_github_step_is_added_to(inside, monkeypatch):
    path = inside / "summary"
    path.write_text("# mine\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    write(outputs.plan("text", None, [f"markdown={path}"]), Report())
    assert path.read_text() == "# mine\n## ✅ sessionlint\n\nNo findings in 0 files.\n"


def test_a_file_that_cannot_be_written_is_named(inside):
    (inside / "folder").mkdir()
    planned = outputs.plan("text", None, ["json=folder/out"])
    (inside / "folder").rmdir()
    with pytest.raises(UsageError, match=r"^cannot write json to 'folder/out': No such file or directory\.$"):
        write(planned)


def test_statistics_go_to_standard_error_when_no_text_shows_them(capsys):
    report = Report(statistics={"unknown receivers": 3})
    write(outputs.plan("json", None, []), report, statistics=True)
    assert capsys.readouterr().err == "unknown receivers: 3\n"
    write(outputs.plan("text", None, []), report, statistics=True)
    out, err = capsys.readouterr()
    assert "3  unknown receivers" in out
    assert err == ""


def test_only_the_terminal_is_coloured(inside, capsys):
    def style(stream):
        return (lambda text, _role: f"<{text}>") if stream else plain

    outputs.write(outputs.plan("text", None, ["text=out"]), Report(), Path(), style=style)
    assert capsys.readouterr().out == "<No findings> in 0 files.\n"
    assert (inside / "out").read_text() == "No findings in 0 files.\n"


def test_paths_lead_from_the_repository_to_a_project_in_a_folder(inside):
    (inside / "repository/.git").mkdir(parents=True)
    project = inside / "repository/services/api"
    project.mkdir(parents=True)
    assert repository_prefix(project) == "services/api/"
    assert repository_prefix(inside / "repository") == ""
    (inside / "link").symlink_to(project)
    assert repository_prefix(inside / "link") == "services/api/"


def test_a_work_tree_of_git_is_a_repository_though_its_git_is_a_file(inside):
    (inside / "tree/app").mkdir(parents=True)
    (inside / "tree/.git").write_text("gitdir: elsewhere\n")
    assert repository_prefix(inside / "tree/app") == "app/"
