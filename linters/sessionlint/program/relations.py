"""Collections of related rows and mutable columns: ``order.lines.append(line)`` changes a row as an assignment does."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import row_classes
from sessionlint.program.frame import Frame
from sessionlint.program.row_changes import change, row_above
from sessionlint.program.values import Value, join

#: What a collection is changed by, where it stands.
CHANGES = frozenset({
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault",
    "sqlmodel_update", "update",
})  # fmt: skip
#: What SQLModel gives its rows to take over the fields of a dictionary or schema.
_TAKES_OVER = "sqlmodel_update"


def changed(frame: Frame, e: ir.Expr, callees: Value) -> None:
    """A method of :data:`CHANGES` is called on an attribute of something that may be a row."""
    collection = e[2][2]
    if e[2][3] == _TAKES_OVER:
        if all(callee.tag == "ext" for callee in callees):
            rows = frame.lookup(collection[2]) if collection[0] == "n" else row_above(frame, collection)
            change(frame, rows, e[1], e)
        return
    if collection[0] != "a" or any(callee.tag != "ext" for callee in callees):
        return
    _inside(frame, collection, e[1], e)


def entry_changed(frame: Frame, target: ir.Expr) -> None:
    """``order.lines[0] = line``, ``del order.lines[0]``."""
    if target[2][0] == "a":
        _inside(frame, target[2], target[1], target)


def _inside(frame: Frame, collection: ir.Expr, span: ir.Span4, e: ir.Expr) -> None:
    if row_classes.write_through(frame, collection[3]):
        owner = collection[2]
        holder = frame.lookup(owner[2]) if owner[0] == "n" else row_above(frame, collection)
        rows = holder if owner[0] != "a" else join(holder, row_above(frame, owner))
        change(frame, rows, span, e, collection[3])
