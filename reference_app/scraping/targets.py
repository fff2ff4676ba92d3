"""Turns what people submit as "a domain" into a scannable target, or says precisely what is wrong with it.

URL syntax, IDNA (UTS #46) and the many spellings of an IPv4 address are ada's work, the parser browsers and Node.js
follow (https://url.spec.whatwg.org/). It is lenient, so this module refuses what it lets through: characters nobody
sees, user names, ports of other protocols, names that cannot exist in the public DNS.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import ada_url

from reference_app.scraping.addresses import MAX_PORT, AddressPolicy, is_web_port
from reference_app.scraping.hostnames import InvalidTarget, check_hostname
from reference_app.scraping.urls import MAX_URL_CHARACTERS

_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):(?=//|\\\\)", re.IGNORECASE)
_AUTHORITY = re.compile(r"[/\\?#]")
_BARE_SCHEME = re.compile(r"([a-z][a-z0-9+\-]*):(?!\d|$)", re.IGNORECASE)
_NUMERIC_LABEL = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)
# Joiners carry meaning in Persian and Indic names; IDNA decides where they may stand.
_JOINERS = "\u200c\u200d"
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Target:
    """One website to scan.

    ``domain`` identifies it: the ASCII host, and the port where it is not the scheme's own (``example.com``,
    ``example.com:8080``, ``[2606:4700::1111]``). Two submissions with one ``domain`` are duplicates, whatever their
    scheme and path. ``url`` is where the scan starts; ``normalise(target.url)`` gives the same target back, so it is
    the one thing to store. ``display`` is ``domain`` in the script people read (``bücher.example``).
    """

    domain: str
    display: str
    url: str
    scheme: Literal["http", "https"]
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The item at ``index`` of the submitted list is ``target``."""

    index: int
    target: Target


@dataclass(frozen=True, slots=True)
class Rejected:
    """The item at ``index`` cannot be scanned: ``code`` for programs, ``message`` for people, ``text`` shortened."""

    index: int
    text: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The item at ``index`` names the same ``domain`` as the accepted item at ``first_index``."""

    index: int
    first_index: int
    domain: str


@dataclass(frozen=True, slots=True)
class NormalisedBatch:
    """Every submitted item, in exactly one of three lists, each ordered by ``index``."""

    accepted: tuple[Accepted, ...]
    rejected: tuple[Rejected, ...]
    duplicates: tuple[Duplicate, ...]


def normalise(text: str, *, allow_loopback: bool = False) -> Target:
    """Reads one submitted domain or URL.

    Without a scheme ``https`` is meant. A fragment is dropped; path and query are kept as the page the scan starts
    with. ``allow_loopback`` (development only) also accepts loopback addresses and ``localhost`` names.

    Raises InvalidTarget with a stable ``code`` and a sentence that says what to change.
    """
    if not isinstance(text, str):
        raise InvalidTarget("not_text", "A domain must be text.")
    cleaned = _without_surrounding_blanks(text)
    url = _parse(cleaned)
    host = url.hostname
    scheme: Literal["http", "https"] = "http" if url.protocol == "http:" else "https"
    port = int(url.port) if url.port else (80 if scheme == "http" else 443)
    if not is_web_port(port):
        raise InvalidTarget("forbidden_port", f"Port {port} does not serve web pages; use 80, 443 or one above 1023.")
    if url.host_type == ada_url.HostType.DEFAULT:
        host = host.removesuffix(".")
        check_hostname(host, allow_loopback=allow_loopback)
        display_host = ada_url.idna_to_unicode(host)
    else:
        _check_address(host, allow_loopback)
        display_host = host
    suffix = "" if port in (80, 443) else f":{port}"
    if port in (80, 443):
        scheme = "http" if port == 80 else "https"
    start = f"{scheme}://{host}{suffix}{url.pathname}{url.search}"
    if len(start) > MAX_URL_CHARACTERS:
        raise InvalidTarget("too_long", f"As an encoded URL this has more than {MAX_URL_CHARACTERS} characters.")
    return Target(
        domain=host + suffix,
        display=display_host + suffix,
        url=start,
        scheme=scheme,
        host=host,
        port=port,
    )


def normalise_many(texts: Sequence[str], *, allow_loopback: bool = False) -> NormalisedBatch:
    """Reads a submitted list: what is accepted, what is refused and why, what was named before.

    The first of several items with one ``domain`` is the accepted one. Never raises for an item.
    """
    accepted: list[Accepted] = []
    rejected: list[Rejected] = []
    duplicates: list[Duplicate] = []
    first_seen: dict[str, int] = {}
    for index, text in enumerate(texts):
        try:
            target = normalise(text, allow_loopback=allow_loopback)
        except InvalidTarget as error:
            rejected.append(Rejected(index, shorten(text), error.code, error.message))
            continue
        first_index = first_seen.setdefault(target.domain, index)
        if first_index == index:
            accepted.append(Accepted(index, target))
        else:
            duplicates.append(Duplicate(index, first_index, target.domain))
    return NormalisedBatch(tuple(accepted), tuple(rejected), tuple(duplicates))


def shorten(text: object) -> str:
    """``text`` as one printable line of at most 80 characters, fit for messages, logs and PostgreSQL."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)[: _SHOWN_CHARACTERS + 1])
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"


