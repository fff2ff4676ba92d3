"""FastAPI's schemes that read one header, cookie or query parameter: ``APIKeyHeader(name="X-Key")`` is told by it."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value, literal


def _named(scheme: str) -> Any:
    def make(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        name = literal(dict(keywords).get("name", UNKNOWN))
        return (Ext(f"{scheme}[{name.lower()}]()" if isinstance(name, str) else f"{scheme}()"),)

    return make


SPECIAL: dict[str, Any] = {
    scheme: _named(scheme)
    for place in ("", "api_key.")
    for scheme in [f"fastapi.security.{place}APIKey{kind}" for kind in ("Header", "Cookie", "Query")]
}
