"""All projects of a history: an index page, and the report of each project beneath it."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sessionlint_reports.gathering import gather
from sessionlint_reports.history.model import ProjectInfo
from sessionlint_reports.history.store import History
from sessionlint_reports.render import Renderer, Site, as_json, asset, echarts_version, site_of
from sessionlint_reports.site import ASSETS, all_pages, encoded, extras, files_of, text_of
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Page
from sessionlint_reports.views.projects import projects_page

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_INDEX = "../index.html"


def folder_of(project: str) -> str:
    """The folder of a project's report: readable, and different for different names."""
    digest = hashlib.sha256(project.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{_UNSAFE.sub('-', project).strip('-')[:40]}-{digest}".lstrip("-")


def subject_of(history: History, project: ProjectInfo) -> Subject:
    """The newest snapshot of a project as the subject of its pages."""
    return gather(history, history.load(project.latest.id), project.latest.id)


def index_page(history: History, projects: tuple[ProjectInfo, ...]) -> Page:
    """The page over all projects."""
    return projects_page([(folder_of(info.name), info, history.timeline(info.name)) for info in projects])


def files_of_all(history: History) -> Iterator[tuple[str, bytes]]:
    """Every file of the index and of all reports, by its path."""
    projects = history.projects()
    page = index_page(history, projects)
    for name in ASSETS:
        yield f"assets/{name}", asset(name).encode()
    yield page.path, encoded(Renderer(_frame()).html(page))
    yield page.path.replace(".html", ".json"), encoded(as_json(page.data))
    for info in projects:
        for name, content in files_of(subject_of(history, info), index_href=_INDEX):
            yield f"{folder_of(info.name)}/{name}", content


class _Report(NamedTuple):
    """A project's report before its pages are rendered."""

    subject: Subject
    pages: Mapping[str, Page]


class Portfolio:
    """Answers for single files of the index and the reports, each rendered when it is asked for.

    What was gathered is kept until the history changes. Several threads may ask at the same time.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._stamp = ""
        self._reports: dict[str, _Report] = {}

    def stamp(self) -> str:
        """Changes with the history."""
        with self._lock:
            return self._history.stamp()

    def file(self, path: str) -> bytes | None:
        """The content of the file at ``path`` (``scrapers-1a2b/files/x.html``); None when there is none."""
        if path.startswith("assets/"):
            return _asset(path)
        with self._lock:
            self._refresh()
            folder, _, inner = path.partition("/")
            if not inner:
                return self._index(path)
            report = self._report(folder)
            live = self._stamp
        if report is None:
            return None
        return _asset(inner) if inner.startswith("assets/") else _file(report, inner, live)

    def _refresh(self) -> None:
        stamp = self._history.stamp()
        if stamp != self._stamp:
            self._stamp, self._reports = stamp, {}

    def _index(self, path: str) -> bytes | None:
        page = index_page(self._history, self._history.projects())
        if path == page.path.replace(".html", ".json"):
            return encoded(as_json(page.data))
        return encoded(Renderer(_frame(), live=self._stamp).html(page)) if path == page.path else None

    def _report(self, folder: str) -> _Report | None:
        if folder not in self._reports:
            info = next((info for info in self._history.projects() if folder_of(info.name) == folder), None)
            if info is None:
                return None
            subject = subject_of(self._history, info)
            self._reports[folder] = _Report(subject, {page.path: page for page in all_pages(subject)})
        return self._reports[folder]


def _file(report: _Report, path: str, live: str) -> bytes | None:
    subject = report.subject
    if path in report.pages:
        page = report.pages[path]
        renderer = Renderer(site_of(subject, _INDEX), live=live)
        return encoded(renderer.html(page, text_of(subject, page)))
    page_of_data = report.pages.get(path.removesuffix(".json") + ".html") if path.endswith(".json") else None
    if page_of_data is not None:
        return encoded(as_json(page_of_data.data))
    return dict(extras(subject)).get(path)


def _asset(path: str) -> bytes | None:
    name = path.removeprefix("assets/")
    return asset(name).encode() if name in ASSETS else None


def _frame() -> Site:
    return Site("All projects", "", False, "", "", "", "", "", echarts_version(), "", ())
