"""Queries, conditions and columns of SQLAlchemy: what those who make them give, and what their methods do."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import (
    knowledge,
    labels,
    predicates,
    query_texts,
    row_classes,
    row_locks,
    sending,
)
from sessionlint.program.frame import Frame
from sessionlint.program.values import (
    UNKNOWN,
    Ext,
    Map,
    Value,
)

Keywords = list[tuple[str, Value]]


#: Classes and functions of libraries whose result matters where they make the default of a field.
_MAKERS = frozenset((
    "builtins.dict", "builtins.list", "builtins.set", *knowledge.FACTORY_MAKERS, *knowledge.SESSION_CLASSES,
    *knowledge.RAW_CONNECTIONS,
))  # fmt: skip


def made(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    """What SQLAlchemy's builders of queries, conditions and columns give; ``None`` for all other functions."""
    if name in knowledge.QUERY_MAKERS:
        predicates.selected(frame, name, args)
        row_classes.loaded(frame, args)
        if any(a.tag == "ext" and row_locks.locks_rows(a.name) for value in args for a in value):
            return (Ext(knowledge.LOCKING_QUERY),)
        writing = sending.inside(args)
        if writing:
            return writing
        return (Ext(f"{name}()" if name in knowledge.WRITE_QUERY_MAKERS else
                    "sqlalchemy.insert()" if name.endswith(".insert") else knowledge.QUERY),)  # fmt: skip
    if name in knowledge.PREDICATE_COMBINERS:
        (predicates.joined if name in knowledge.PREDICATE_JOINERS else predicates.consumed)(frame, args)
        return predicates.combined(args)
    if name == "sqlalchemy.case":
        return predicates.chosen_by(frame, args, keywords) or (Ext(f"{name}()"),)
    if name.startswith("sqlalchemy.func."):
        return predicates.combined(args) or predicates.carried(name, args) or (Ext(f"{name}()"),)
    if name in knowledge.COLUMN_WRAPPERS:
        return predicates.combined(args) or predicates.carried(name, args) or (Ext(f"{name}()"),)
    if name in knowledge.OPERATORS:
        return predicates.compared(frame, e, args)
    if name in (
        "sqlalchemy.Column",
        "sqlalchemy.orm.mapped_column",
        "sqlmodel.Field",
        "pydantic.Field",
        "pydantic.PrivateAttr",
        "dataclasses.field",
        "attrs.field",
        "attr.ib",
    ):
        _made_by_default(frame, keywords, e)
        return _column(name, args, keywords)
    if name == "sqlalchemy.ForeignKey":
        return (
            Ext(f"{name}()"),
            Map((("foreign_key_target", args[0] if args else dict(keywords).get("column", UNKNOWN)),)),
        )
    return None


def _made_by_default(frame: Frame, keywords: Keywords, e: ir.Expr) -> None:
    """``field(default_factory=session_factory)``: every instance opens a session of its own."""
    for key, value in keywords:
        for atom in value if key in ("default_factory", "factory") else ():
            if atom.tag == "partial":
                makes = any(a.tag == "fn" for a in atom.function)
            else:
                makes = atom.tag == "fn" or (atom.tag == "ext" and atom.name in _MAKERS)
            if makes or frame.solver.kind_of(atom) == "factory":
                frame.solver.write(("default", frame.site(e[1])), frame.machine.call(frame, atom, [], [], e))


def _column(name: str, args: list[Value], keywords: Keywords) -> Value:
    items = tuple((str(i), v) for i, v in enumerate(args)) + tuple(keywords)
    return (Ext(f"{name}()"), Map(items, False, None))


def method(frame: Frame, receiver: Ext, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``query.where(…)`` and its kin return the query."""
    if name in knowledge.SHOWING_METHODS:
        predicates.shown(frame, [*args, *[v for _, v in keywords]])
    if name in query_texts.METHODS and receiver.name.startswith("sqlalchemy."):
        query_texts.told(frame, name, args, keywords, e)
    if receiver.name.startswith("sqlalchemy.func."):
        if name == "filter":
            predicates.consumed(frame, args)
        return predicates.combined(args)
    if name in knowledge.PREDICATE_METHODS:
        predicates.consumed(frame, args)
        query_texts.taken(frame, e)
        if name == "filter_by":
            filter_by(frame, keywords, e)
    if name in sending.TAKES_CTE and receiver.name.startswith(knowledge.QUERY):
        return sending.inside(args) or (receiver,)
    if name == sending.FROM_STATEMENT and args and sending.writes(args[0]):
        # what is sent is the statement, the query only says what its rows are
        return args[0]
    if name == row_locks.METHOD and receiver.name == knowledge.QUERY:
        return row_locks.made(frame)
    if name == labels.METHOD:
        labels.note(frame, receiver, args)
    if name == "execution_options":
        frame.emit("options", e[1], name=name, keywords=tuple(keywords), expr=e)
    return (receiver,)


def filter_by(frame: Frame, keywords: Keywords, e: ir.Expr) -> None:
    """``filter_by(tenant_id=…)`` compares the columns that its keywords name."""
    spans: dict[str, ir.Span4] = {k: v[1] for k, v in e[4] if k} if e[0] == "c" else {}
    for key, _ in keywords:
        if predicates.tenant_name(frame, key):
            at: ir.Span4 = spans.get(key) or e[1]
            frame.emit("predicate", at, name=key, expr=e)
