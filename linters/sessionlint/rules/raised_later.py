"""Errors that an ``except`` clause keeps, and that are raised before the block around it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program.model import Event
from sessionlint.rules.handed_notes import MOST_HOPS, Helper, helper_of
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

_KEEPS = ("append", "add", "extend", "appendleft")


def raised_later(handler: Event, opened: ir.Span4 | None = None) -> bool:
    """Whether what a clause notes down is raised after its ``try``, in the ``with`` block whose item is at ``opened``.

    Without one, anywhere before the function ends.

    That is a ``raise``, an ``if`` that asks for what was noted and ends in one, or a call of what does so.
    """
    around = list(levels(ir.body_of(handler.function.facts), handler.span))
    depth = next((d for d, (_, node) in enumerate(around) if _is_opened_by(node, opened)), None) if opened else -1
    clause = next((c for c in around[-1][1][3] if c[0] == handler.span), None) if around else None
    if depth is None or clause is None or any(n[0] == "R" for n in own_nodes_below(clause[3])):
        return False
    events = handler.function.events
    noted = _noted(clause[3], events)
    inner = around[depth + 1 :]
    if any(n[0] == "J" for n in own_nodes_below(clause[3])):
        # what comes after the ``try`` in its loop is passed over
        loops = [d for d, (_, node) in enumerate(inner) if node[0] in ("L", "W")]
        inner = inner[: loops[-1] + 1] if loops else inner
    for block, node in reversed(inner):
        later = block[block.index(node) + 1 :]
        if _forgets(node, noted, handler.span):
            return False
        for statement in later:
            if _raises(statement, noted, events):
                return True
            if any(n[0] == "R" for n in (statement, *own_nodes_below(statement))):
                return False
    return False


def levels(body: Any, span: ir.Span4) -> Iterator[tuple[Any, Any]]:
    """The blocks around a clause with the statement of each that holds it, from the outermost to its ``try``."""
    node = next((s for s in body if is_within(span, s[1]) and s[0] in ("I", "W", "L", "w/", "T", "M")), None)
    if node is None:
        return
    yield body, node
    if node[0] == "T" and any(c[0] == span for c in node[3]):
        return
    for inner in blocks_of(node):
        yield from levels(inner, span)


def _is_opened_by(node: Any, opened: ir.Span4) -> bool:
    return node[0] == "w/" and any(is_within(opened, item[1]) for item, _ in node[2])


def _noted(body: Any, events: list[Event], hops: int = 0) -> dict[str, bool]:
    """The names that a clause, or what it calls, gives something, and whether it is something true."""
    noted: dict[str, bool] = {}
    for statement in body:
        targets = statement[2] if statement[0] == "=" else (statement[2],) if statement[0] == ":" else ()
        for target in targets:
            name = ir.dotted(target)
            given = statement[3 if statement[0] == "=" else 4]
            if name is not None and given is not None:
                noted[name] = noted[given[2]] if given[0] == "n" and given[2] in noted else not _is_empty(given)
        if statement[0] == "w/":
            noted.update(_noted(statement[3], events, hops))
        if statement[0] == "T" and all(c[3] and c[3][-1][0] == "!" for c in statement[3]):
            # it comes through, or raises
            for block in (statement[2], *statement[4:6]):
                noted.update(_noted(block, events, hops))
        if statement[0] == "I":
            one, other = [_noted(block, events, hops) for block in (statement[3], statement[4])]
            noted.update({name: true for name, true in one.items() if other.get(name) == true})
        if statement[0] == "+=" and (name := ir.dotted(statement[2])) is not None:
            noted[name] = True
        call: Any = statement[2] if statement[0] in ("E", "R") and statement[2] is not None else ("",)
        kept = call[0] == "c" and call[2][0] == "a" and call[2][3] in _KEEPS
        if kept and (name := ir.dotted(call[2][2])) is not None:
            noted[name] = True
        elif statement[0] == "E" and hops < MOST_HOPS and (helper := helper_of(events, statement)) is not None:
            noted.update(helper.outside(_noted(helper.function.body, helper.function.events, hops + 1)))
    return noted


def _is_empty(expr: ir.Expr) -> bool:
    """``None``, ``False``, ``[]``."""
    return not expr[2] if expr[0] in ("k", "t", "l", "d") else False


def _forgets(node: Any, noted: dict[str, bool], clause: ir.Span4) -> bool:
    """Whether a loop starts afresh: the next turn may take back what was noted."""
    if node[0] not in ("L", "W"):
        return False
    assigned = (n for n in own_nodes_below(node) if n[0] in ("=", ":") and not is_within(n[1], clause))
    for statement in assigned:
        targets = statement[2] if statement[0] == "=" else (statement[2],)
        if any(t[0] == "n" and any(n.partition(".")[0] == t[2] for n in noted) for t in targets):
            return True
    return False


def _raises(statement: Any, noted: dict[str, bool], events: list[Event], hops: int = 0) -> bool:
    """Whether a statement ends in a ``raise`` once the names have what the clause gave them."""
    op = statement[0]
    if op == "!":
        return True
    if op == "I":
        settled = outcome(statement[2], noted)
        taken = [statement[3]] if settled else [statement[4]] if settled is False else [statement[3], statement[4]]
        return all(any(_raises(inner, noted, events, hops) for inner in block) for block in taken)
    if op == "E":
        helper = helper_of(events, statement) if hops < MOST_HOPS else None
        return helper is not None and _raises_there(helper, noted, hops + 1)
    return op == "w/" and any(_raises(inner, noted, events, hops) for inner in statement[3])


def _raises_there(helper: Helper, noted: dict[str, bool], hops: int) -> bool:
    """Whether a helper raises what it is handed before it can come back."""
    known = helper.inside(noted)
    for statement in helper.function.body:
        if _raises(statement, known, helper.function.events, hops):
            return True
        if any(n[0] == "R" for n in (statement, *own_nodes_below(statement))):
            return False
    return False


def outcome(test: ir.Expr, noted: dict[str, bool]) -> bool | None:
    """How a test comes out once the clause has run; ``None`` when that cannot be told."""
    op = test[0]
    if op in ("n", "a"):
        return noted.get(ir.dotted(test) or "")
    if op == "u" and test[2] == "not":
        inner = outcome(test[3], noted)
        return None if inner is None else not inner
    if op == "o":
        parts = [outcome(part, noted) for part in test[3]]
        decisive = test[2] == "or"
        return decisive if decisive in parts else None if None in parts else not decisive
    if op == "x" and len(test[4]) == 1:
        return _compared(outcome(test[2], noted), test[3][0], test[4][0])
    if op == "c" and len(test[3]) == 1 and ir.dotted(test[2]) in ("len", "bool", "any"):
        return outcome(test[3][0], noted)
    return None


def _compared(known: bool | None, operator: str, other: ir.Expr) -> bool | None:
    """``error is not None``, ``len(errors) > 0``: what was noted against nothing."""
    if known is None or not (_is_empty(other) or (other[0] == "k" and other[2] is True)):
        return None
    same = operator in ("is", "==")
    if not same and operator not in ("is not", "!=", ">"):
        return None
    alike = known if other[2] is True else not known
    return alike if same else not alike
