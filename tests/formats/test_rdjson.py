"""The Reviewdog Diagnostic Format."""

import json

from sessionlint.formats import rdjson
from sessionlint.formats.context import RenderContext
from sessionlint.formats.escaping import visible
from sessionlint.report import Report
from tests.formats.samples import FULL, HOSTILE, finding, hostile_report


def diagnostics(report, **context):
    return json.loads(rdjson.render(report, RenderContext(**context)))["diagnostics"]


def test_a_diagnostic_has_message_place_severity_and_code():
    assert diagnostics(FULL, prefix="backend/")[2] == {
        "message": "get_it() hands out a session. Take the approved one.\n"
        "1. backend/src/b.py:3:1 make() is called\n"
        "2. backend/src/c.py:9:12 the session is made here",
        "location": {
            "path": "backend/src/a.py",
            "range": {"start": {"line": 10, "column": 5}, "end": {"line": 10, "column": 14}},
        },
        "severity": "ERROR",
        "code": {"value": "TXN105"},
    }
    assert json.loads(rdjson.render(FULL, RenderContext()))["source"] == {"name": "sessionlint"}


def test_severities_are_those_of_the_format():
    assert [row["severity"] for row in diagnostics(FULL)] == ["ERROR", "ERROR", "ERROR", "WARNING", "WARNING", "INFO"]


def test_columns_count_bytes_of_utf_8():
    report = Report(findings=(finding(),))
    (row,) = diagnostics(report, source_line=lambda _path, _line: "é = \U0001d518数.commit()")
    place = row["location"]["range"]
    assert place["start"]["column"] == len("é = ".encode()) + 1 == 6
    assert place["end"]["column"] == len("é = \U0001d518数.commit".encode()) + 1


def test_what_belongs_to_no_file_names_the_project():
    assert diagnostics(FULL)[1]["location"] == {"path": "."}


def test_hostile_text_stays_text():
    messages = [row["message"].split("\n")[0] for row in diagnostics(hostile_report())]
    assert messages[len(HOSTILE) :] == [visible(text) for text in HOSTILE]
