"""Connection pools that code makes by itself, and hands to an engine: ``create_engine(url, pool=QueuePool(connect))``.

Such a pool is told by the place it is made at: the call there says how many connections it has.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Obj, Value

#: The pools that have bounds, https://docs.sqlalchemy.org/en/20/core/pooling.html
POOLS: Final = frozenset(
    f"{package}.{kind}"
    for package in ("sqlalchemy", "sqlalchemy.pool", "sqlalchemy.pool.impl")
    for kind in ("QueuePool", "AsyncAdaptedQueuePool")
)
#: What their constructors take after the function that connects.
_ORDER: Final = ("creator", "pool_size", "max_overflow")


def _maker(name: str) -> Any:
    def make(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        frame.emit("pool", e[1], name=name, args=tuple(args), keywords=tuple(keywords), expr=e)
        return (Obj(f"{name}()", frame.site(e[1])),)

    return make


def options_of(event: Any) -> dict[str, tuple[Value, ir.Span4]]:
    """What the call that makes a pool says, with where it says so."""
    found = {name: (value, event.span) for name, value in zip(_ORDER, event.args, strict=False)}
    found.update({name: (value, event.span) for name, value in event.keywords})
    expr = event.expr
    if expr is not None and expr[0] == "c" and not any(arg[0] == "*" for arg in expr[3]):
        written = [*zip(_ORDER, expr[3], strict=False), *[(name, given) for name, given in expr[4] if name]]
        found.update({name: (found[name][0], given[1]) for name, given in written if name in found})
    return found


SPECIAL: Final = {name: _maker(name) for name in sorted(POOLS)}

__all__ = ["POOLS", "SPECIAL", "options_of"]
