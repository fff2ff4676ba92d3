"""The JSON report is the contract other programs read."""

import json

import jsonschema

from sessionlint.formats import json_report
from sessionlint.report import CheckError, Finding, Report, Span, TraceStep
from tests.formats.samples import FULL, HOSTILE, hostile_report

_TEXT, _POSITION = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMA = _object(
    version={"const": 1},
    findings={
        "type": "array",
        "items": _object(
            code={"type": "string", "pattern": r"^TXN\d{3}$"},
            name=_TEXT,
            path=_TEXT,
            line=_POSITION,
            column=_POSITION,
            end_line=_POSITION,
            end_column=_POSITION,
            message=_TEXT,
            severity={"enum": ["error", "warning", "info"]},
            fixable={"type": "boolean"},
            fingerprint={"type": "string"},
            trace={"type": "array", "items": _object(path=_TEXT, line=_POSITION, column=_POSITION, note=_TEXT)},
        ),
    },
    errors={"type": "array", "items": _object(path=_TEXT, line=_POSITION, message=_TEXT)},
    summary=_object(
        files={"type": "integer"},
        files_with_findings={"type": "integer"},
        compliance_percent={"type": "number"},
        by_code={"type": "object", "additionalProperties": {"type": "integer"}},
        suppressed={"type": "integer"},
        absorbed={"type": "integer"},
        stale={"type": "integer"},
    ),
)

REPORT = Report(
    findings=(
        Finding(
            "TXN105",
            "unapproved-session-source",
            Span("src/a.py", 10, 5, 10, 31),
            "größer",
            fingerprint="abc",
            qualname="f",
            trace=(TraceStep("src/b.py", 3, 1, "here"),),
        ),
    ),
    errors=(CheckError("src/broken.py", 7, "invalid syntax", 4),),
    files=tuple(f"src/{n}.py" for n in range(3)),
    notes=("inferred",),
    statistics={"unknown": 4},
)


def test_the_report_is_exactly_the_contract():
    assert json.loads(json_report.render(REPORT)) == {
        "version": 1,
        "findings": [
            {
                "code": "TXN105",
                "name": "unapproved-session-source",
                "path": "src/a.py",
                "line": 10,
                "column": 5,
                "end_line": 10,
                "end_column": 31,
                "message": "größer",
                "severity": "error",
                "fixable": False,
                "fingerprint": "abc",
                "trace": [{"path": "src/b.py", "line": 3, "column": 1, "note": "here"}],
            }
        ],
        "errors": [{"path": "src/broken.py", "line": 7, "message": "invalid syntax"}],
        "summary": {
            "files": 3,
            "files_with_findings": 1,
            "compliance_percent": 66.7,
            "by_code": {"TXN105": 1},
            "suppressed": 0,
            "absorbed": 0,
            "stale": 0,
        },
    }


def test_full_and_empty_reports_satisfy_the_schema():
    for report in (REPORT, FULL, Report()):
        jsonschema.validate(json_report.as_mapping(report), SCHEMA)
    assert json_report.as_mapping(Report())["summary"]["compliance_percent"] == 100.0


def test_the_same_report_gives_the_same_bytes_and_one_newline_at_the_end():
    assert json_report.render(REPORT) == json_report.render(REPORT)
    assert json_report.render(REPORT).endswith("}\n")
    assert "größer" in json_report.render(REPORT)


def test_what_does_not_count_is_counted_apart():
    summary = json_report.as_mapping(FULL)["summary"]
    assert (summary["suppressed"], summary["absorbed"], summary["stale"]) == (1, 2, 2)
    assert "suppressed" not in json_report.as_mapping(FULL)


def test_what_does_not_count_is_listed_on_request():
    report = json_report.as_mapping(FULL, show_suppressed=True)
    (suppressed,) = report["suppressed"]
    assert suppressed["code"] == "TXN101"
    assert suppressed["suppression"] == {
        "path": "src/b.py",
        "line": 3,
        "reason": "the vendor's callback",
        "until": "2026-12-31",
    }
    assert [(known["code"], known["line"]) for known in report["absorbed"]] == [("TXN202", 5), ("TXN202", 6)]


def test_every_text_comes_back_as_it_was_even_lone_surrogates():
    data = json_report.render(hostile_report()).encode(errors="backslashreplace")
    assert [row["message"] for row in json.loads(data)["findings"]] == list(HOSTILE)
