"""E-mail addresses, phone numbers and social profiles in what a page shows and links to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

import ada_url
import phonenumbers

from reference_app.scraping.hostnames import has_public_suffix
from reference_app.scraping.urls import host_of, resolve_link

_MAX_FOUND = 50
_MAX_TRIED = 100
# The local part before an "@" and the domain after it, tried only around each "@" so that no text takes long.
_LOCAL = re.compile(r"[a-z0-9](?:[a-z0-9._%+\-]{0,62}[a-z0-9_])?\Z", re.IGNORECASE)
_LOCAL_CHARACTERS = re.compile(r"[a-z0-9._%+\-]*\Z", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9\-]{0,62}", re.IGNORECASE)
_DOCUMENTATION_DOMAINS = frozenset({"example.com", "example.net", "example.org"})
# Begins with its character set because the engine then skips text without digits quickly.
_PHONE_LIKE = re.compile(
    r"[+(0-9](?<![0-9A-Za-z_.,:/=-][+(0-9])[0-9 ().\-/\u00a0\u2010-\u2015]{6,23}[0-9](?![0-9A-Za-z_:])"
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d\b")
_STRUCTURED = re.compile(r'"(telephone|faxNumber|email)"\s*:\s*"([^"\\]{3,100})"')
# Country codes that websites everywhere use say nothing about the country.
_NOT_A_COUNTRY = frozenset(["ac", "ai", "cc", "co", "fm", "gg", "io", "la", "ly", "me", "sh", "to", "tv", "vc", "ws"])
_NETWORKS = {
    "bsky.app": "bluesky",
    "facebook.com": "facebook",
    "github.com": "github",
    "instagram.com": "instagram",
    "linkedin.com": "linkedin",
    "pinterest.com": "pinterest",
    "reddit.com": "reddit",
    "t.me": "telegram",
    "threads.net": "threads",
    "tiktok.com": "tiktok",
    "twitter.com": "x",
    "vimeo.com": "vimeo",
    "wa.me": "whatsapp",
    "x.com": "x",
    "xing.com": "xing",
    "youtube.com": "youtube",
}
_SOCIAL_HINT = re.compile("|".join(re.escape(domain) for domain in _NETWORKS), re.IGNORECASE)
_NOT_A_PROFILE = re.compile(
    r"/(?:share|sharer|sharing|intent|dialog|plugins|embed|watch|login|pin/create|submit)\b", re.I
)


def find_emails(text: str, hrefs: Iterable[str], structured: Iterable[str]) -> tuple[str, ...]:
    """Addresses under a public suffix, domain in lower case, sorted; at most 50."""
    sources = [text]
    sources += [unquote(href[7:].split("?", 1)[0]) for href in hrefs if href[:7].lower() == "mailto:"]
    sources += [value for key, value in _structured(structured) if key == "email"]
    found: dict[str, str] = {}
    for source in sources:
        for email in _emails_in(source):
            found.setdefault(email.lower(), email)
            if len(found) >= _MAX_FOUND:
                return tuple(sorted(found.values()))
    return tuple(sorted(found.values()))


def _emails_in(text: str) -> Iterator[str]:
    at = text.find("@")
    for _ in range(_MAX_TRIED):
        if at < 0:
            return
        before = _LOCAL_CHARACTERS.search(text, max(0, at - 65), at)
        local = _LOCAL.match(before[0].lstrip("._%+-")) if before else None
        domain = _DOMAIN.match(text, at + 1, at + 256)
        if local and domain:
            name = domain[0].lower()
            if has_public_suffix(name) and name not in _DOCUMENTATION_DOMAINS and ".." not in local[0]:
                yield f"{local[0]}@{name}"
        at = text.find("@", at + 1)


def find_phones(
    text: str, hrefs: Iterable[str], structured: Iterable[str], language: str | None, url: str
) -> tuple[str, ...]:
    """Valid numbers in E.164 form, sorted; at most 50.

    National numbers are read for the country of the top-level domain or else of the page's language tag; without one
    only international numbers count.
    """
    region = _region(language, url)
    given = [unquote(href[4:].split(";", 1)[0]) for href in hrefs if href[:4].lower() == "tel:"]
    given += [value for key, value in _structured(structured) if key != "email"]
    found = {number for phone in given[:_MAX_TRIED] if (number := _valid_number(phone, region))}
    candidates = dict.fromkeys(match[0] for match in _PHONE_LIKE.finditer(text))
    plausible = (c for c in candidates if (region or c.startswith("+")) and not _DATE.match(c))
    for candidate in islice(plausible, _MAX_TRIED):
        found.update(_numbers_in(candidate, region))
    return tuple(sorted(found)[:_MAX_FOUND])


@lru_cache(maxsize=4096)
def _numbers_in(text: str, region: str | None) -> tuple[str, ...]:
    """Cached because a site repeats its numbers on every page; the matcher leaves out dates, prices and the like."""
    matches = phonenumbers.PhoneNumberMatcher(text, region, max_tries=3)
    return tuple(phonenumbers.format_number(m.number, phonenumbers.PhoneNumberFormat.E164) for m in matches)


def find_social_links(base: str, hrefs: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of network and profile URL, sorted; share buttons left out; at most 50."""
    found: set[tuple[str, str]] = set()
    for href in hrefs:
        if len(found) >= _MAX_FOUND:
            break
        if (
            not href.startswith(("http", "//"))
            or not _SOCIAL_HINT.search(href)
            or (link := resolve_link(base, href)) is None
        ):
            continue
        url = ada_url.URL(link)
        network = _network(url.hostname)
        if network and url.pathname not in ("", "/") and not _NOT_A_PROFILE.match(url.pathname):
            found.add((network, f"https://{url.hostname}{url.pathname.rstrip('/')}"))
    return tuple(sorted(found))


def _network(host: str) -> str | None:
    return _NETWORKS.get(".".join(host.split(".")[-2:]))


def _structured(scripts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for script in scripts:
        yield from _STRUCTURED.findall(script[:100_000])[:_MAX_TRIED]


@lru_cache(maxsize=4096)
def _valid_number(phone: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(phone[:40], region)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None


def _region(language: str | None, url: str) -> str | None:
    suffix = host_of(url).rpartition(".")[2]
    country = "GB" if suffix == "uk" else suffix.upper()
    if country in phonenumbers.SUPPORTED_REGIONS and suffix not in _NOT_A_COUNTRY:
        return country
    _, dash, tail = (language or "").upper().rpartition("-")
    return tail if dash and tail in phonenumbers.SUPPORTED_REGIONS else None
