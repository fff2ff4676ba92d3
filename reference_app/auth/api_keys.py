"""API keys as text: made once, shown once, recognised by the digest of their secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_PREFIX_BYTES = 6
_SECRET_BYTES = 32
_FORM = re.compile(r"rk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made: ``text`` goes to its owner and nowhere else, the others into the database."""

    text: str
    prefix: str
    digest: bytes


def make_api_key() -> NewApiKey:
    """A key with 256 random bits; so many need no slow hash, a plain SHA-256 digest cannot be searched."""
    prefix = secrets.token_hex(_PREFIX_BYTES)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return NewApiKey(f"rk_{prefix}_{secret}", prefix, digest_of(secret))


def split_api_key(text: str) -> tuple[str, str] | None:
    """The public prefix and the secret of a key, or ``None`` when the text is no key."""
    match = _FORM.fullmatch(text)
    return (match[1], match[2]) if match else None


def digest_of(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_secret_of(secret: str, digest: bytes) -> bool:
    """Whether ``secret`` has this digest, in a time that tells nothing about how much of it is right."""
    return hmac.compare_digest(digest_of(secret), digest)
