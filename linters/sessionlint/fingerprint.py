"""The identity of a finding over time: what it is and where it belongs, never its line."""

from __future__ import annotations

import hashlib


def normalise(snippet: str) -> str:
    """``snippet`` without its layout: runs of white space count as one blank."""
    return " ".join(snippet.split())


def fingerprint(code: str, path: str, qualname: str, snippet: str) -> str:
    """24 hexadecimal digits that stay the same when the finding moves up or down in its file.

    ``snippet`` is the source the finding points at, ``qualname`` the function or class that holds it.
    """
    identity = "\0".join((code, path, qualname, normalise(snippet)))
    return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:24]
