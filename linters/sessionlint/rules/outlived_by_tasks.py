"""Tasks of a group that ends later than the ``with`` block of the session they have been given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.values import Handle
from sessionlint.rules.background_work import sessions_in, started_values
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

_OF_GROUPS = ("TaskGroup.create_task", "TaskGroup.start_soon")
#: Nodes at which a function waits, so that its tasks go on.
_WAITS = ("aw", "y", "yf")


class Outlived(NamedTuple):
    """The start of such a task, and the item of the ``with`` that closes its session."""

    start: Event
    item: ir.Span4


def outlived(program: Program) -> Iterator[Outlived]:
    """The starts of tasks by which a session gets into a group around its block, when the block ends without a wait.

    A task whose result is kept may be waited for in the block, and one whose group a caller has as well.
    """
    for event in program.events("concurrent"):
        if event.name not in _OF_GROUPS or "statement" not in event.flags:
            continue
        withs = [n for n in own_nodes_below(event.function.body) if n[0] == "w/" and len(n) == 5]
        around = [n for n in withs if is_within(event.span, n[1])]
        group = _group_block(event, around)
        inside = [n for n in around if group is not None and n is not group and is_within(n[1], group[1])]
        for session in sessions_in(program, started_values(event)) if inside else ():
            item = _item(event, session, inside)
            if item is not None:
                yield Outlived(event, item)
                break


def _group_block(event: Event, around: list[Any]) -> Any:
    """The ``with`` that the task's group is entered by."""
    call = event.expr
    name = ir.dotted(call[2][2]) if call is not None and call[0] == "c" and call[2][0] == "a" else None
    found = [n for n in around if any(t is not None and ir.dotted(t) == name for _, t in n[2])] if name else []
    return found[-1] if found else None


def _item(event: Event, session: Any, inside: list[Any]) -> ir.Span4 | None:
    """The item by which a session is opened in a ``with`` that goes on to its end with nothing to wait for."""
    if not isinstance(session, Handle) or session.site[0] != event.path:
        return None
    for node in inside:
        for item, _ in node[2]:
            if item[1] == session.site[1]:
                return None if _waits(node, event.span) else item[1]
    return None


def _waits(node: Any, start: ir.Span4) -> bool:
    """Whether something behind the start of a task is waited for in a block, or before it in the same loop."""
    nodes = [n for n in own_nodes_below(node[3]) if len(n) > 2 and type(n[1]) is tuple]
    since = min((n[1][:2] for n in nodes if n[0] in ("L", "W") and is_within(start, n[1])), default=start[2:])
    later = (n for n in nodes if n[1][:2] >= since)
    return any(n[0] in _WAITS or (n[0] in ("L", "w/") and n[-1] is True) for n in later)
