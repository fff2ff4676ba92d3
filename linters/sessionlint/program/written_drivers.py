"""The driver that a URL from outside is given: ``url.replace("postgres://", "postgresql+psycopg://")``."""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex
from sessionlint.program import strings
from sessionlint.program.values import UNKNOWN, Text, Value

#: What is put in the place of a scheme, or of another driver.
_PUT_IN: Final = regex(r"(?P<scheme>postgres(?:ql)?)?\+?(?P<driver>asyncpg|psycopg\w*|pg8000)(?P<rest>://)?\Z")


def put_in(args: list[Value]) -> Value:
    """What is known of a URL of which a part is replaced by a driver; nothing where something else is replaced."""
    old, new = strings.whole(args[0]), strings.whole(args[1])
    found = _PUT_IN.match(new) if new is not None else None
    if found is None or old is None:
        return UNKNOWN
    if found["scheme"] is None and _PUT_IN.match(old) is None:
        return UNKNOWN
    return (Text(f"postgresql+{found['driver']}://{strings.HOLE}", True, "replace"),)


__all__ = ["put_in"]
