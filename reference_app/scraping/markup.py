"""Reads HTML in one pass and keeps what the scraper asks of it.

libxml2's HTML parser (lxml) reports elements as they come and no tree is built. That is what makes a page from
anywhere safe to read: building a tree takes quadratic time or worse for deep nesting, unclosed formatting elements
or a thousand attributes, whichever parser does it; this pass is linear in the size of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from lxml import etree

_MAX_LINKS = 2000
_MAX_ASSETS = 300
_MAX_METAS = 200
_MAX_SCRIPTS = 20
_MAX_ATTRIBUTE = 4096
_STRUCTURED_DATA = "application/ld+json"


@dataclass(slots=True)
class Markup:
    """What a page contains, as written. Of what may appear once the first counts."""

    title: str = ""
    language: str | None = None
    base: str | None = None
    canonical: str | None = None
    metas: dict[str, str] = field(default_factory=dict)
    hrefs: dict[str, None] = field(default_factory=dict)
    assets: list[str] = field(default_factory=list)
    structured_data: list[str] = field(default_factory=list)
    text: str = ""


def read_markup(html: str) -> Markup:
    """Reads ``html``; never fails, however broken it is.

    ``metas`` has lower-case names, properties or http-equivs as keys. ``hrefs`` are the distinct links in document
    order, ``assets`` the addresses of scripts, images and style sheets. ``text`` is what a reader sees, with a blank
    for every tag.
    """
    reader = _Reader()
    # The stubs want every optional method of a target; lxml wants those it finds.
    target = cast("etree.ParserTarget[None]", reader)
    parser = etree.HTMLParser(encoding="utf-8", target=target, no_network=True, huge_tree=True)
    try:
        parser.feed(html.encode("utf-8", "replace"))
        parser.close()
    except etree.LxmlError:
        # An empty document, or one given up half-way: what was read so far counts.
        pass
    return reader.finish()


class _Reader:
    """The parser's target: lxml calls ``start``, ``data``, ``end`` and ``close``.

    Elements are looked up by name because most of them mean nothing here.
    """

    def __init__(self) -> None:
        self._markup = Markup()
        self._text: list[str] = []
        self._script: list[str] = []
        self._title: list[str] = []
        self._hidden: str | None = None
        self._in_title = False
        self._drawings = 0
        self._starts: dict[str, Callable[[Mapping[str, str]], None]] = {
            "a": self._anchor,
            "base": self._base,
            "html": self._root,
            "img": self._source,
            "link": self._link,
            "meta": self._meta,
            "script": self._script_start,
            "style": self._style_start,
            "svg": self._drawing_start,
            "title": self._title_start,
        }
        self._ends: dict[str, Callable[[], None]] = {
            "script": self._hidden_end,
            "style": self._hidden_end,
            "svg": self._drawing_end,
            "title": self._title_end,
        }

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._text.append(" ")
        if handle := self._starts.get(tag):
            handle(attributes)

    def data(self, text: str) -> None:
        if self._hidden == _STRUCTURED_DATA:
            self._script.append(text)
        elif self._in_title:
            self._title.append(text)
        elif self._hidden is None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        self._text.append(" ")
        if handle := self._ends.get(tag):
            handle()

    def close(self) -> None:
        """Nothing to build: ``finish`` gives the result also when the parser gave up."""

    def finish(self) -> Markup:
        self._markup.title = "".join(self._title)
        self._markup.text = "".join(self._text)
        return self._markup

    def _anchor(self, attributes: Mapping[str, str]) -> None:
        href = attributes.get("href", "").strip()
        if href and not href.startswith("#") and len(href) < _MAX_ATTRIBUTE and len(self._markup.hrefs) < _MAX_LINKS:
            self._markup.hrefs[href] = None

    def _base(self, attributes: Mapping[str, str]) -> None:
        self._markup.base = self._markup.base or attributes.get("href", "")[:_MAX_ATTRIBUTE].strip()

    def _root(self, attributes: Mapping[str, str]) -> None:
        self._markup.language = self._markup.language or attributes.get("lang") or attributes.get("xml:lang")

    def _source(self, attributes: Mapping[str, str]) -> None:
        self._asset(attributes.get("src"))

    def _link(self, attributes: Mapping[str, str]) -> None:
        href = attributes.get("href", "")[:_MAX_ATTRIBUTE].strip()
        self._asset(href)
        if href and self._markup.canonical is None and "canonical" in attributes.get("rel", "").lower().split():
            self._markup.canonical = href

    def _meta(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name") or attributes.get("property") or attributes.get("http-equiv")
        content = attributes.get("content")
        if name and content and len(self._markup.metas) < _MAX_METAS:
            self._markup.metas.setdefault(name[:100].strip().lower(), content[:_MAX_ATTRIBUTE])

    def _script_start(self, attributes: Mapping[str, str]) -> None:
        self._asset(attributes.get("src"))
        kind = attributes.get("type", "").strip().lower()
        self._hidden = kind if kind == _STRUCTURED_DATA else "script"

    def _style_start(self, _attributes: Mapping[str, str]) -> None:
        self._hidden = "style"

    def _hidden_end(self) -> None:
        if self._script and len(self._markup.structured_data) < _MAX_SCRIPTS:
            self._markup.structured_data.append("".join(self._script))
        self._script.clear()
        self._hidden = None

    def _drawing_start(self, _attributes: Mapping[str, str]) -> None:
        self._drawings += 1

    def _drawing_end(self) -> None:
        self._drawings = max(0, self._drawings - 1)

    def _title_start(self, _attributes: Mapping[str, str]) -> None:
        # Drawings have titles of their own.
        self._in_title = not self._drawings and not self._title

    def _title_end(self) -> None:
        self._in_title = False

    def _asset(self, address: str | None) -> None:
        if address and len(self._markup.assets) < _MAX_ASSETS:
            self._markup.assets.append(address[:_MAX_ATTRIBUTE])
