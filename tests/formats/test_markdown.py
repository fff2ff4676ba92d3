"""Markdown, rendered by an independent renderer and looked at there."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sessionlint.formats import markdown
from sessionlint.formats.context import RenderContext
from sessionlint.formats.escaping import visible
from sessionlint.report import Report
from tests.formats.samples import FULL, HOSTILE, finding, hostile_report, many

RENDERER = MarkdownIt("gfm-like", {"linkify": False})


def html(report, prefix=""):
    return RENDERER.render(markdown.render(report, RenderContext(prefix=prefix)))


def text_of(page):
    return unescape(re.sub(r"<[^>]*>", "", page.replace("<!-- -->", "")))


def test_the_whole_of_a_report():
    assert markdown.render(FULL, RenderContext(prefix="backend/")) == (
        "## ⚠️ sessionlint could not check everything\n"
        "\n"
        "4 findings in 2 of 5 files; 2 known ones absorbed by sessionlint-baseline.json, 1 suppressed "
        "(40.0% of files compliant). 2 problems kept something from being checked.\n"
        "\n"
        "| rule | | findings |\n"
        "|---|---|---:|\n"
        "| TXN201 | explicit-commit | 2 |\n"
        "| TXN105 | unapproved-session-source | 1 |\n"
        "| TXN605 | task-reference-dropped | 1 |\n"
        "\n"
        "- **TXN901** `backend/src/broken.py:7` Not checked: invalid syntax\n"
        "- **TXN901** Not checked: the rule TXN303 failed\n"
        "- **TXN105** `backend/src/a.py:10` get\\_it() hands out a session. Take the approved one.\n"
        "  1. `backend/src/b.py:3` make() is called\n"
        "  2. `backend/src/c.py:9` the session is made here\n"
        "- **TXN201** (warning) `backend/src/a.py:12` get\\_it() hands out a session. Take the approved one.\n"
        "- **TXN201** (warning) `backend/src/a.py:14` get\\_it() hands out a session. Take the approved one.\n"
        "- **TXN605** (info) `backend/src/d.py:1` get\\_it() hands out a session. Take the approved one.\n"
    )


def test_a_clean_report_says_so():
    assert markdown.render(Report(files=("a.py",)), RenderContext()) == "## ✅ sessionlint\n\nNo findings in 1 file.\n"


def test_findings_alone_have_a_headline_of_their_own():
    assert markdown.render(Report(findings=many(1)), RenderContext()).startswith("## ❌ sessionlint\n")


@pytest.mark.parametrize("message", [text for text in HOSTILE if len(text) < 1000])
def test_hostile_text_shows_as_it_is_and_does_nothing(message):
    page = html(Report(findings=(finding(message=f"a{message}z"),)))
    collapsed = " ".join(text_of(page).replace("`", "").split())
    assert " ".join(visible(f"a{message}z").replace("`", "").split()) in collapsed
    assert set(re.findall(r"<(\w+)", page)) <= {
        "h2", "p", "ul", "li", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"
    }  # fmt: skip


@given(st.text(alphabet=st.sampled_from("a*_[](){}<>|~`\\#@!&;-+. 1"), min_size=1, max_size=40))
def test_text_without_code_comes_out_of_the_renderer_as_it_went_in(message):
    shown = message.replace("`", "'")
    page = html(Report(findings=(finding(message=f"a{shown}z"),)))
    (item,) = re.findall(r"</code> (.*?)</li>", page, re.DOTALL)
    assert text_of(item) == f"a{shown}z"


def test_code_in_backticks_stays_code():
    page = html(Report(findings=(finding(message="`a_b_c(*x)` commits by *hand*; `` a`b ``."),)))
    assert "<code>a_b_c(*x)</code> commits by *hand*; <code> a`b </code>." in page


def test_nobody_is_notified_and_no_issue_is_linked():
    text = markdown.render(Report(findings=(finding(message="ask @octocat about #12 and !3"),)), RenderContext())
    assert "ask @<!-- -->octocat about #<!-- -->12 and !<!-- -->3" in text


def test_at_most_fifty_entries_and_the_true_totals():
    report = Report(findings=many(400), files=tuple(f"src/{n:06}.py" for n in range(800)))
    text = markdown.render(report, RenderContext())
    assert text.count("\n- **TXN105**") == 50
    assert "\n| TXN105 | unapproved-session-source | 400 |\n" in text
    assert "400 findings in 400 of 800 files (50.0% of files compliant)." in text
    assert text.endswith("\n\n50 of 400 shown, the most important first.\n")


def test_many_rules_are_summed_up_in_the_last_row():
    codes = [f"TXN{family}0{number}" for family in (1, 2) for number in range(1, 8)]
    findings = tuple(finding(code, line=line) for code in codes for line in (1, 2))
    rows = [line for line in markdown.render(Report(findings), RenderContext()).splitlines() if line.startswith("| ")]
    assert len(rows) == 14
    assert rows[-1] == "| 2 more | | 4 |"


def test_the_text_always_fits_into_a_comment():
    report = Report(findings=tuple(finding(message="*" * 10_000, line=n) for n in range(60)))
    text = markdown.render(report, RenderContext())
    shown = text.count("\n- **TXN105**")
    assert 20 < shown < 50
    assert 50_000 < len(text) < 60_000
    assert text.endswith(f"{shown} of 60 shown, the most important first.\n")


def test_a_long_trace_is_cut_and_says_so():
    steps = hostile_report().findings[0].trace * 14
    text = markdown.render(Report(findings=(finding(trace=steps),)), RenderContext())
    assert "\n  10. `plain.py:1` plain\n  11. … 4 more steps\n" in text
