"""Names that a file gives twice: a function defined again, an import that is assigned over. The last one counts."""

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


def assigned(body: tuple[ir.Stmt, ...]) -> dict[str, int]:
    """The names that a module's own statements assign, on every way through it, each with the line of the last one."""
    found: dict[str, int] = {}
    for s in body:
        targets = s[2] if s[0] == "=" else (s[2],) if s[0] == ":" and s[4] is not None else ()
        for target in targets:
            if target[0] == "n":
                found[target[2]] = s[1][0]
    return found


__all__ = ["assigned", "replaced"]
