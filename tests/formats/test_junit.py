"""JUnit XML, read back with a reader of its own."""

import xml.etree.ElementTree as ElementTree

import junitparser

from sessionlint.formats import junit
from sessionlint.formats.context import RenderContext
from sessionlint.formats.escaping import visible
from sessionlint.report import Report
from tests.formats.samples import FULL, HOSTILE, TRACE, finding, hostile_report


def cases(report, prefix=""):
    text = junit.render(report, RenderContext(prefix=prefix))
    return [case for suite in junitparser.JUnitXml.fromstring(text.encode()) for case in suite]


def outcome(case):
    return type(case.result[0]).__name__ if case.result else "Passed"


def test_findings_fail_errors_err_known_ones_are_skipped_and_clean_files_pass():
    assert [(case.classname, case.name, outcome(case)) for case in cases(FULL)] == [
        ("sessionlint", "TXN901 not-checked", "Error"),
        ("src/a.py", "TXN105 unapproved-session-source in read", "Failure"),
        ("src/a.py", "TXN201 explicit-commit in read", "Failure"),
        ("src/a.py", "TXN201 explicit-commit in read #2", "Failure"),
        ("src/b.py", "no findings", "Passed"),
        ("src/b.py", "TXN101 session-created-directly in read", "Skipped"),
        ("src/broken.py", "TXN901 not-checked", "Error"),
        ("src/c.py", "TXN202 explicit-rollback in read", "Skipped"),
        ("src/c.py", "TXN202 explicit-rollback in read #2", "Skipped"),
        ("src/d.py", "TXN605 task-reference-dropped", "Failure"),
    ]


def test_the_totals_are_those_of_the_cases():
    suites = junitparser.JUnitXml.fromstring(junit.render(FULL, RenderContext()).encode())
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (10, 4, 2, 3)
    suites.update_statistics()
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (10, 4, 2, 3)


def test_a_failure_tells_place_message_and_trace():
    (case,) = cases(Report(findings=(finding(trace=TRACE),)), "backend/")
    assert case._elem.attrib["file"] == "backend/src/a.py"
    assert case._elem.attrib["line"] == "10"
    (failure,) = case.result
    assert (failure.type, failure.message) == ("TXN105", "get_it() hands out a session. Take the approved one.")
    assert failure.text == (
        "backend/src/a.py:10:5: TXN105 get_it() hands out a session. Take the approved one.\n"
        "  1. backend/src/b.py:3:1  make() is called\n"
        "  2. backend/src/c.py:9:12  the session is made here"
    )


def test_a_case_keeps_its_name_when_its_line_moves():
    (before,), (after,) = (cases(Report(findings=(finding(line=line),))) for line in (10, 99))
    assert (before.classname, before.name) == (after.classname, after.name)


def test_skipped_cases_say_why():
    skipped = {case.classname: case.result[0].message for case in cases(FULL) if outcome(case) == "Skipped"}
    assert skipped == {
        "src/b.py": "TXN101 suppressed: the vendor's callback",
        "src/c.py": "TXN202 known: absorbed by sessionlint-baseline.json",
    }


def test_hostile_text_is_well_formed_xml_and_stays_text():
    root = ElementTree.fromstring(junit.render(hostile_report(), RenderContext()).encode())
    messages = {failure.attrib["message"] for failure in root.iter("failure")}
    assert messages == {visible(text) for text in HOSTILE}


def test_an_empty_report_is_an_empty_suite():
    assert junitparser.JUnitXml.fromstring(junit.render(Report(), RenderContext()).encode()).tests == 0
