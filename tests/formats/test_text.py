"""The text report, byte for byte."""

import dataclasses

import pytest

from sessionlint.formats import text
from sessionlint.report import CheckError, Finding, Report, Span, Suppressed, Suppression, TraceStep

FINDING = Finding(
    "TXN105",
    "unapproved-session-source",
    Span("app/a.py", 2, 5, 2, 14),
    "get_it() hands out a session; take it from app.db.get_session.",
    trace=(TraceStep("app/b.py", 3, 1, "get_it() calls make()"), TraceStep("app/c.py", 9, 12, "made here")),
)
REPORT = Report(findings=(FINDING,), files=("app/a.py", "app/b.py", "app/c.py"))
KNOWN = Finding("TXN201", "explicit-commit", Span("b.py", 4, 1, 4, 9), "known")
SUPPRESSED = Suppressed(KNOWN, Suppression("b.py", 3, 1, 40, ("TXN201",), "the vendor's\x1b", "2026-12-31", 4, 4))


def source(lines: dict[tuple[str, int], str]):
    return lambda path, line: lines.get((path, line))


def test_a_finding_shows_its_place_message_source_and_trace():
    assert text.render(REPORT, source({("app/a.py", 2): "    get_it().add(x)"})) == (
        "app/a.py:2:5: TXN105 get_it() hands out a session; take it from app.db.get_session.\n"
        "  2 |     get_it().add(x)\n"
        "    |     ^^^^^^^^^\n"
        "    1. app/b.py:3:1  get_it() calls make()\n"
        "    2. app/c.py:9:12  made here\n"
        "\n"
        "1 finding in 1 of 3 files (66.7% of files compliant).\n"
    )


def excerpt(line: str, column: int, end: int, end_line: int = 2) -> list[str]:
    span = Span("a.py", 2, column, end_line, end)
    finding = Finding("TXN201", "explicit-commit", span, "m")
    return text.render(Report(findings=(finding,)), source({("a.py", 2): line})).splitlines()[1:3]


def test_tabs_are_widened_and_the_underline_follows():
    assert excerpt("\tx.commit()", 2, 12) == ["  2 |     x.commit()", "    |     ^^^^^^^^^^"]


def test_wide_and_combining_characters_keep_the_underline_aligned():
    assert excerpt("数 = x.commit()", 5, 15) == ["  2 | 数 = x.commit()", "    |      ^^^^^^^^^^"]
    assert excerpt("e\u0301 = x()", 6, 9) == ["  2 | e\u0301 = x()", "    |     ^^^"]


def test_a_finding_over_several_lines_is_underlined_to_the_end_of_its_first():
    assert excerpt("x.execute(  ", 1, 2, end_line=5) == ["  2 | x.execute(", "    | ^^^^^^^^^^"]


def test_an_empty_span_still_shows_one_caret():
    assert excerpt("x", 1, 1) == ["  2 | x", "    | ^"]


def test_a_long_line_is_cut_around_the_finding():
    shown, under = excerpt("a" * 500 + "x.commit()" + "b" * 500, 501, 511)
    assert len(shown) == 160 + 6
    assert shown[under.index("^") : under.rindex("^") + 1] == "x.commit()"


def test_control_characters_never_reach_the_terminal():
    finding = dataclasses.replace(FINDING, message="name \x1b[31m", trace=())
    out = text.render(Report(findings=(finding,)), source({("app/a.py", 2): "    \x1b[0mx\x0c"}))
    assert "\x1b" not in out
    assert "\x0c" not in out
    assert "name \\x1b[31m" in out


def test_a_finding_whose_source_is_gone_has_no_excerpt():
    out = text.render(Report(findings=(dataclasses.replace(FINDING, trace=()),)), lambda _path, _line: None)
    assert out.splitlines()[1] == ""


def test_other_severities_are_named():
    report = Report(findings=(dataclasses.replace(FINDING, severity="warning", trace=()),))
    assert text.render(report, lambda _path, _line: None).startswith("app/a.py:2:5: TXN105 (warning) get_it()")


@pytest.mark.parametrize(
    ("report", "summary"),
    [
        (Report(), "No findings in 0 files."),
        (Report(files=("a.py",)), "No findings in 1 file."),
        (
            Report(files=("a.py", "b.py"), errors=(CheckError("b.py", 7, "invalid syntax"),)),
            "No findings in what could be read of 2 files. 1 problem kept something from being checked.",
        ),
        (
            Report(findings=(FINDING, FINDING), files=("app/a.py",), errors=(CheckError("b.py", 7, "x"),) * 2),
            "2 findings in 1 of 1 file (0.0% of files compliant). 2 problems kept something from being checked.",
        ),
        (
            Report(
                findings=(FINDING,), files=("app/a.py", "b.py", "c.py"), absorbed=(KNOWN,) * 2, compared_with="base"
            ),
            "1 finding in 1 of 3 files; 2 known ones absorbed by base (33.3% of files compliant).",
        ),
        (
            Report(files=("app/a.py", "b.py"), absorbed=(KNOWN,), suppressed=(SUPPRESSED,), compared_with="base"),
            "No findings in 2 files; 1 known finding absorbed by base, 1 suppressed (50.0% of files compliant).",
        ),
        (
            Report(files=("app/a.py",), suppressed=(SUPPRESSED,)),
            "No findings in 1 file; 1 suppressed.",
        ),
    ],
)
def test_the_summary_counts(report, summary):
    assert text.render(report, lambda _path, _line: None).splitlines()[-1] == summary


def test_an_error_names_its_place():
    report = Report(errors=(CheckError("b.py", 7, "invalid syntax", 3),))
    assert text.render(report, lambda _path, _line: None).startswith("b.py:7:3: TXN901 not checked: invalid syntax\n")


def test_statistics_come_only_when_asked_for():
    report = dataclasses.replace(REPORT, statistics={"unknown receivers": 12})
    assert "unknown receivers" not in text.render(report, lambda _path, _line: None)
    out = text.render(report, lambda _path, _line: None, statistics=True)
    assert "Statistics\n       1  TXN105 unapproved-session-source\n      12  unknown receivers\n" in out


def test_the_style_marks_the_parts():
    out = text.render(REPORT, source({("app/a.py", 2): "    get_it()"}), style=lambda part, role: f"<{role}>{part}</>")
    assert out.startswith("<path>app/a.py:2:5</>: <code>TXN105</> get_it()")
    assert "<caret>^^^^^^^^</>" in out
    assert "<error>1 finding in 1 of 3 files</>" in out


def test_what_does_not_count_is_listed_on_request_with_its_reason():
    report = Report(files=("b.py",), suppressed=(SUPPRESSED,), absorbed=(KNOWN,), compared_with="base")
    assert "TXN201" not in text.render(report, lambda _path, _line: None)
    assert text.render(report, lambda _path, _line: None, show_suppressed=True) == (
        "b.py:4:1: TXN201 known\n"
        "    suppressed in line 3: the vendor's\\x1b (until 2026-12-31)\n"
        "\n"
        "b.py:4:1: TXN201 known\n"
        "    known: absorbed by base\n"
        "\n"
        "No findings in 1 file; 1 known finding absorbed by base, 1 suppressed (0.0% of files compliant).\n"
    )
