"""Names that the mapped classes of the source have: of their tables and columns, however they are come by.

``Model.__table__.columns``, ``inspect(Model).column_attrs`` and ``Base.metadata.tables`` list what is written in the
source as well as ``Model.__tablename__`` is. What a database is asked for (``get_columns()``, ``reflect()``) is not.
"""

from __future__ import annotations

import re
from typing import Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import ABSENT, UNKNOWN, UNKNOWN_KEYWORDS, Ext, Seq, Value

_NAME: Final[Value] = (Ext("sqlalchemy.table_name()"),)
_TABLE: Final[Value] = (Ext(knowledge.MAPPED_TABLE),)
_COLUMN: Final[Value] = (Ext(knowledge.MAPPED_COLUMN),)
#: What is made with the name of a column first.
_NAMING: Final = frozenset({
    "sqlalchemy.Column()", "sqlalchemy.orm.mapped_column()", "sqlalchemy.orm.synonym()", "sqlalchemy.orm.deferred()",
})  # fmt: skip
_SYNONYM: Final = "sqlalchemy.orm.synonym()"
#: A synonym of a synonym is rare, one of itself a mistake.
_MOST_SYNONYMS: Final = 4
#: ``inspect(Model).primary_key``
PRIMARY_KEY: Final[Value] = (Ext(f"{knowledge.MAPPED_TABLE}.primary_key"),)
_NAMES: Final = (*_NAME, *_COLUMN)
#: What lists columns or their names, and does nothing when it is gone through.
_LISTS: Final = frozenset({"seq", "ext", "cls", "column"})
_MAPPER: Final = "sqlalchemy.inspect()"
#: A table of Core that is written out, or declared to be one; what else is made with a name is :data:`_UNWRITTEN`.
_CORE: Final = "sqlalchemy.Table()"
_UNWRITTEN: Final[Value] = (Ext("sqlalchemy.TableClause()"),)
_TABLES: Final[Value] = (Seq((_TABLE,), True),)
_BY_NAME: Final = f"{knowledge.MAPPED_TABLE}.by_name"
#: Attributes that :func:`attribute` knows something of.
ATTRIBUTES: Final = frozenset({"__tablename__", "__table__", "__mapper__", "sorted_tables", "tables"})
#: What such paths begin with.
ROOTS: Final = (knowledge.MAPPED_TABLE, _MAPPER, _CORE)
_PARTS: Final = r"(?:\.(?:mapper|local_table|mapped_table|persist_selectable)|\[\])*"
_ROOT: Final = rf"(?:{re.escape(knowledge.MAPPED_TABLE)}|{re.escape(_MAPPER)}|{re.escape(_CORE)}){_PARTS}"
_LISTED: Final = regex(rf"{_ROOT}\.(?:c|columns|attrs|column_attrs|primary_key(?:\.columns)?)(?:\.(\w+)\(\))?")
_NAMED: Final = regex(
    # a subscript of SQLAlchemy's may leave no mark
    rf"{_ROOT}(?:\.(?:columns|primary_key|c|attrs|column_attrs)(?:\[\]|\.\w+)?)*\.(?:name|fullname|key|schema|description)"
)


