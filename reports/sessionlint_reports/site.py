"""The whole report of a project: every page, as a folder of files or as one file."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from markupsafe import Markup

from sessionlint.atomic import write_atomically
from sessionlint.errors import UsageError
from sessionlint.inventory import render as tables
from sessionlint_reports import badge, summary
from sessionlint_reports.render import Renderer, as_json, asset, book_html, site_of
from sessionlint_reports.rendering_processes import rendered
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.audit import audit_page, inventory_of
from sessionlint_reports.views.file import file_pages
from sessionlint_reports.views.findings import findings_page
from sessionlint_reports.views.overview import overview_page
from sessionlint_reports.views.page import Page, Rows
from sessionlint_reports.views.policy import policy_page
from sessionlint_reports.views.progress import progress_page
from sessionlint_reports.views.risk import risk_page
from sessionlint_reports.views.rule import rule_pages, rules_page
from sessionlint_reports.views.session_map import map_page

#: Tells a folder that a report may replace from one that holds something else.
MARKER = ".sessionlint-report"
_MARKING = b"Written by sessionlint; the next report replaces this folder.\n"
#: What lies in the site's ``assets``.
ASSETS = (
    "report.css", "theme.js", "report.js", "findings.js", "charts.js", "map.js", "echarts/echarts.min.js",
    "echarts/LICENSE", "echarts/LICENSE-d3", "echarts/NOTICE", "echarts/VERSION",
)  # fmt: skip
_BOOK_SCRIPTS = ("echarts/echarts.min.js", "report.js", "findings.js", "charts.js", "map.js", "book.js")


def all_pages(subject: Subject) -> Iterator[Page]:
    """Every page, the overview first."""
    rows = Rows(subject)
    yield overview_page(subject, rows)
    yield findings_page(subject, rows)
    yield risk_page(subject, rows)
    yield progress_page(subject, rows)
    yield audit_page(subject, rows)
    yield map_page(subject, rows)
    yield rules_page(subject, rows)
    yield policy_page(subject)
    yield from rule_pages(subject, rows)
    yield from file_pages(subject, rows)


def text_of(subject: Subject, page: Page) -> str | None:
    """The source text that ``page`` shows, if it shows one and it was stored."""
    return subject.texts.get(page.data["path"]) if page.template == "file.html" else None


def extras(subject: Subject) -> Iterator[tuple[str, bytes]]:
    """The files beside the pages: audit tables, badge and summary."""
    yield "audit.csv", encoded(tables.as_csv(inventory_of(subject)))
    yield "badge.svg", encoded(badge.svg(subject.snapshot.totals.compliance_percent))
    yield "summary.md", encoded(summary.markdown(subject))


def files_of(subject: Subject, *, index_href: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file of the site: its path in the site, and its content."""
    for name in ASSETS:
        yield f"assets/{name}", asset(name).encode()
    pages = [(page, text_of(subject, page)) for page in all_pages(subject)]
    for (page, _), html in zip(pages, rendered(site_of(subject, index_href), pages), strict=True):
        yield page.path, encoded(html)
        yield page.path.replace(".html", ".json"), encoded(as_json(page.data))
    yield from extras(subject)


def write_site(subject: Subject, folder: Path) -> int:
    """Writes the report into ``folder``; returns its size in bytes. Raises as :func:`write_files`."""
    return write_files(files_of(subject), folder)


def write_files(files: Iterable[tuple[str, bytes]], folder: Path) -> int:
    """Writes ``files`` into ``folder`` in place of the report that is there; returns their size in bytes.

    The old report stays whole until the new one is. Raises :class:`UsageError` when the folder holds
    something else or cannot be written.
    """
    target = folder.absolute()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{folder} is a file; name a folder for the report.")
    if target.is_dir() and any(target.iterdir()) and not (target / MARKER).exists():
        raise UsageError(f"{folder} is not empty and holds no report; name another folder, or empty it first.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
            fresh = Path(scratch, "new")
            size = _write(files, fresh)
            if target.is_dir():
                target.rename(Path(scratch, "old"))
            fresh.rename(target)
    except OSError as error:
        raise UsageError(f"the report cannot be written to {folder}: {error.strerror}.") from error
    return size


def _write(files: Iterable[tuple[str, bytes]], folder: Path) -> int:
    size = 0
    made = set()
    for name, content in chain([(MARKER, _MARKING), (".gitignore", b"*\n")], files):
        file = folder / name
        if file.parent not in made:
            file.parent.mkdir(parents=True, exist_ok=True)
            made.add(file.parent)
        file.write_bytes(content)
        size += len(content)
    return size


def write_book(subject: Subject, file: Path) -> int:
    """Writes the whole report as one HTML file; returns its size in bytes. Raises :class:`UsageError`."""
    content = encoded(book(subject))
    try:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, content)
    except OSError as error:
        raise UsageError(f"the report cannot be written to {file}: {error.strerror}.") from error
    return len(content)


def book(subject: Subject) -> str:
    """The whole report as the text of one HTML file."""
    site = site_of(subject)
    renderer = Renderer(site, in_book=True)
    scripts = [asset(name) for name in _BOOK_SCRIPTS]
    hashes = " ".join(_csp_hash(script) for script in (asset("theme.js"), *scripts))
    csp = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    tags = Markup("\n".join(f"<script>{script}</script>" for script in scripts))
    pages = ((page, renderer.html(page, text_of(subject, page))) for page in all_pages(subject))
    return book_html(site, pages, asset("report.css"), tags, csp)


def _csp_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def encoded(text: str) -> bytes:
    """UTF-8; what no encoding knows (half a surrogate pair in a file name) is spelled out."""
    return text.encode(errors="backslashreplace")
