"""What an HTML page says about itself, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reference_app.scraping.contacts import find_emails, find_phones, find_social_links
from reference_app.scraping.decoding import to_text
from reference_app.scraping.markup import Markup, read_markup
from reference_app.scraping.records import PageMetadata
from reference_app.scraping.technologies import find_technologies
from reference_app.scraping.urls import resolve_link

_MAX_TITLE = 500
_MAX_DESCRIPTION = 2000
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}", re.IGNORECASE)
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s\ud800-\udfff]+")
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class ReadPage:
    """``hrefs`` are the links as written, in document order; empty where the page asks not to follow any."""

    metadata: PageMetadata
    base: str
    hrefs: tuple[str, ...]

    def links(self) -> Iterator[str]:
        """The links as absolute URLs, made one by one because most scans want only the first few."""
        for href in self.hrefs:
            if link := resolve_link(self.base, href):
                yield link


def is_html(content_type: str | None) -> bool:
    """Whether a body of this media type is worth parsing; servers that name none mostly send HTML."""
    return content_type is None or content_type in _HTML_TYPES


def read_page(url: str, headers: Mapping[str, str], body: bytes) -> ReadPage:
    """Reads one page. ``url`` is its final address, ``headers`` have lower-case names. Never fails on bad HTML."""
    html = to_text(body, headers.get("content-type"))
    markup = read_markup(html)
    metas = markup.metas
    base = (resolve_link(url, markup.base) if markup.base else None) or url
    language = _language(markup, headers)
    metadata = PageMetadata(
        title=_line(markup.title, _MAX_TITLE) or _line(metas.get("og:title"), _MAX_TITLE),
        description=_line(metas.get("description") or metas.get("og:description"), _MAX_DESCRIPTION),
        language=language,
        canonical=resolve_link(base, markup.canonical) if markup.canonical else None,
        emails=find_emails(markup.text, markup.hrefs, markup.structured_data),
        phones=find_phones(markup.text, markup.hrefs, markup.structured_data, language, url),
        social_links=find_social_links(base, markup.hrefs),
        technologies=find_technologies(headers, metas.get("generator", ""), "\n".join(markup.assets), html),
    )
    follows = not {"nofollow", "none"} & set(re.split(r"[\s,]+", metas.get("robots", "").lower()))
    return ReadPage(metadata, base, tuple(markup.hrefs) if follows else ())


def _language(markup: Markup, headers: Mapping[str, str]) -> str | None:
    """The language tag in lower case, by ``html lang``, then ``meta``, then the HTTP header."""
    for claim in (markup.language, markup.metas.get("content-language"), headers.get("content-language")):
        tag = (claim or "").split(",", 1)[0].strip().replace("_", "-")
        if _LANGUAGE.fullmatch(tag):
            return tag.lower()
    return None


def _line(text: str | None, limit: int) -> str | None:
    """One line without characters that PostgreSQL or a terminal chokes on."""
    line = _UNSTORABLE.sub(" ", text[: limit * 4]).strip() if text else ""
    return line[:limit].rstrip() or None
