"""Which calls only say something: to a log, or to work out what to say there."""

from __future__ import annotations

import re
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex

#: What a logger is called.
LOGGER = regex(r"(?:^|[._])log(?:s|ger|ging)?(?:$|[._])|^(?:structlog|loguru)\b", re.I)
#: Functions and methods that do nothing but say something, or work it out.
QUIET = {
    "print", "str", "repr", "type", "len", "isinstance", "format", "getattr", "join", "items", "sleep", "rollback",
    "close", "aclose", "format_exc", "print_exc", "print_exception", "exc_info", "time", "now", "utcnow", "isoformat",
}  # fmt: skip


def only_tells(call: Any) -> bool:
    """Whether a call logs, or works out what to say."""
    callee = call[2]
    name = callee[3] if callee[0] == "a" else callee[2] if callee[0] == "n" else ""
    owner = (ir.dotted(callee[2]) or "") if callee[0] == "a" else ""
    return name in QUIET or bool(LOGGER.search(owner)) or owner.endswith("logger")
