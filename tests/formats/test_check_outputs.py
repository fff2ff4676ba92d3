"""``sessionlint check`` writing several formats about one real project in a folder of a repository."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import junitparser
import pytest

from sessionlint.cli import main
from sessionlint.formats.outputs import FORMATS

EXAMPLE = Path(__file__).parents[2] / "examples/noncompliant"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    shutil.copytree(EXAMPLE, tmp_path / "backend", ignore=shutil.ignore_patterns(".sessionlint_cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def status(*arguments: str) -> Any:
    with pytest.raises(SystemExit) as leave:
        main(arguments)
    return leave.value.code


def test_every_format_of_one_run_tells_of_the_same_findings_in_files_of_the_repository(repository, capsys):
    outputs = [f"--output={name}={name}.out" for name in FORMATS if name != "json"]
    assert status("check", "backend", "--format", "json", *outputs) == 1
    report = json.loads(capsys.readouterr().out)
    expected = Counter((f"backend/{row['path']}", row["code"]) for row in report["findings"])
    assert len(report["findings"]) > 40

    (run,) = json.loads((repository / "sarif.out").read_bytes())["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert expected == Counter(
        (place["artifactLocation"]["uri"], result["ruleId"])
        for place, result in zip(places, run["results"], strict=True)
    )
    rows = json.loads((repository / "gitlab.out").read_bytes())
    assert expected == Counter((row["location"]["path"], row["check_name"][:6]) for row in rows)
    assert len({row["fingerprint"] for row in rows}) == len(rows)
    diagnostics = json.loads((repository / "rdjson.out").read_bytes())["diagnostics"]
    assert expected == Counter((row["location"]["path"], row["code"]["value"]) for row in diagnostics)
    suites = junitparser.JUnitXml.fromstring((repository / "junit.out").read_bytes())
    failed = [case for suite in suites for case in suite if case.result]
    assert expected == Counter((case.classname, case.name[:6]) for case in failed)
    assert all((repository / path).is_file() for path, _ in expected)

    total = f"{len(report['findings'])} findings in {report['summary']['files_with_findings']} of "
    for name in ("text", "github", "markdown", "junit", "sarif"):
        assert total in (repository / f"{name}.out").read_text()


def test_a_file_that_cannot_be_parsed_is_in_every_format(repository, capsys):
    (repository / "backend/src/broken.py").write_text("async def (:\n")
    outputs = [f"--output={name}={name}.out" for name in FORMATS]
    assert status("check", "backend", *outputs) == 2
    for name in FORMATS:
        told = (repository / f"{name}.out").read_text()
        assert "src/broken.py" in told, name
        assert name == "json" or "TXN901" in told, name


@pytest.mark.parametrize("name", FORMATS)
def test_the_policy_may_name_any_format(repository, capsys, name):
    (repository / "small").mkdir()
    (repository / "small/sessionlint.toml").write_text(f'output-format = "{name}"\n')
    (repository / "small/a.py").write_text("x = 1\n")
    assert status("check", "small", "--output", f"{name}=same.out") == 0
    assert capsys.readouterr().out == (repository / "same.out").read_text()


def test_a_bad_output_ends_the_run_before_it_begins(repository, capsys):
    assert status("check", "backend", "--output", "sarif=missing/x.sarif") == 2
    assert capsys.readouterr() == (
        "",
        "Error: cannot write sarif to 'missing/x.sarif': its folder does not exist; make it first.\n",
    )
    assert not (repository / "backend/.sessionlint_cache").exists()
