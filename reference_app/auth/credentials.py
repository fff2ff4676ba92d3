"""Looks a caller's credentials up, on a short session of its own, so that the endpoint's is still unused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cachetools import TTLCache
from sqlalchemy import or_, select, update

from reference_app.auth.api_keys import digest_of, is_secret_of, split_api_key
from reference_app.auth.permissions import ROLE_PERMISSIONS
from reference_app.auth.principal import Principal, granted
from reference_app.auth.tokens import TokenClaims, Tokens
from reference_app.models import ApiKey, User
from reference_app.session import get_session
from reference_app.settings import Settings

_CACHED_CALLERS = 10_000
_USE_RECORDED_EVERY = timedelta(minutes=1)


class Credentials:
    """Tells who holds a key or token. Good answers are kept for ``credential_cache_seconds``, bad ones never."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        self._tokens = tokens
        self._known: TTLCache[bytes, Principal] = TTLCache(_CACHED_CALLERS, settings.credential_cache_seconds)

    def forget(self) -> None:
        """Drops every kept answer: after a key was revoked or a user changed."""
        self._known.clear()

    async def holder_of_key(self, text: str) -> Principal | None:
        """Who holds this API key, or ``None`` when it is unknown, revoked, expired or its user disabled."""
        parts = split_api_key(text)
        if parts is None:
            return None
        prefix, secret = parts
        return self._kept(text) or self._keep(text, await _find_key(prefix, secret))

    async def holder_of_token(self, text: str) -> Principal | None:
        """Whose token this is, or ``None`` when it is not valid or its user unknown or disabled."""
        claims = self._tokens.read(text)
        if claims is None:
            return None
        return self._kept(text) or self._keep(text, await _find_user(claims))

    def _kept(self, text: str) -> Principal | None:
        principal = self._known.get(digest_of(text))
        return principal if principal is not None and principal.expires_at > datetime.now(UTC) else None

    def _keep(self, text: str, principal: Principal | None) -> Principal | None:
        if principal is not None:
            self._known[digest_of(text)] = principal
        return principal


async def _find_key(prefix: str, secret: str) -> Principal | None:
    now = datetime.now(UTC)
    async with get_session() as session, session.begin():
        found = await session.execute(
            select(ApiKey, User)
            .join(User, ApiKey.user_id == User.id)
            .where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None), ApiKey.expires_at > now)
            .where(User.disabled_at.is_(None))
        )
        row = found.one_or_none()
        if row is None or not is_secret_of(secret, row.ApiKey.secret_digest):
            return None
        key, user = row.ApiKey, row.User
        unrecorded = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - _USE_RECORDED_EVERY)
        await session.execute(update(ApiKey).where(ApiKey.id == key.id, unrecorded).values(last_used_at=now))
    return Principal(user.id, user.role, granted(user.role, key.scopes), "api-key", key.id, key.expires_at)


async def _find_user(claims: TokenClaims) -> Principal | None:
    async with get_session() as session, session.begin():
        user = await session.get(User, claims.user_id)
    if user is None or user.disabled_at is not None:
        return None
    scopes = ROLE_PERMISSIONS[user.role] if claims.scopes is None else granted(user.role, claims.scopes)
    return Principal(user.id, user.role, scopes, "token", claims.token_id, claims.expires_at)
