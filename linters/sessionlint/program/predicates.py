"""Boolean SQL expressions, followed only as far as they compare tenant columns."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Predicate, Value, literal

_BARE = ("sqlalchemy.column", "sqlalchemy.literal_column")


def tenant_name(frame: Frame, name: str) -> bool:
    """Whether a column, parameter or key of this name is a tenant's."""
    return name in frame.solver.policy.tenant_names


def columns_of(value: Value) -> list[Any]:
    """Mapped columns among the atoms."""
    return [a for a in value if a.tag == "column"]


def comparison(frame: Frame, e: ir.Expr, left: Value, rights: list[Value]) -> Value:
    """``Model.column == value``: a predicate when a side is a column."""
    if set(e[3]) <= {"is", "is not", "in", "not in"}:
        return UNKNOWN
    found = [a for v in (left, *rights) for a in columns_of(v)]
    names = [(a.name, a.owner is not None) for a in found]
    if not names:
        columns = [column_name(frame, side) for side in (e[2], *e[4])]
        names = [(c, False) for c in columns if c is not None]
    between = all(columns_of(v) for v in (left, *rights))
    return predicate(frame, e[1], names, e, ("between columns",) if between else ())


def column_name(frame: Frame, side: ir.Expr) -> str | None:
    """The tenant column an expression names on an unknown owner: ``x.name``, ``getattr(x, "name")``."""
    name: Any = None
    if side[0] == "a" and not _instance(frame, side):
        name = side[3]
    elif side[0] == "i" and side[2][0] == "a" and side[2][3] in ("c", "columns") and side[3][0] == "k":
        name = side[3][2]
    elif side[0] == "c" and side[2][0] == "n" and side[2][2] == "getattr" and len(side[3]) > 1:
        name = literal(frame.evaluate(side[3][1]))
    elif side[0] == "c" and side[3] and any(a.tag == "ext" and a.name in _BARE for a in frame.evaluate(side[2])):
        name = literal(frame.evaluate(side[3][0]))
    return name if isinstance(name, str) and tenant_name(frame, name) else None


def _instance(frame: Frame, side: ir.Expr) -> bool:
    return any(a.tag in ("inst", "const", "mod") for a in frame.evaluate(side[2]))


def predicate(
    frame: Frame, span: ir.Span4, names: list[tuple[str, bool]], e: ir.Expr | None, flags: tuple[str, ...] = ()
) -> Value:
    """The value of a comparison of the named columns (name, proven to be a mapped column)."""
    if not names:
        return UNKNOWN
    entries = []
    for name, proven in names:
        if tenant_name(frame, name):
            entries.append((name, frame.site(span), proven))
            if proven:
                frame.emit("predicate", span, flags, name=name, expr=e)
    return (Predicate(tuple(entries)),)


def combined(values: list[Value]) -> Value:
    """``and_``, ``or_``, ``&``: the columns of all parts."""
    entries = tuple(dict.fromkeys(c for v in values for a in v if a.tag == "predicate" for c in a.columns))
    if entries or any(a.tag == "predicate" for v in values for a in v):
        return (Predicate(entries),)
    return UNKNOWN


def consumed(frame: Frame, values: list[Value]) -> None:
    """A query takes these as conditions: what was only likely a tenant predicate is one."""
    for value in values:
        for atom in value:
            if atom.tag == "predicate":
                for name, site, proven in atom.columns:
                    if not proven and site[0] == frame.path:
                        frame.emit("predicate", site[1], name=name)
            elif atom.tag == "seq":
                consumed(frame, list(atom.items))
            elif atom.tag == "fn" and atom.info.name == "<lambda>":
                consumed(frame, [tuple(a for a in frame.solver.summary_of(atom.info).returns if a.tag == "predicate")])
