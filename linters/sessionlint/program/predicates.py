"""Boolean SQL expressions, followed only as far as they compare tenant columns."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import asking_rows, knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Column, Const, Ext, Predicate, Value, literal

#: ``"items"."name"``: a column with its table.
_QUALIFIED = regex(r'(?:(?:\w+|"\w+")\.)*(?:\w+|"\w+")\Z')
_BARE = ("sqlalchemy.column", "sqlalchemy.literal_column")
#: Methods that run on the class, too, to make SQL.
_HYBRIDS = {f"sqlalchemy.ext.hybrid.hybrid_{n}" for n in ("method", "property")}
#: Attributes of tables, subqueries and mappers under which their columns stand by name.
#: What a class body has in the place of its columns.
_MADE = frozenset({"sqlalchemy.orm.mapped_column()", "sqlalchemy.Column()", "sqlmodel.Field()"})
_COLLECTIONS = frozenset({"c", "columns", "all_orm_descriptors"})


def is_hybrid(function: FunctionInfo) -> bool:
    """Whether a method runs on rows and, to make SQL, on their class."""
    return any(a.tag == "ext" and a.name in _HYBRIDS for _, v in function.decorator_values for a in v)


def is_own_column(frame: Frame, owner: str) -> bool:
    """Whether an attribute of ``owner`` is a column of the class whose hybrid runs."""
    function = frame.function
    return bool(function.class_info and function.params and function.params[0][0] == owner and is_hybrid(function))


def tenant_name(frame: Frame, name: str) -> bool:
    """Whether a column, parameter or key of this name is a tenant's."""
    return name in frame.solver.policy.tenant_names


def names_tenant(frame: Frame, value: Value) -> bool:
    """Whether a value is the literal name of a tenant's header, cookie or column: ``"X-Tenant-ID"``."""
    if len(value) != 1 or value[0].tag != "const" or value[0].kind != "str":
        return False
    plain = value[0].value.lower().replace("-", "_").removeprefix("x_")
    return any(plain == name.lower() for name in frame.solver.policy.tenant_names)


def columns_of(value: Value) -> list[Any]:
    """Mapped columns among the atoms."""
    return [a for a in value if a.tag == "column"]


def comparison(frame: Frame, e: ir.Expr, left: Value, rights: list[Value]) -> Value:
    """``Model.column == value``: a predicate when a side is a column."""
    if set(e[3]) <= {"is", "is not", "in", "not in"}:
        return UNKNOWN
    return _compare(frame, e, [(left, e[2]), *zip(rights, e[4], strict=True)])


def compared(frame: Frame, e: ir.Expr, args: list[Value]) -> Value:
    """``operator.eq(column, value)``: as ``column == value``."""
    sides = e[3] if e[0] == "c" and len(e[3]) == len(args) else ((),) * len(args)
    return _compare(frame, e, list(zip(args, sides, strict=True)))


def _compare(frame: Frame, e: ir.Expr, sides: list[tuple[Value, ir.Expr]]) -> Value:
    columns = [_mapped(frame, value) for value, _ in sides]
    found = [c for side in columns for c in side if c.owner is not None]
    written = [expr for _, expr in sides]
    between = bool(found) and all(
        any(c.owner is not None for c in side) or _of_table(expr) or _of_body(frame, value, expr)
        for side, (value, expr) in zip(columns, sides, strict=True)
    )
    names = [(c.name, True) for c in found] or [(c.name, False) for side in columns for c in side]
    if not names:
        plain = [column_name(frame, expr) for expr in written if expr]
        names = [(c, False) for c in plain if c is not None]
    # ``case((Model.column == value, 1), else_=0) == 1`` compares what it is made of
    within = combined([value for value, _ in sides])
    made = predicate(frame, e[1], names, e, ("between columns",) if between else ())
    return combined([within, made]) if within else made


def _mapped(frame: Frame, value: Value) -> list[Any]:
    """Columns among the atoms, and those that calls pass for a parameter."""
    passed = [a for p in value if p.tag == "param" for a in frame.solver.ask("passed_columns", p)]
    return columns_of(value) or passed


def _of_body(frame: Frame, value: Value, expr: ir.Expr) -> bool:
    """A column by the name that it has in the body of its class."""
    named = frame.class_scope is not None and bool(expr) and expr[0] == "n"
    return named and any(a.tag == "ext" and a.name in _MADE for a in value)


def _of_table(expr: ir.Expr) -> bool:
    """``subquery.c.name``: a column, whatever the subquery is."""
    return bool(expr) and expr[0] in ("a", "i") and expr[2][0] == "a" and expr[2][3] in _COLLECTIONS


def carried(name: str, args: list[Value]) -> Value:
    """The columns in the arguments of a function whose result compares like them: ``cast``, ``func.lower``."""
    return tuple(c for a in args for c in columns_of(a)) if name in knowledge.COLUMN_WRAPPERS else UNKNOWN


def tested(frame: Frame, column: Any, name: str, args: list[Value], e: ir.Expr) -> Value:
    """A method of a column: a comparison (``in_``), a condition on what a relationship leads to, or itself."""
    if name not in knowledge.COLUMN_TESTS:
        return combined(args) if name in ("and_", "or_") and args else (column,)
    if name in ("any", "has") and e[0] == "c":
        for key, value in e[4]:
            if key and tenant_name(frame, key):
                frame.emit("predicate", value[1], name=key, expr=e)
    return predicate(frame, e[1], [(column.name, column.owner is not None)], e)


