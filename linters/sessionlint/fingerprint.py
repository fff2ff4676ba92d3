"""The identity of a finding over time: what it is and where it belongs, never its line."""

from __future__ import annotations

import hashlib
import re

from sessionlint.patterns import regex

# A lexer of its own: what the standard library makes of f-strings differs between Python versions, and an
# identity must not.
_TOKEN = regex(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<text>(?:\b[A-Za-z]{1,2})?(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    r"|(?P<word>\w+)"
    r"|(?P<blank>[\s\\]+)"
    r"|(?P<sign>.)",
    re.S,
)
_PLAIN_TEXT = regex(r"([A-Za-z]*)'([^'\"\\]*)'\Z")
_CLOSING = frozenset(")]}")


def normalise(snippet: str) -> str:
    """``snippet`` without what a formatter may change: layout, comments, quotes, trailing commas."""
    tokens: list[str] = []
    for match in _TOKEN.finditer(snippet):
        kind, token = match.lastgroup, match[0]
        if kind in ("comment", "blank"):
            continue
        if kind == "text":
            token = _PLAIN_TEXT.sub(r'\1"\2"', token) if _PLAIN_TEXT.match(token) else token
        if token in _CLOSING and tokens and tokens[-1] == ",":
            tokens.pop()
        tokens.append(token)
    return " ".join(tokens)


def identity(code: str, qualname: str, snippet: str) -> str:
    """24 hexadecimal digits for a kind of finding, wherever its file lies.

    ``snippet`` is the source the finding points at, ``qualname`` the function or class that holds it. Twins in
    one function have one identity.
    """
    return _digest(code, qualname, normalise(snippet))


def fingerprint(code: str, path: str, qualname: str, snippet: str) -> str:
    """24 hexadecimal digits that stay the same when the finding moves up or down in its file."""
    return _digest(code, path, qualname, normalise(snippet))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:24]
