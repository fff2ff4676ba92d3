"""SARIF: the standard's schema, Microsoft's validator, GitHub's limits."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from sessionlint.codes import CODES
from sessionlint.formats import sarif
from sessionlint.formats.context import RenderContext, context_of
from sessionlint.formats.escaping import encodable
from sessionlint.formats.line_hash import line_hashes
from sessionlint.policy import locate
from sessionlint.report import Finding, Report
from sessionlint.report import TraceStep as Step
from sessionlint.run import run
from tests.formats.samples import FULL, HOSTILE, TRACE, finding, hostile_report, many

HERE = Path(__file__).parent
VALIDATOR = HERE.parent / "node/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"


@functools.cache
def schema() -> jsonschema.Draft4Validator:
    """The schema of the standard; compiling it takes longer than any test."""
    return jsonschema.Draft4Validator(json.loads((HERE / "assets/sarif-2.1.0.json").read_bytes()))


def log(report: Report, **context: Any) -> Any:
    text = sarif.render(report, RenderContext(**context))
    document = json.loads(text.encode())
    schema().validate(document)
    (only,) = document["runs"]
    return only


def results(report: Report, **context: Any) -> Any:
    return log(report, **context)["results"]


def region(result: Any) -> Any:
    return result["locations"][0]["physicalLocation"]["region"]


def validate(folder: Path, *reports: str) -> list[str]:
    """What Microsoft's validator says under the standard's rules and GitHub's."""
    if not VALIDATOR.exists():
        message = "sarif-multitool is not installed: npm ci --prefix tests/node"
        assert not os.environ.get("CI"), message
        pytest.skip(message)
    VALIDATOR.chmod(0o755)
    paths = [folder / f"{number}.sarif" for number in range(len(reports))]
    for path, report in zip(paths, reports, strict=True):
        path.write_text(report, encoding="utf-8")
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    command = [str(VALIDATOR), "validate", *map(str, paths), "--rule-kind", "Sarif;Ghas"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(reports)} files scanned" in done.stdout
    kinds = (": error ", ": warning ", ": note ")
    said = [line for line in done.stdout.splitlines() if any(kind in line for kind in kinds)]
    # There is no home page to name.
    return [line for line in said if "informationUri" not in line]


def test_a_result_has_everything_github_asks_for():
    source = b"\n" * 9 + b"    get_it()\n"
    result = results(
        Report(findings=(finding(trace=TRACE),)), prefix="backend/", read=lambda _path: source
    )[0]  # fmt: skip
    assert result == {
        "ruleId": "TXN105",
        "ruleIndex": 4,
        "level": "error",
        "message": {
            "text": "get_it() hands out a session. Take the approved one. Proof: [the session is made here](1)."
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "backend/src/a.py"},
                    "region": {"startLine": 10, "startColumn": 5, "endLine": 10, "endColumn": 14},
                },
                "logicalLocations": [{"fullyQualifiedName": "read"}],
            }
        ],
        "relatedLocations": [
            {
                "id": 1,
                "physicalLocation": {
                    "artifactLocation": {"uri": "backend/src/c.py"},
                    "region": {"startLine": 9, "startColumn": 12},
                },
                "message": {"text": "the session is made here"},
            }
        ],
        "codeFlows": [
            {
                "threadFlows": [
                    {
                        "locations": [
                            {
                                "location": {
                                    "physicalLocation": {
                                        "artifactLocation": {"uri": "backend/src/b.py"},
                                        "region": {"startLine": 3, "startColumn": 1},
                                    },
                                    "message": {"text": "make() is called"},
                                }
                            },
                            {
                                "location": {
                                    "physicalLocation": {
                                        "artifactLocation": {"uri": "backend/src/c.py"},
                                        "region": {"startLine": 9, "startColumn": 12},
                                    },
                                    "message": {"text": "the session is made here"},
                                }
                            },
                        ]
                    }
                ]
            }
        ],
        "partialFingerprints": {
            "sessionlint/v1": "TXN105-src/a.py",
            "primaryLocationLineHash": line_hashes(source, [10])[10],
        },
    }


