"""Ways to a session that are for reading, and code for which those will not do."""

from __future__ import annotations

import re

from sessionlint.patterns import regex
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Text

_FOR_READING = regex(r"(?:\A|_)(?:read(?:er|ing|s|_?only)?|ro|replicas?)(?:_|\Z)")
_WORDS = regex(r"(?<=[a-z0-9])(?=[A-Z])")
_LOADS = regex(r"\s*(?:explain|select|show|table|values|with)\b", re.I)
#: What begins or ends a transaction is about changes; what is run elsewhere may do anything.
_ABOUT_CHANGES = frozenset({"begin", "begin_nested", "commit", "run_sync"})


def is_for_reading(name: str) -> bool:
    """Whether a way says by its name that nothing is written through it: ``read_session``, ``ReplicaSession``."""
    return bool(_FOR_READING.search(_WORDS.sub("_", name).lower()))


def may_change(function: FunctionInfo) -> bool:
    """Whether a function is seen to change rows or tables, or passes a session to where nobody sees."""
    return any(_changes(event) for event in function.events)


def _changes(event: Event) -> bool:
    if event.kind == "escape" or "change" in (event.kind, event.text):
        return True
    if event.kind == "effect":
        return event.name in ("write", "commit")
    if event.kind == "create":
        return any(a.tag == "method" and a.name == "begin" for a in event.value)
    if event.kind not in ("use", "txn"):
        return False
    texts = [a.text for value in event.args[:1] for a in value if isinstance(a, Text)]
    return "write" in event.flags or event.name in _ABOUT_CHANGES or any(t and not _LOADS.match(t) for t in texts)
