"""The permanent rule codes and their names: the one table every room reads."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from sessionlint.patterns import regex

CODES: Mapping[str, str] = MappingProxyType(
    {
        "TXN101": "session-created-directly",
        "TXN102": "engine-created-outside",
        "TXN103": "factory-defined-outside",
        "TXN104": "raw-connection",
        "TXN105": "unapproved-session-source",
        "TXN106": "session-opened-in-request",
        "TXN107": "session-opened-in-error-handler",
        "TXN108": "session-not-closed",
        "TXN109": "session-outlives-scope",
        "TXN201": "explicit-commit",
        "TXN202": "explicit-rollback",
        "TXN203": "begin-without-context",
        "TXN204": "service-owns-transaction",
        "TXN205": "callee-commits",
        "TXN206": "nested-begin",
        "TXN207": "network-io-in-transaction",
        "TXN208": "session-used-after-close",
        "TXN209": "write-without-transaction",
        "TXN210": "error-swallowed-in-transaction",
        "TXN211": "commit-after-response",
        "TXN212": "session-held-while-streaming",
        "TXN301": "orm-tenant-filter",
        "TXN302": "sql-tenant-filter",
        "TXN303": "tenant-parameter",
        "TXN304": "tenant-dependency",
        "TXN305": "tenant-in-connection-state",
        "TXN401": "claims-in-connection",
        "TXN402": "token-decoded-below-router",
        "TXN403": "token-passed-to-service",
        "TXN404": "auth-imported-below-router",
        "TXN405": "unprotected-endpoint",
        "TXN501": "pooler-unsafe-engine",
        "TXN502": "pooler-username",
        "TXN503": "credentials-in-source",
        "TXN504": "tls-not-configured",
        "TXN505": "pool-bounds",
        "TXN506": "pooler-bypassed",
        "TXN507": "several-factories",
        "TXN601": "session-given-to-background",
        "TXN602": "session-shared-by-tasks",
        "TXN603": "scheduled-inside-transaction",
        "TXN604": "background-failure-lost",
        "TXN605": "task-reference-dropped",
        "TXN701": "id-not-uuid",
        "TXN702": "id-custom-format",
        "TXN801": "sql-built-from-strings",
        "TXN802": "raw-sql",
        "TXN901": "not-checked",
        "TXN902": "suppression-without-reason",
        "TXN903": "suppression-unused",
        "TXN904": "suppression-expired",
        "TXN905": "policy-names-nothing",
    }
)

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "TXN1": "Who opens the door",
        "TXN2": "Who owns the transaction",
        "TXN3": "Tenant filtering is gone",
        "TXN4": "Authentication stops at the router",
        "TXN5": "The connection itself",
        "TXN6": "Concurrency and background work",
        "TXN7": "Identity",
        "TXN8": "SQL text",
        "TXN9": "The gate itself",
    }
)

_NAMES = {name: code for code, name in CODES.items()}
_WORDS = {word: code for code, name in sorted(CODES.items(), reverse=True) for word in name.split("-")}
_PREFIX = regex(r"TXN\d{0,3}\Z")


def is_code_prefix(text: str) -> bool:
    """Whether ``text`` is a code or the beginning of at least one (``TXN``, ``TXN2``, ``TXN201``)."""
    return _PREFIX.match(text) is not None and any(code.startswith(text) for code in CODES)


def resolve_code(text: str) -> str | None:
    """The code that ``text`` names, by code (any case) or by rule name; None for neither."""
    wanted = text.strip()
    code = wanted.upper()
    return code if code in CODES else _NAMES.get(wanted.lower())


def nearest_code(text: str) -> str | None:
    """The code or name a person most likely meant by ``text``; None when nothing is near."""
    named = resolve_code(text)
    if named is not None:
        return named
    upper, lower = text.strip().upper(), text.strip().lower()
    if upper.startswith("T") and any(character.isdigit() for character in upper):
        read = upper[:3] + upper[3:].replace("O", "0").replace("I", "1").replace("L", "1")
        family = [code for code in CODES if code.startswith(read[:4])]
        close = get_close_matches(read, family, n=1) or get_close_matches(read, [*CODES, *FAMILIES], n=1)
        if close:
            return close[0]
    near_name = get_close_matches(lower, list(_NAMES), n=1, cutoff=0.6)
    if near_name:
        return _NAMES[near_name[0]]
    near_word = get_close_matches(lower, list(_WORDS), n=1, cutoff=0.75)
    return _WORDS[near_word[0]] if near_word else None
