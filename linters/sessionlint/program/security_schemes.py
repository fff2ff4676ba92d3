"""FastAPI's security schemes: told by the header, cookie or parameter they read, and whether all may do without."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value, literal

#: Part of the names of those that refuse nobody: ``HTTPBearer(auto_error=False)``.
_LENIENT: Final = "optional."
_FASTAPI: Final = "fastapi.security."
_USERS: Final = "fastapi_users."


def is_lenient(name: str) -> bool:
    """Whether a scheme lets go on who brings nothing along."""
    return name.startswith((_FASTAPI + _LENIENT, _USERS + _LENIENT))


def _scheme(place: str, kind: str) -> Any:
    named = kind.startswith("APIKey")

    def make(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        given = dict(keywords)
        name = literal(given.get("name", UNKNOWN)) if named else None
        read = f"[{name.lower()}]" if isinstance(name, str) else ""
        lenient = _LENIENT if literal(given.get("auto_error", UNKNOWN)) is False else ""
        return (Ext(f"{_FASTAPI}{lenient}{place}{kind}{read}()"),)

    return make


def _current_user(name: str) -> Any:
    def make(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        lenient = literal(dict(keywords).get("optional", UNKNOWN)) is True
        return (Ext(f"{name.replace(_USERS, _USERS + _LENIENT) if lenient else name}()"),)

    return make


_SCHEMES: Final = {
    "api_key.": ("APIKeyHeader", "APIKeyCookie", "APIKeyQuery"),
    "http.": ("HTTPBearer", "HTTPBasic", "HTTPDigest"),
    "oauth2.": ("OAuth2", "OAuth2PasswordBearer", "OAuth2AuthorizationCodeBearer"),
    "open_id_connect_url.": ("OpenIdConnect",),
}

SPECIAL: dict[str, Any] = {
    **{
        f"{_FASTAPI}{place}{kind}": _scheme(place, kind)
        for module, kinds in _SCHEMES.items()
        for kind in kinds
        for place in ("", module)
    },
    **{
        name: _current_user(name)
        for part in ("", "authenticator.")
        for name in [f"{_USERS}FastAPIUsers().{part}{kind}" for kind in ("current_user", "current_user_token")]
    },
}
