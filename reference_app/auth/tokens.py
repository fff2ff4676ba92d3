"""JSON Web Tokens: made from an API key for a short time, or by an identity provider whose key the settings name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt

from reference_app.auth.permissions import Permission
from reference_app.settings import Settings

_REQUIRED = ["exp", "iat", "sub", "iss", "aud"]
_LEEWAY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says: whose it is, its own id, its scopes (``None``: all of the user's role), its end."""

    user_id: UUID
    token_id: UUID
    scopes: tuple[str, ...] | None
    expires_at: datetime


class Tokens:
    """Makes and reads tokens as the settings say. A deployment with a public key reads and makes none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._algorithm = settings.jwt_algorithm
        key_file = settings.jwt_public_key_file
        symmetric = self._algorithm == "HS256" or key_file is None
        self._key = settings.jwt_secret.get_secret_value() if symmetric or key_file is None else key_file.read_text()
        self.can_issue = self._algorithm == "HS256"

    def issue(self, user_id: UUID, scopes: Iterable[Permission], now: datetime) -> tuple[str, datetime]:
        """A token for ``user_id`` with ``scopes``, and when it ends."""
        expires_at = now + timedelta(seconds=self._settings.jwt_lifetime_seconds)
        claims = {
            "sub": str(user_id),
            "jti": str(uuid4()),
            "iss": self._settings.jwt_issuer,
            "aud": self._settings.jwt_audience,
            "iat": now,
            "exp": expires_at,
            "scope": " ".join(sorted(scopes)),
        }
        return jwt.encode(claims, self._key, algorithm=self._algorithm), expires_at

    def read(self, text: str) -> TokenClaims | None:
        """What a token says, or ``None`` when it is not valid now."""
        try:
            claims = jwt.decode(
                text,
                self._key,
                algorithms=[self._algorithm],
                audience=self._settings.jwt_audience,
                issuer=self._settings.jwt_issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
            scope = claims.get("scope")
            return TokenClaims(
                user_id=UUID(claims["sub"]),
                token_id=UUID(claims["jti"]) if "jti" in claims else uuid4(),
                scopes=tuple(str(scope).split()) if scope is not None else None,
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (jwt.InvalidTokenError, ValueError, OverflowError):
            return None
