"""Names, code, messages and authors that try to be markup or to hide: shown as what they are, never obeyed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sessionlint.report import Finding, Span, TraceStep
from sessionlint_reports import summary
from sessionlint_reports.site import book, write_book, write_site
from sessionlint_reports.subject import MAP, Subject
from sessionlint_reports.views.page import file_page
from tests.reports.pages import synthetic
from tests.support.browser import Tab

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}\u202egnp.exe"
PATH = "src/</template><svg onload=alert(3)>\u202eyp.x\"'.py"
TEXT = f'# {EVIL}\nname = "{"x" * 10_000}"\n"""\n</code></div><script>alert(4)</script>\n"""\nlast = 1\n'


@pytest.fixture(scope="module")
def hostile(subject: Subject) -> Subject:
    message = f"{EVIL} `{EVIL}`"
    found = [
        Finding(
            "TXN201", "explicit-commit", Span(PATH, line, 1, line, 5), message, qualname=EVIL, identity=f"{line:032x}",
            trace=(TraceStep(PATH, 1, 1, EVIL), TraceStep(EVIL, 7, 1, EVIL)),
        )
        for line in (1, 2, 4, 99)
    ]  # fmt: skip
    base = synthetic.with_findings(subject, PATH, TEXT, *found)
    node = {
        "key": PATH, "path": PATH, "line": 1, "name": EVIL, "kind": "endpoint", "layer": EVIL, "approved": False,
        "does": ["opens"], "routes": [EVIL],
    }  # fmt: skip
    documents = {**base.snapshot.documents, MAP: json.dumps({"nodes": [node], "edges": []})}
    revision = dataclasses.replace(base.snapshot.revision, author=EVIL, branch=EVIL, subject=EVIL)
    timeline = tuple(dataclasses.replace(info, revision=revision) for info in base.timeline)
    lives = tuple(dataclasses.replace(life, fixed_by=EVIL) if life.gone else life for life in base.lives)
    snapshot = dataclasses.replace(base.snapshot, project=EVIL, revision=revision, documents=documents)
    return dataclasses.replace(base, snapshot=snapshot, timeline=timeline, lives=lives)


def test_hostile_input_is_inert_on_every_page(hostile: Subject, chromium: Browser, tmp_path: Path) -> None:
    write_site(hostile, tmp_path / "site")
    with Tab(chromium, tmp_path / "site") as tab:
        for place in [*(file.name for file in sorted((tmp_path / "site").glob("*.html"))), file_page(PATH)]:
            page = tab.open(place)
            expect(page.locator("h1")).to_be_visible()
            assert page.locator("svg[onload], img[src=x]").count() == 0
        assert tab.complaints == []


def test_hostile_input_is_inert_in_the_single_file(hostile: Subject, chromium: Browser, tmp_path: Path) -> None:
    write_book(hostile, tmp_path / "report.html")
    with Tab(chromium, tmp_path / "report.html") as tab:
        page = tab.open("")
        page.goto(f"{page.url}#/{file_page(PATH)}")
        expect(page.locator("article.finding")).to_have_count(4)
        assert tab.complaints == []


def test_what_would_hide_or_reorder_text_is_spelled_out(hostile: Subject, chromium: Browser, tmp_path: Path) -> None:
    write_site(hostile, tmp_path / "site")
    with Tab(chromium, tmp_path / "site") as tab:
        page = tab.open(file_page(PATH))
        expect(page.locator("h1")).to_have_text(PATH.replace("\u202e", "U+202E"))
        assert "\u202e" not in page.content()
        expect(page.locator("#L1 code")).to_have_text(f"# {EVIL}".replace("\u202e", "U+202E"))
        page = tab.open("findings.html")
        assert "\u202e" not in page.locator("[data-findings-rows]").inner_html()


def test_no_fragment_of_the_single_file_ends_another(hostile: Subject) -> None:
    text = book(hostile)
    assert text.count("<template ") == text.count("</template>")
    assert "onload=alert" not in text.replace("onload=alert(3)&gt;", "").replace("onload=alert(3)\\u003e", "")


def test_the_summary_escapes_markdown(hostile: Subject) -> None:
    new = tuple(s for s in hostile.snapshot.findings if s.finding.path == PATH)
    assert hostile.diff is not None
    changed = dataclasses.replace(hostile, diff=dataclasses.replace(hostile.diff, new=new))
    text = summary.markdown(changed)
    assert "\u202e" not in text
    outside_code = "".join(text.split("`")[::2])
    assert "<script" not in outside_code.replace("\\<", "")
