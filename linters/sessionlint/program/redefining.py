"""Functions that a file defines twice: the name means the last one, also to all who import it."""

from __future__ import annotations

from sessionlint.facts import ir

_NONE: frozenset[ir.Span4] = frozenset()


def replaced(body: tuple[ir.Stmt, ...]) -> frozenset[ir.Span4]:
    """The functions of a module's own statements whose names are those of later ones, by their spans."""
    functions = [s[2] for s in body if s[0] == "F"]
    last = {facts[0]: facts[1] for facts in functions}
    if len(last) == len(functions):
        return _NONE
    return frozenset([facts[1] for facts in functions if facts[1] != last[facts[0]]])


__all__ = ["replaced"]
