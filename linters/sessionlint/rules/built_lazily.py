"""What is only built where it stands, ``map(get, urls)`` or ``(get(url) for url in urls)``, and called later."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Site
from sessionlint.rules.walking import nodes_below

_LAZY_CALLS = frozenset({"map", "filter", "starmap"})


def is_taken_later(event: Event, opened: Site) -> bool:
    """Whether what an event does happens when something lazy is gone through, after the block that ``opened``."""
    body = event.function.body
    kept = next((s for s in _nodes(body) if _builds(s, event.span)), None)
    if kept is None or opened[0] != event.path:
        return False
    name = kept[2][0][2]
    blocks = [node for node in _nodes(body) if node[0] == "w/"]
    around = next((b for b in blocks if any(_within(opened[1], item[0][1]) for item in b[2])), None)
    if around is None:
        return False
    given_back = [n[2][1] for n in _nodes(body) if n[0] == "R" and n[2] is not None]
    reads = [n[1] for n in _nodes(body) if n[0] == "n" and n[2] == name and n[1] != kept[2][0][1]]
    taking = [span for span in reads if span not in given_back]
    # what another block takes is as open there as here
    others = [b for b in blocks if not _within(kept[1], b[1])]
    return not any(_within(span, b[1]) for span in taking for b in (around, *others))


def _builds(statement: ir.Stmt, span: ir.Span4) -> bool:
    """Whether a statement gives one name something lazy in which the call at ``span`` is."""
    if statement[0] != "=" or len(statement) != 4 or len(statement[2]) != 1 or statement[2][0][0] != "n":
        return False
    value = statement[3]
    if value[0] == "c":
        called = value[2][3] if value[2][0] == "a" else value[2][2] if value[2][0] == "n" else ""
        return bool(value[1] == span and called in _LAZY_CALLS)
    if value[0] != "g" or value[2] != "GeneratorExp":
        return False
    # what a generator expression goes through first is there when it is built
    return _within(span, value[1]) and not _within(span, value[4][0][1][1])


def _nodes(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Expr]:
    return (n for n in nodes_below(body) if len(n) > 2 and type(n[1]) is tuple)


def _within(span: ir.Span4, outer: ir.Span4) -> bool:
    return outer[:2] <= span[:2] and span[2:] <= outer[2:]
