from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from sessionlint_reports.site import write_book, write_site
from sessionlint_reports.subject import Subject
from sessionlint_reports.targets import Target
from tests.reports.pages import synthetic
from tests.support.browser import Tab, running_chromium

TARGETS = (
    Target("src/routers/**", date(2026, 3, 1), "@ada", "first wave"),
    Target("src/services/**", date(2026, 12, 1)),
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # for one file of tests: while Playwright runs, no other event loop can in this thread
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A project of 60 files with a history of twelve snapshots."""
    return synthetic.subject(tmp_path_factory.mktemp("subject"), targets=TARGETS)


@pytest.fixture(scope="session")
def site(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "report"
    write_site(subject, folder)
    return folder


@pytest.fixture(scope="session")
def book(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("book") / "report.html"
    write_book(subject, file)
    return file


@pytest.fixture
def tab(chromium: Browser, site: Path) -> Iterator[Tab]:
    """A tab on the site; the test fails when anything was complained about or requested from elsewhere."""
    with Tab(chromium, site) as opened:
        yield opened
        assert opened.complaints == []
