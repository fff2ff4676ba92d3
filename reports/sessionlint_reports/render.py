"""Pages to HTML: one Jinja environment, autoescaped and strict, and the filters that keep hostile text inert."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sessionlint_reports import code
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page

NAVIGATION = (
    ("index.html", "Overview"),
    ("findings.html", "Findings"),
    ("risk.html", "High risk"),
    ("progress.html", "Progress"),
    ("audit.html", "Audit"),
    ("map.html", "Map"),
    ("rules.html", "Rules"),
    ("policy.html", "Policy"),
)
_TICKED = re.compile(r"`([^`]+)`")
_JOINTS = re.compile(r"([/_])(?![^<]*>)")
_SCRIPT_CLOSERS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_CLOSER = re.compile("[<>&\u2028\u2029]")
#: Nothing is loaded from anywhere but the site itself, and nothing is sent anywhere.
SITE_CSP = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


class Site(NamedTuple):
    """What every page says about the whole site. ``index_href`` leads to the index of all projects, if there is one."""

    project: str
    commit: str
    dirty: bool
    branch: str
    at: str
    at_text: str
    author: str
    tool_version: str
    echarts_version: str
    index_href: str
    navigation: Sequence[Mapping[str, str]]


def site_of(subject: Subject, index_href: str = "") -> Site:
    """The frame of a subject's pages."""
    snapshot = subject.snapshot
    revision = snapshot.revision
    return Site(
        project=snapshot.project,
        commit=revision.commit[:12],
        dirty=revision.dirty,
        branch=revision.branch,
        at=revision.at.isoformat(),
        at_text=revision.at.strftime("%Y-%m-%d %H:%M UTC"),
        author=revision.author,
        tool_version=snapshot.yardstick.tool_version,
        echarts_version=echarts_version(),
        index_href=index_href,
        navigation=[{"href": href, "title": title} for href, title in NAVIGATION],
    )


@cache
def asset(name: str) -> str:
    """The text of a file in ``assets``."""
    return resources.files("sessionlint_reports").joinpath("assets", *name.split("/")).read_text(encoding="utf-8")


@cache
def echarts_version() -> str:
    """The version of the shipped Apache ECharts."""
    return asset("echarts/VERSION").split("\n", 1)[0].rpartition(" ")[2]


def as_json(data: Data) -> str:
    """A page's data as JSON, ending in a newline."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


@cache
def environment() -> Environment:
    """The templates and their filters."""
    made = Environment(
        loader=PackageLoader("sessionlint_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update(
        shown=_shown, plain=_plain, ticked=_ticked, embedded=_embedded, coloured=_coloured, diffed=_diffed,
        shortened=_shortened, place=_place,
    )  # fmt: skip
    return made


class Renderer:
    """Renders the pages of one site; ``in_book`` makes fragments for a single file instead of whole pages.

    ``live`` is the stamp of the history when a dashboard serves the pages.
    """

    def __init__(self, site: Site, *, in_book: bool = False, live: str = "") -> None:
        self._site = site
        self._in_book = in_book
        self._live = live

    def html(self, page: Page, text: str | None = None) -> str:
        """The page, or its fragment, as HTML; ``text`` is the source a file page shows."""
        root = "../" * page.path.count("/")
        prefix = "#/" if self._in_book else root
        own = f"#/{page.path}" if self._in_book else ""
        template = environment().get_template(page.template)
        return template.render(
            layout="fragment.html" if self._in_book else "base.html",
            page={"title": page.title, "section": page.section, "data_href": page.path.replace(".html", ".json")},
            data=page.data,
            site=self._site,
            root=root,
            csp=SITE_CSP,
            live=self._live,
            book=self._in_book,
            link=lambda target: f"{prefix}{target}",
            at=lambda anchor: f"{own}#{anchor}",
            **(self._code(page, text) if page.template == "file.html" else {}),
        )

    def _code(self, page: Page, text: str | None) -> Data:
        """The source of a file page, cut up, with its findings under the line they are about."""
        if text is None:
            return {"code": (), "loose": ()}
        by_line: dict[int, list[Data]] = {}
        for row in page.data["findings"]:
            by_line.setdefault(row["line"], []).append(row)
        anchor = f"#/{page.path}#" if self._in_book else "#"
        found = code.stretches(text, page.data["marked_lines"], page.data["linked_lines"])
        last = found[-1].last if found else 0
        return {
            "code": [_stretch(stretch, by_line, anchor) for stretch in found],
            "loose": [row for row in page.data["findings"] if row["line"] > last],
        }


def _stretch(stretch: code.Stretch, by_line: Mapping[int, Sequence[Data]], anchor: str) -> Data:
    """What the template needs of a stretch: folded ones as two columns, others cut behind each line with findings."""
    first, last, lines = stretch.first, stretch.last, stretch.lines
    shown: Data = {"first": first, "last": last, "folded": stretch.folded}
    if stretch.folded:
        return {**shown, "numbers": "\n".join(map(str, range(first, last + 1))), "html": Markup("\n".join(lines))}
    parts, start = [], first
    for number in range(first, last + 1):
        if number in by_line or number == last:
            html = Markup(code.numbered(start, lines[start - first : number + 1 - first], by_line, anchor))
            parts.append({"html": html, "rows": by_line.get(number, ())})
            start = number + 1
    return {**shown, "parts": parts}


def book_html(site: Site, pages: Iterable[tuple[Page, str]], styles: str, scripts: Markup, csp: str) -> str:
    """One file from the fragments of all pages; the first is shown where scripts do not run."""
    fragments = list(pages)
    bodies = "".join(
        f'<template data-page="{escape(page.path)}" data-title="{escape(_plain(page.title))}"'
        f' data-section="{escape(page.section)}">{body}</template>\n'
        for page, body in fragments
    )
    first, body = fragments[0]
    return (
        environment()
        .get_template("base.html")
        .render(
            page={"title": first.title, "section": first.section, "data_href": ""},
            site=site,
            root="#/",
            csp=csp,
            live="",
            book={
                "css": Markup(styles),
                "pages": Markup(f'<main id="main" tabindex="-1">\n{body}\n</main>\n{bodies}'),
                "scripts": scripts,
                "theme": Markup(asset("theme.js")),
            },
        )
    )


def _shown(text: object) -> Markup:
    return Markup(code.visible(str(text)))


@lru_cache(maxsize=10_000)
def _place(path: str) -> Markup:
    """A path that may break after a slash or an underscore."""
    return Markup(_JOINTS.sub(r"\1<wbr>", code.visible(path)))


def _plain(text: object) -> str:
    """Text for places that hold no elements: titles, options, attributes."""
    return code.spelled_out(str(text))


@lru_cache(maxsize=10_000)
def _ticked(text: str) -> Markup:
    return Markup(_TICKED.sub(r"<code>\1</code>", code.visible(text)))


def _embedded(value: Any) -> Markup:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(_CLOSER.sub(lambda found: _SCRIPT_CLOSERS[found[0]], text))


def _coloured(source: str) -> Markup:
    return Markup(code.python(source))


def _diffed(text: str) -> Markup:
    return Markup(code.diff(text))


def _shortened(text: object, width: int) -> str:
    shown = str(text)
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"
