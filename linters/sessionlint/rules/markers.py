"""The comments in rule examples that say which finding a line gets: ``# TXN101@9``."""

from __future__ import annotations

import re

from sessionlint.patterns import regex

MARKER = regex(r"[ \t]*#[ \t]*((?:TXN\d{3}@\d+[ \t]*)+)$", re.M)


def without_markers(source: str) -> str:
    """The example as readers see it."""
    return MARKER.sub("", source)
