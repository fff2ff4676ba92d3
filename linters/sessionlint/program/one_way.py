"""Sessions that one branch opens and closes: where the other branch goes on with one of its own, by the same name.

``if row is None:``, ``with get_session() as session: row = …``, and then ``session.add(row)``: what is done to the
branch's session afterwards is done to a closed one, for on the other way there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import MAYBE, YES, Frame

State = tuple[dict[str, Any], dict[tuple[Any, str], int], bool]


def closed_there(frame: Frame, branch: ir.Stmt, holds: State, fails: State, since: int) -> None:
    """The ways of an ``if`` have come together; ``since`` counts what ``with`` statements had closed before it."""
    for handle in dict.fromkeys(frame.left[since:]):
        key = (handle, "closed")
        if frame.facts.get(key) != MAYBE or handle.tag != "handle" or handle.site[0] != frame.path:
            continue
        for block, state in ((branch[3], holds), (branch[4], fails)):
            if block and _is_in(handle.site[1], block) and state[1].get(key) == YES:
                frame.facts[key] = YES
                frame.one_way[handle] = frozenset(_names(branch[2]))


def doubt(frame: Frame, test: ir.Expr) -> None:
    """Another test of what decided about a branch: it may well come out so that there is no such session."""
    asked = frozenset(_names(test))
    for handle, names in list(frame.one_way.items()):
        if not names.isdisjoint(asked):
            del frame.one_way[handle]
            if frame.know(handle, "closed") == YES:
                frame.facts[(handle, "closed")] = MAYBE


def _is_in(span: ir.Span4, block: tuple[ir.Stmt, ...]) -> bool:
    first, last = block[0][1], block[-1][1]
    return bool(first[:2] <= span[:2] and span[2:] <= last[2:])


def _names(node: Any) -> Iterator[str]:
    if len(node) == 3 and node[0] == "n" and isinstance(node[2], str):
        yield node[2]
        return
    for child in node:
        if type(child) is tuple and child:
            yield from _names(child)