def test_every_rule_is_described_once_and_results_point_at_theirs():
    only = log(FULL)
    rules = only["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})
    assert {rule["id"] for rule in rules} <= set(CODES)
    assert len(rules) > 45
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in only["results"])
    described = next(rule for rule in rules if rule["id"] == "TXN105")
    assert described["name"] == "UnapprovedSessionSource"
    assert described["help"]["text"].startswith("TXN105 unapproved-session-source (error)\n")
    assert described["help"]["markdown"].startswith("# TXN105 unapproved-session-source\n")
    assert "```python\n" in described["help"]["markdown"]
    assert described["properties"] == {
        "precision": "high",
        "problem.severity": "error",
        "tags": ["sqlalchemy", "fastapi", "who-opens-the-door"],
    }
    assert all(len(rule["fullDescription"]["text"]) <= 1024 for rule in rules if "fullDescription" in rule)


def test_only_rules_about_security_make_security_alerts():
    rules = log(Report())["tool"]["driver"]["rules"]
    graded = {rule["id"] for rule in rules if "security-severity" in rule.get("properties", {})}
    assert graded == {"TXN405", "TXN503", "TXN504", "TXN801"}
    assert graded == {rule["id"] for rule in rules if "security" in rule.get("properties", {}).get("tags", [])}


def test_a_finding_over_several_lines_is_shown_on_its_first():
    (result,) = results(Report(findings=(finding(end_line=14),)), source_line=lambda _path, _line: "    create(")
    assert region(result) == {"startLine": 10, "startColumn": 5, "endLine": 10, "endColumn": 12}
    assert result["locations"][0]["physicalLocation"]["contextRegion"] == {"startLine": 10, "endLine": 14}