def core_table(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``Table("items", metadata, …)``: its names are the source's, unless the database is asked for them."""
    named = args[0] if args else dict(keywords).get("name", UNKNOWN)
    written = len(named) == 1 and named[0].tag in ("const", "text") and not getattr(named[0], "dynamic", False)
    asked = any(key == UNKNOWN_KEYWORDS or key.startswith("autoload") for key, _ in keywords)
    return (Ext(_CORE),) if written and not asked else _UNWRITTEN


def attribute(frame: Frame, found: Value, name: str, e: ir.Expr) -> Value:
    """``x.__table__``, ``x.metadata.sorted_tables`` and their like, where no more is known than their names say."""
    if name == "__tablename__":
        return found if any(a.tag == "const" for a in found) else _NAME
    if any(a.tag != "ext" for a in found):
        return found
    if name == "__table__":
        return _TABLE
    if name == "__mapper__":
        return (Ext(_MAPPER),)
    if frame.module.mentions(b"reflect") or (name == "tables" and not _is_metadata(frame, e[2])):
        return found
    return _TABLES if name == "sorted_tables" else (Ext(_BY_NAME),)


def _is_metadata(frame: Frame, owner: ir.Expr) -> bool:
    """``Base.metadata`` of a mapped class."""
    if owner[0] != "a" or owner[3] != "metadata":
        return False
    return any(a.tag == "cls" and frame.solver.is_model(a.info) for a in frame.evaluate(owner[2]))


def elements(path: str) -> Value:
    """What going through a list of columns, or through ``metadata.tables``, gives."""
    if path.startswith(_BY_NAME):
        return listing(path[len(_BY_NAME) + 1 : -2], _TABLE)
    found = _LISTED.fullmatch(path)
    return listing(found[1] or "values", _COLUMN) if found else UNKNOWN


def listing(method: str, each: Value = _COLUMN) -> Value:
    """What ``keys()``, ``values()`` and ``items()`` of a collection of columns go through."""
    if method in ("", "keys"):
        return _NAME
    if method == "items":
        return (Seq((_NAME, each)),)
    return each if method in ("values", "all") else UNKNOWN


def is_name(path: str) -> bool:
    """Whether an external value is the name of a table or column that the source maps."""
    # not ``inspect(row).key``, which holds the values of its primary key
    of_row = path.startswith(_MAPPER) and path.count(".") == _MAPPER.count(".") + 1
    return not of_row and _NAMED.fullmatch(path) is not None


def are_columns(frame: Frame, holder: ir.Expr) -> bool:
    """Whether what a name is looked for in are the columns of a mapped class, or their names."""
    if holder[0] == "c" and not _only_lists(holder[2]):
        return False
    if holder[0] not in ("a", "n") and not (holder[0] in ("c", "g") and frame.module.mentions(b"column")):
        return False
    # what it does has been told where the test was evaluated
    told = len(frame.events)
    held = frame.evaluate(holder)
    each = frame.machine.element(frame, held, holder[1]) if all(a.tag in _LISTS for a in held) else UNKNOWN
    del frame.events[told:]
    return bool(each) and all(a in _NAMES or (a.tag == "ext" and is_name(a.name)) for a in each)


def _only_lists(called: ir.Expr) -> bool:
    """``columns.keys()``, ``set(names)``."""
    if called[0] == "a":
        return bool(called[3] == "keys")
    return called[0] == "n" and called[2] in ("set", "frozenset", "list", "tuple", "sorted")


def is_handle(frame: Frame, info: ClassInfo, name: str) -> bool:
    """Whether an attribute of a mapped class is no column, but a session or registry: declared as one, or put there."""
    for cls in frame.solver.mro(info):
        entry = cls.attributes.get(name)
        if entry is not None and not _is_empty(entry[2]):
            return any(a.tag == "handle" for a in entry[2])
        if entry is not None and entry[1]:
            return any(a.tag == "ext" and a.name in knowledge.HANDLE_TYPES for a in entry[1])
    return any(a.tag == "handle" for cls in frame.solver.mro(info) for a in frame.solver.read(("attr", cls, name)))


def column_name(frame: Frame, info: ClassInfo, name: str) -> str:
    """The tenant's column that an attribute of a mapped class stands for: ``area = mapped_column("tenant_id")``."""
    tenants = frame.solver.policy.tenant_names
    at = name
    for _ in range(_MOST_SYNONYMS):
        if at in tenants:
            return at
        named, is_synonym = _named(frame, info, at)
        if named in tenants:
            return named
        if not is_synonym:
            break
        at = named
    return name


def _named(frame: Frame, info: ClassInfo, name: str) -> tuple[str, bool]:
    """The name that an attribute is declared with, ``""`` for none, and whether that is of another attribute."""
    for cls in frame.solver.mro(info):
        entry = cls.attributes.get(name)
        if entry is not None:
            written = entry[3]
            first = written[3][0] if written is not None and written[0] == "c" and written[3] else ("", (), None)
            makers = {a.name for a in entry[2] if a.tag == "ext"} & _NAMING
            known = first[0] == "k" and isinstance(first[2], str) and bool(makers)
            return (str(first[2]), _SYNONYM in makers) if known else ("", False)
    return "", False


def _is_empty(default: Value) -> bool:
    """Nothing, or ``None``."""
    return not default or default == (ABSENT,)
