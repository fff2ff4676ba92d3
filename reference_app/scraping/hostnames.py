"""Whether a host name can belong to a public website. Offline: the list of public suffixes is tldextract's own copy."""

from __future__ import annotations

import re

import ada_url
import tldextract

# A name has at most 253 characters and a label 63 (RFC 1035, section 2.3.4).
MAX_NAME = 253
MAX_LABEL = 63
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
# Names that never lead to a public website: RFC 6761, 6762, 7686, 8375, 9476, and ICANN's ".internal".
_SPECIAL_USE = frozenset(
    {"alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test", "lan", "home", "corp"}
)
_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


class InvalidTarget(ValueError):  # noqa: N818
    """A submitted item is not a scannable website; ``code`` is stable, ``message`` tells a person what to change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_hostname(host: str, *, allow_loopback: bool) -> None:
    """Refuses an ASCII lower-case name that the public DNS cannot hold. Raises InvalidTarget."""
    if len(host) > MAX_NAME:
        raise InvalidTarget("host_too_long", f"A host name has at most {MAX_NAME} characters, not {len(host)}.")
    labels = host.split(".")
    for label in labels:
        _check_label(label)
    if allow_loopback and labels[-1] == "localhost":
        return
    if labels[-1] in _SPECIAL_USE:
        raise InvalidTarget("special_use", f"Names under '{labels[-1]}' are reserved and lead to no public website.")
    if len(labels) == 1:
        raise InvalidTarget("single_label", f"'{host}' has no dot; submit a full domain such as {host[:20]}.com.")
    if not _extract.extract_str(host).suffix:
        top = ada_url.idna_to_unicode(labels[-1])
        raise InvalidTarget("unknown_suffix", f"There is no top-level domain '{top}'.")


def registrable_domain(host: str) -> str:
    """The part of ``host`` someone registered (``www.example.co.uk`` gives ``example.co.uk``); else ``host`` itself."""
    return _extract.extract_str(host).top_domain_under_public_suffix or host


def has_public_suffix(host: str) -> bool:
    """Whether ``host`` ends in a suffix of the Public Suffix List and has something before it."""
    parts = _extract.extract_str(host)
    return bool(parts.suffix and parts.domain)


def _check_label(label: str) -> None:
    if not label:
        raise InvalidTarget("empty_label", "Two dots follow each other, or the name starts with a dot.")
    if len(label) > MAX_LABEL:
        raise InvalidTarget(
            "label_too_long",
            f"The part '{label[:12]}…' has {len(label)} characters; at most {MAX_LABEL} are allowed.",
        )
    if not _LABEL.fullmatch(label):
        problem = (
            "starts or ends with a hyphen"
            if label.strip("-") != label
            else "holds something else than a-z, 0-9 and '-'"
        )
        raise InvalidTarget("invalid_characters", f"The part '{label}' {problem}.")
    if label.startswith("xn--") and ada_url.idna_to_unicode(label).startswith("xn--"):
        raise InvalidTarget("invalid_idn", f"'{label}' is not valid Punycode.")