def test_what_was_not_checked_is_a_result_and_a_failed_execution():
    only = log(FULL)
    assert [result["ruleId"] for result in only["results"]] == ["TXN901", "TXN105", "TXN201", "TXN201", "TXN605"]
    (invocation,) = only["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    told = [(note["level"], note["message"]["text"]) for note in invocation["toolExecutionNotifications"]]
    assert told[:2] == [
        ("error", "Not checked: invalid syntax"),
        ("error", "Not checked: the rule TXN303 failed"),
    ]
    assert told[2][0] == "note"
    assert told[2][1].startswith("4 findings in 2 of 5 files; 2 known ones absorbed")


def test_totals_are_in_the_properties_of_the_run():
    assert log(FULL)["properties"] == {
        "findings": 4,
        "suppressed": 1,
        "absorbed": 2,
        "resultsLeftOut": 0,
        "files": 5,
        "compliancePercent": 40.0,
    }


def test_twins_have_fingerprints_of_their_own():
    own = [result["partialFingerprints"]["sessionlint/v1"] for result in results(FULL)]
    assert own[2:4] == ["twin", "twin:2"]


def test_files_that_cannot_be_read_have_no_line_hash():
    assert set(results(FULL)[0]["partialFingerprints"]) == {"sessionlint/v1"}


def test_what_does_not_count_is_left_out_unless_asked_for():
    assert not any("suppressions" in result for result in results(FULL))
    shown = [result for result in results(FULL, show_suppressed=True) if "suppressions" in result]
    assert [(result["ruleId"], result["suppressions"]) for result in shown] == [
        ("TXN101", [{"kind": "inSource", "status": "accepted", "justification": "the vendor's callback"}]),
        ("TXN202", [{"kind": "external", "status": "accepted", "justification": "known: sessionlint-baseline.json"}]),
        ("TXN202", [{"kind": "external", "status": "accepted", "justification": "known: sessionlint-baseline.json"}]),
    ]


def test_a_project_in_a_folder_is_a_category_of_its_own():
    assert log(Report())["automationDetails"] == {"id": "sessionlint/"}
    assert log(Report(), prefix="services/api/")["automationDetails"] == {"id": "sessionlint/services/api/"}


def test_names_of_files_are_encoded_as_uris():
    report = Report(findings=(finding(path="src/a b%20[x]:größer#?.py"),))
    uri = results(report)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "src/a%20b%2520%5Bx%5D%3Agr%C3%B6%C3%9Fer%23%3F.py"


def test_hostile_text_stays_text_and_makes_no_link():
    found = results(hostile_report())[len(HOSTILE) :]
    assert len(found) == len(HOSTILE)
    for result, one in zip(found, hostile_report().findings, strict=True):
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote(uri) == encodable(one.path)
        message, _, proof = result["message"]["text"].rpartition(" Proof: ")
        assert "](" not in message
        assert proof.endswith("](1).")
        assert message.isprintable()


def test_brackets_in_a_link_are_escaped():
    (result,) = results(Report(findings=(finding(trace=(Step("a.py", 1, 1, r"maker[\"x\"](…)"),)),)))
    assert result["message"]["text"].endswith(r'Proof: [maker\[\\"x\\"\](…)](1).')


def test_a_path_of_thousands_of_steps_keeps_its_ends():
    steps = tuple(Step("a.py", number, 1, f"step {number}") for number in range(1, 3001))
    (result,) = results(Report(findings=(finding(trace=steps),)))
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert len(flow) == 1000
    assert [flow[place]["location"]["message"]["text"] for place in (0, 998, 999)] == [
        "step 1",
        "step 999",
        "step 3000",
    ]


def rendered(findings: tuple[Finding, ...]) -> tuple[dict[str, Any], int]:
    text = sarif.render(Report(findings=findings), RenderContext())
    return json.loads(text)["runs"][0], len(gzip.compress(text.encode()))


def test_over_the_number_of_results_github_takes_the_least_important_are_left_out(monkeypatch):
    monkeypatch.setattr(sarif, "MOST_RESULTS", 250)
    only, _ = rendered((*many(240, "TXN605", "info"), *many(100)))
    codes = [result["ruleId"] for result in only["results"]]
    assert codes == ["TXN605"] * 150 + ["TXN105"] * 100
    assert only["properties"]["findings"] == 340
    assert only["properties"]["resultsLeftOut"] == 90
    (told,) = only["invocations"][0]["toolExecutionNotifications"]
    assert told["level"] == "warning"
    assert told["message"]["text"].endswith(
        " This file leaves out the 90 least important results, for GitHub would refuse more."
    )


def test_over_the_size_github_takes_results_are_left_out_until_it_fits(monkeypatch):
    monkeypatch.setattr(sarif, "MOST_BYTES", 60_000)
    only, size = rendered(tuple(dataclasses.replace(one, message=os.urandom(200).hex()) for one in many(600)))
    assert 40_000 < size <= 60_000
    assert len(only["results"]) + only["properties"]["resultsLeftOut"] == 600
    assert only["properties"]["findings"] == 600


def test_a_large_report_is_within_githubs_limits():
    only, size = rendered(many(26_000))
    assert len(only["results"]) == 25_000
    assert size < 10_000_000


def test_microsofts_validator_finds_nothing_wrong_in_a_real_report(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(HERE.parents[1] / "examples/noncompliant", project)
    place = locate(project)
    report = run(place.root, place.policy, use_cache=False)
    only = json.loads(sarif.render(report, context_of(project)))["runs"][0]
    assert len(only["results"]) == len(report.findings) > 40
    assert all("primaryLocationLineHash" in result["partialFingerprints"] for result in only["results"])
    assert validate(tmp_path, sarif.render(report, context_of(project))) == []


def test_microsofts_validator_finds_nothing_wrong_in_the_worst_of_reports(tmp_path):
    contexts = [RenderContext(prefix="a b/", show_suppressed=shown) for shown in (False, True)]
    reports = (FULL, hostile_report(), Report())
    assert validate(tmp_path, *(sarif.render(report, context) for report in reports for context in contexts)) == []


def test_microsofts_validator_would_find_something_wrong(tmp_path):
    broken = sarif.render(FULL, RenderContext()).replace('"startLine": 10', '"startLine": 0')
    assert any("startLine" in line for line in validate(tmp_path, broken))
