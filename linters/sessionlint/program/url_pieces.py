"""URLs that the standard library puts together of their parts: ``urlunsplit((scheme, place, path, query, ""))``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import strings
from sessionlint.program.frame import Frame
from sessionlint.program.texts import alternatives, mixed_by, product
from sessionlint.program.values import Ext, Text, Value


def _joining(name: str, between: tuple[str, ...]) -> Any:
    """The function that is given the parts; ``between``: what stands before each of them, but for empty ones."""

    def call(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        parts = args[0][0] if args and len(args[0]) == 1 else None
        if parts is None or parts.tag != "seq" or parts.many or len(parts.items) != len(between):
            return (Ext(f"{name}()"),)
        out = [Text("", False)]
        for before, part in zip(between, parts.items, strict=True):
            if before in ("://", "") or strings.whole(part) != "":
                out = product(product(out, [Text(_mark(before, part), False)]), alternatives(part))
        texts = tuple(mixed_by(out, name.rpartition(".")[2]))
        if any("://" in text.text for text in texts):
            frame.emit("url", e[1], value=texts, expr=e)
        return texts

    return call


def _mark(before: str, part: Value) -> str:
    """What stands before a part: a path may begin with its slash."""
    written = strings.text_of(part)
    return "" if before == "/" and written is not None and written.text.startswith("/") else before


SPECIAL: dict[str, Any] = {
    name: _joining(name, between)
    for name, between in (
        ("urllib.parse.urlunsplit", ("", "://", "/", "?", "#")),
        ("urllib.parse.urlunparse", ("", "://", "/", ";", "?", "#")),
    )
}

__all__ = ["SPECIAL"]
