"""Names that the server itself has quoted: ``SELECT quote_ident(:name)``."""

from __future__ import annotations

import re
from typing import Final

from sessionlint.patterns import regex
from sessionlint.program import knowledge, strings
from sessionlint.program.values import UNKNOWN, Ext, Value

#: What asks for one value, or for a result that gives it.
ASKS: Final = frozenset({"scalar", "execute", "fetchval"})
_QUOTES: Final = regex(
    r"\s*select\s+(?:pg_catalog\.)?(?:quote_(?:ident|literal|nullable)\s*\("
    r"|format\s*\(\s*'[^'%]*(?:%[IL][^'%]*)+'\s*,)[^()]*\)(?:\s+as\s+\w+)?\s*;?\s*",
    re.I,
)


def asked(name: str, args: list[Value]) -> Value:
    """What a statement gives that has the server quote something; nothing for others."""
    texts = strings.texts_of(args[0]) if args else ()
    if not texts or not all("(" in t.text and not t.dynamic and _QUOTES.fullmatch(t.text) for t in texts):
        return UNKNOWN
    return (Ext(knowledge.QUOTING if name == "execute" else f"{knowledge.QUOTING}.scalar()"),)


__all__ = ["ASKS", "asked"]
