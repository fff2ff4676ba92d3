"""Task groups: which ``with`` block waits for what a group was given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event
    from sessionlint.program.values import Site

#: How a group is given a task.
GROUPED: Final = ("TaskGroup.create_task", "TaskGroup.start_soon")


def group_of(event: Event) -> Any:
    """The ``with`` block of the task group, or the name it goes by."""
    block = _block_of(event)
    return block[0][1] if block is not None else _name_of(event)


def waits_behind(event: Event, opened: Site) -> bool:
    """Whether a group runs what stands here whose block was entered before the transaction, and waits behind it."""
    path, span = opened
    if path != event.path:
        return False
    events = event.function.events
    groups = (e for e in events if e.kind == "concurrent" and e.name in GROUPED and event.span != e.span)
    started = next((e for e in groups if is_within(event.span, e.span)), None)
    # what is kept may be awaited inside
    block = _block_of(started) if started is not None and "statement" in started.flags else None
    return block is not None and bool(block[1][:2] < span[:2])


def _block_of(event: Event) -> tuple[ir.Stmt, ir.Span4] | None:
    """The innermost block of the group around a call of it, and where the group stands in its head."""
    name = _name_of(event)
    found = [
        (s, item[1])
        for s in _withs(event.function.body)
        if s[1][:2] <= event.span[:2] and event.span[2:] <= s[1][2:]
        for item, target in s[2]
        if target is not None and ir.dotted(target) == name
    ]
    return max(found, key=lambda entry: entry[0][1], default=None)


def _name_of(event: Event) -> str | None:
    receiver = event.expr[2][2] if event.expr is not None and event.expr[0] == "c" and event.expr[2][0] == "a" else None
    return ir.dotted(receiver) if receiver is not None else None


def _withs(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple:
            if child and child[0] == "w/":
                yield child
            yield from _withs(child)


__all__ = ["GROUPED", "group_of", "waits_behind"]
