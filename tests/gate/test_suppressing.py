"""Which findings comments excuse, and which comments are findings themselves."""

from __future__ import annotations

import datetime

import pytest

from sessionlint.gate.suppressing import judge
from sessionlint.report import Finding, Span, Suppression

TODAY = datetime.date(2026, 11, 21)


def finding(line: int, code: str = "TXN201", end: int = 0, path: str = "a.py") -> Finding:
    return Finding(code, "name", Span(path, line, 5, end or line, 9), "message")


def comment(first: int, last: int = 0, codes: str = "TXN201", until: str = "", problem: str = "") -> Suppression:
    return Suppression("a.py", first, 30, 60, tuple(codes.split()), "why", until, first, last or first, problem)


def outcome(findings, comments, ran=lambda path, code: True):
    """Lines that count, lines that are suppressed, and (code, line) of the remarks."""
    verdict = judge(findings, comments, TODAY, ran)
    return (
        [item.span.line for item in verdict.findings],
        [item.finding.span.line for item in verdict.suppressed],
        [(item.code, item.span.line) for item in verdict.remarks],
    )


def test_a_comment_excuses_the_findings_of_its_code_on_its_lines():
    findings = [finding(1), finding(2), finding(3), finding(3, "TXN202")]
    assert outcome(findings, [comment(2, 3)]) == ([1, 3], [2, 3], [])


def test_a_finding_that_ends_on_a_covered_line_is_excused():
    assert outcome([finding(1, end=4)], [comment(4)]) == ([], [1], [])


def test_a_comment_of_another_file_excuses_nothing():
    assert outcome([finding(1, path="b.py")], [comment(1)]) == ([1], [], [("TXN903", 1)])


def test_an_unused_code_is_named_even_when_another_is_used():
    verdict = judge([finding(1)], [comment(1, codes="TXN201 TXN202")], TODAY, lambda path, code: True)
    (remark,) = verdict.remarks
    assert remark.code == "TXN903"
    assert remark.message == "Nothing here is TXN202 (explicit-rollback); remove it from the suppression."


def test_of_two_comments_on_one_finding_the_second_is_unused():
    assert outcome([finding(2)], [comment(1, 2), comment(2)]) == ([], [2], [("TXN903", 2)])


def test_a_rule_that_did_not_run_leaves_its_comments_alone():
    assert outcome([], [comment(1)], lambda path, code: code != "TXN201") == ([], [], [])


@pytest.mark.parametrize(
    ("until", "expected"),
    [("2026-11-21", ([], [1], [])), ("2026-11-20", ([1], [], [("TXN904", 1)])), ("2026-11-22", ([], [1], []))],
)
def test_a_comment_holds_up_to_its_last_day(until, expected):
    assert outcome([finding(1)], [comment(1, until=until)]) == expected


def test_an_expired_comment_with_nothing_to_excuse_is_unused():
    assert outcome([], [comment(1, until="2020-01-01")]) == ([], [], [("TXN903", 1)])


def test_of_an_expired_and_a_valid_comment_the_valid_one_counts():
    assert outcome([finding(2)], [comment(1, 2, until="2020-01-01"), comment(2)]) == ([], [2], [("TXN903", 1)])


def test_a_comment_with_a_problem_excuses_nothing_and_is_a_finding():
    assert outcome([finding(1)], [comment(1, problem="it gives no reason")]) == ([1], [], [("TXN902", 1)])


def test_remarks_are_told_apart_without_their_lines():
    remarks = judge([], [comment(1), comment(9), comment(5, codes="TXN202")], TODAY, lambda path, code: True).remarks
    assert [remark.span.line for remark in remarks] == [1, 5, 9]
    assert remarks[0].identity == remarks[2].identity != remarks[1].identity
