"""The array GitLab reads."""

import json

from sessionlint.formats import gitlab
from sessionlint.formats.context import RenderContext
from sessionlint.formats.escaping import visible
from sessionlint.report import Report
from tests.formats.samples import FULL, HOSTILE, hostile_report


def rows(report, prefix=""):
    return json.loads(gitlab.render(report, RenderContext(prefix=prefix)))


def test_every_row_has_the_fields_of_a_code_quality_report():
    row = rows(FULL, "backend/")[2]
    assert row == {
        "description": "TXN105: get_it() hands out a session. Take the approved one.",
        "check_name": "TXN105-unapproved-session-source",
        "fingerprint": "TXN105-src/a.py",
        "severity": "major",
        "location": {"path": "backend/src/a.py", "lines": {"begin": 10, "end": 10}},
    }


def test_severities_are_graded_and_what_was_not_checked_is_critical():
    assert [row["severity"] for row in rows(FULL)] == ["critical", "critical", "major", "minor", "minor", "info"]


def test_fingerprints_are_unique_because_equal_ones_collapse():
    fingerprints = [row["fingerprint"] for row in rows(FULL)]
    assert len(set(fingerprints)) == len(fingerprints) == 6


def test_every_row_names_a_place():
    assert [row["location"]["path"] for row in rows(FULL)][:2] == ["src/broken.py", "."]


def test_a_clean_report_is_an_empty_array_so_that_the_widget_knows_it_ran():
    assert gitlab.render(Report(files=("a.py",)), RenderContext()) == "[]\n"


def test_hostile_text_stays_text_and_there_is_no_byte_order_mark():
    output = gitlab.render(hostile_report(), RenderContext()).encode()
    assert output.startswith(b"[")
    described = [row["description"] for row in json.loads(output)]
    assert described[len(HOSTILE) :] == [f"TXN105: {visible(text)}" for text in HOSTILE]