def _parse(text: str) -> ada_url.URL:
    if text.count(":") > 1 and _is_ipv6(text):
        text = f"[{text}]"
    scheme = _SCHEME.match(text) or _BARE_SCHEME.match(text)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise InvalidTarget("unsupported_scheme", f"'{scheme[1]}' is not a web scheme; use http or https.")
    complete = text if scheme else "https:" + text if text.startswith(("//", "\\\\")) else "https://" + text
    authority = _AUTHORITY.split(complete.split(":", 1)[1].lstrip("/\\"), maxsplit=1)[0]
    if "@" in authority:
        if scheme:
            raise InvalidTarget("credentials", "The URL holds a user name or password; submit it without.")
        raise InvalidTarget("email_address", "This looks like an e-mail address; submit the domain after the '@'.")
    if not authority or authority.startswith(":"):
        raise InvalidTarget("missing_host", "There is no host name in the text.")
    try:
        return ada_url.URL(complete)
    except ValueError:
        raise _diagnose(authority) from None


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _diagnose(authority: str) -> InvalidTarget:
    if authority.startswith("["):
        return InvalidTarget("invalid_ipv6", f"'{shorten(authority)}' is not an IPv6 address in brackets.")
    host, colon, port = authority.partition(":")
    if ":" in port:
        return InvalidTarget("invalid_ipv6", "An IPv6 address is written in brackets: [2001:db8::1].")
    if colon and port and not (port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        return InvalidTarget("invalid_port", f"'{shorten(port)}' is not a port number between 1 and {MAX_PORT}.")
    if _NUMERIC_LABEL.fullmatch(unicodedata.normalize("NFKC", host).removesuffix(".").rpartition(".")[2]):
        return InvalidTarget("invalid_ipv4", f"'{shorten(host)}' ends in a number but is not an IPv4 address.")
    if host.isascii() and "xn--" not in host.lower():
        return InvalidTarget("invalid_characters", f"'{shorten(host)}' holds characters a host name cannot have.")
    return InvalidTarget("invalid_idn", f"'{shorten(host)}' is not a valid internationalised domain name (UTS #46).")


def _check_address(host: str, allow_loopback: bool) -> None:
    reason = AddressPolicy(allow_loopback=allow_loopback).refusal(ipaddress.ip_address(host.strip("[]")))
    if reason:
        raise InvalidTarget("forbidden_address", f"{host} is {reason}; only public addresses are scanned.")


def _without_surrounding_blanks(text: str) -> str:
    if len(text) > MAX_URL_CHARACTERS:
        raise InvalidTarget("too_long", f"A domain or URL has at most {MAX_URL_CHARACTERS} characters.")
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while end > start and _is_unseen(text[end - 1]):
        end -= 1
    cleaned = text[start:end]
    if not cleaned:
        raise InvalidTarget("empty", "The item is empty.")
    for character in cleaned:
        if _is_unseen(character) and character not in _JOINERS:
            kind = "whitespace" if character.isspace() else "invisible_character"
            raise InvalidTarget(kind, f"There is {_character_name(character)} inside the text; submit one domain.")
    return cleaned


@lru_cache(maxsize=1024)
def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


def _character_name(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name.lower()})"
