"""Names at the top of a file that stand for what a ``with`` there has entered: it ends with the block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sessionlint.facts import ir
from sessionlint.program.model import ModuleInfo


def entered_names(modules: Iterable[ModuleInfo]) -> frozenset[tuple[str, str, str]]:
    """The cells of names that the top levels of modules bind by ``with … as name`` and in no other way."""
    found: set[tuple[str, str, str]] = set()
    for module in modules:
        entered: set[str] = set()
        others: set[str] = set()
        for kind, name in _bound(module.body.facts[4]):
            (entered if kind == "w/" else others).add(name)
        found.update(("name", module.path, name) for name in entered - others)
    return frozenset(found)


def _bound(statements: Iterable[ir.Stmt]) -> Iterator[tuple[str, str]]:
    """The names that statements and those in their blocks bind by assignment or ``with``, and which of these it is."""
    pending = list(statements)
    while pending:
        s = pending.pop()
        targets: list[ir.Expr] = []
        if s[0] == "w/":
            targets = [target for _, target in s[2] if target is not None]
            pending += s[3]
        elif s[0] == "=":
            targets = list(s[2])
        elif s[0] in (":", "+=", "L"):
            targets = [s[2]]
        if s[0] in ("I", "W"):
            pending += (*s[3], *s[4])
        elif s[0] == "L":
            pending += (*s[4], *s[5])
        elif s[0] == "T":
            pending += (*s[2], *s[4], *s[5])
            pending += [inner for handler in s[3] for inner in handler[3]]
        yield from ((s[0], target[2]) for target in targets if target[0] == "n")
