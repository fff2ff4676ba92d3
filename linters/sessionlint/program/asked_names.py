"""Names that a module gives when it is asked for them, out of a table: ``if name in LAZY: return load(LAZY[name])``.

Its ``__getattr__`` is gone through once more for each name that the table has.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Const, Value, literal

#: So many names of one table are gone through.
_MOST = 60


def give_each(frame: Frame) -> None:
    """Notes what a module's ``__getattr__`` gives for each of the names that it looks up."""
    function = frame.function
    if not function.params:
        return
    asked = function.params[0][0]
    for key in _keys(frame, function.body, asked)[:_MOST]:
        inner = Frame(frame.solver, function, frame.machine)
        inner.depth = frame.depth + 1
        inner.env[asked] = (Const(key, "str"),)
        frame.machine.block(inner, function.body)
        frame.solver.write(("getattr", frame.path, key), inner.returns)


def _keys(frame: Frame, body: tuple[Any, ...], asked: str) -> list[str]:
    """The names in the tables, and lists, in which a function looks for what it is asked for."""
    found: dict[str, None] = {}
    pending: list[Any] = list(body)
    while pending:
        node = pending.pop()
        if type(node) is not tuple or not node:
            continue
        table = _table(node, asked)
        if table is not None:
            found.update(dict.fromkeys(_names_in(frame.evaluate(table))))
        pending.extend(node)
    return sorted(found)


def _table(node: Any, asked: str) -> ir.Expr | None:
    """``table`` of ``name in table``, ``table[name]`` and ``table.get(name)``."""
    table: ir.Expr | None = None
    if len(node) < 4 or type(node[1]) is not tuple:
        return None
    if node[0] == "x" and len(node) == 5 and node[3] in (("in",), ("not in",)) and _is_name(node[2], asked):
        table = node[4][0]
    elif node[0] == "i" and len(node) == 4 and _is_name(node[3], asked):
        table = node[2]
    elif node[0] == "c" and len(node) == 5 and node[2][0] == "a" and node[2][3] == "get" and node[3]:
        table = node[2][2] if _is_name(node[3][0], asked) else None
    return table if table is not None and table[0] in ("n", "a", "d", "t", "l", "e") else None


def _is_name(expr: Any, name: str) -> bool:
    return bool(type(expr) is tuple and len(expr) == 3 and expr[0] == "n" and expr[2] == name)


def _names_in(table: Value) -> list[str]:
    keys: list[Any] = []
    for atom in table:
        if atom.tag == "map":
            keys += [key for key, _ in atom.items]
        elif atom.tag == "seq":
            keys += [literal(item) for item in atom.items]
    return [key for key in keys if isinstance(key, str)]


__all__ = ["give_each"]