def inspected(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``inspect(Model)``: its columns are the model's; ``inspect(row)`` knows the row's session."""
    if not args:
        return UNKNOWN
    asking_rows.note(frame, args[0])
    return tuple(a for a in args[0] if a.tag == "cls") or (Ext("sqlalchemy.inspect()"),)


def column_name(frame: Frame, side: ir.Expr) -> str | None:
    """The tenant column an expression names on an unknown owner: ``x.name``, ``getattr(x, "name")``."""
    name: Any = None
    if side[0] == "a" and not _instance(frame, side):
        name = side[3]
    elif side[0] == "i" and side[2][0] == "a" and side[2][3] in _COLLECTIONS:
        name = literal(frame.evaluate(side[3]))
    elif side[0] == "c" and side[2][0] == "n" and side[2][2] == "getattr" and len(side[3]) > 1:
        name = literal(frame.evaluate(side[3][1]))
    elif side[0] == "c" and side[3] and any(a.tag == "ext" and a.name in _BARE for a in frame.evaluate(side[2])):
        name = _unqualified(literal(frame.evaluate(side[3][0])))
    return name if isinstance(name, str) and tenant_name(frame, name) else None


def _unqualified(name: Any) -> Any:
    return name.rpartition(".")[2].strip('"') if isinstance(name, str) and _QUALIFIED.match(name) else name


def bare(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``column("tenant_id")``: a tenant's column, whatever the table."""
    name = _unqualified(literal(args[0])) if args else None
    if isinstance(name, str) and tenant_name(frame, name):
        return (Column(None, name),)
    return (Ext("sqlalchemy.column()"),)


def _instance(frame: Frame, side: ir.Expr) -> bool:
    if is_hybrid(frame.function):
        return False
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
            site = frame.site(span)
            entries.append((name, site, proven))
            if (proven and not frame.solver.read(("shown", site))) or frame.solver.read(("condition", site)):
                frame.emit("predicate", span, flags, name=name, expr=e)
    return (Predicate(tuple(entries)),)


def labelled(frame: Frame, compared: Predicate, name: str, args: list[Value]) -> Value:
    """A method of a comparison is the comparison; by its label an outer query may filter by it after all."""
    label = literal(args[0]) if name == "label" and args and compared.columns else None
    if isinstance(label, str):
        frame.solver.write(("labelled", label), (compared,))
    return (compared,)


def chosen_by(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]]) -> Value:
    """``case((condition, value), else_=…)``: it compares what its parts compare, wherever it is put."""
    parts = [*args, *[v for k, v in keywords if k != "value"]]
    # pairs, and lists of pairs as they were written before SQLAlchemy 2
    pairs = [i for v in parts for a in v if a.tag == "seq" for i in a.items]
    return combined([*parts, *pairs, *[i for v in pairs for a in v if a.tag == "seq" for i in a.items]])


def combined(values: list[Value]) -> Value:
    """``and_``, ``or_``, ``&``: the columns of all parts."""
    entries = tuple(dict.fromkeys(c for v in values for a in v if a.tag == "predicate" for c in a.columns))
    if entries or any(a.tag == "predicate" for v in values for a in v):
        return (Predicate(entries),)
    return UNKNOWN


def consumed(frame: Frame, values: list[Value]) -> None:
    """A query takes these as conditions: what was only likely a tenant predicate is one."""
    _note(frame, values, "condition", True)


def joined(frame: Frame, values: list[Value]) -> None:
    """``and_(…)`` shows that these are SQL; whether they filter depends on where the whole is put."""
    _note(frame, values, "condition", False)


def shown(frame: Frame, values: list[Value]) -> None:
    """A query selects, orders or sets these: they choose no rows, unless they are a condition elsewhere, too."""
    _note(frame, values, "shown", True)


def selected(frame: Frame, name: str, args: list[Value]) -> None:
    """The arguments of what makes a query: columns, or (``update``, the old ``select([…], …)``) conditions."""
    columns = args if name in knowledge.COLUMN_TAKERS else []
    if columns and columns[0] and all(a.tag == "seq" for a in columns[0]):
        columns = args[:1]
    shown(frame, columns)
    consumed(frame, args[len(columns) :])


def _note(frame: Frame, values: list[Value], use: str, proven_too: bool) -> None:
    for atom in (a for value in values for a in value):
        if atom.tag == "predicate":
            for _, site, proven in atom.columns:
                if proven_too or not proven:
                    # where it is written, which may be another function or file
                    frame.solver.write((use, site), (Const(True, "bool"),))
        elif atom.tag == "seq":
            _note(frame, list(atom.items), use, proven_too)
        elif atom.tag == "param":
            _note(frame, [_conditions(frame.solver.arguments_of(atom))], use, proven_too)
        elif atom.tag == "pending" and atom.kind == "gen":
            _note(frame, [_conditions(frame.solver.summary_of(atom.info).yields)], use, proven_too)
        elif atom.tag == "fn" and atom.info.name == "<lambda>":
            _note(frame, [_conditions(frame.solver.summary_of(atom.info).returns)], use, proven_too)


def _conditions(value: Value) -> Value:
    return tuple(a for a in value if a.tag in ("predicate", "seq"))
