"""What the mapped classes of a project have in common: what a query loads does not tell its class.

Kept in cells, each with something in it as soon as one mapped class says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import UNKNOWN, Cls, Fn, Param, Value, const

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import ClassInfo

_ANY: Value = const(True)
#: The cells of the classes that map a column of a name, and of what validates one when it is assigned.
MAPPED_BY, VALIDATED = "mapped by", "validated"
#: Bases that bring no columns.
_BARE = frozenset({
    "sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta", "sqlalchemy.orm.MappedAsDataclass",
    "sqlalchemy.orm.declarative_base()", "sqlalchemy.ext.declarative.declarative_base()", "builtins.object", "abc.ABC",
    "sqlalchemy.orm.registry().generate_base()", "sqlalchemy.ext.asyncio.AsyncAttrs", "sqlmodel.SQLModel",
    "typing.Generic", "typing.Protocol",
})  # fmt: skip
_RELATIONS = frozenset({"sqlalchemy.orm.relationship()", "sqlmodel.Relationship()", "sqlmodel.main.Relationship()"})
#: What a file mentions that makes columns for classes which are not mapped themselves.
_MAKES_COLUMNS = (b"mapped_column", b"Column", b"relationship", b"declared_attr", b"Mapped")
#: What is rows, or gives them.
_ROWS = frozenset({"row", "operation"})
#: Types that instances of a mapped class may have without deriving from them.
_FORMAL = ("typing.", "typing_extensions.", "collections.abc.", "abc.", "numbers.", "sqlalchemy", "sqlmodel")


def note(frame: Frame, info: ClassInfo) -> None:
    """Notes what the rows of a mapped class have: methods, attributes, bases outside the project."""
    solver = frame.solver
    mapped = solver.is_model(info)
    if not mapped and not any(info.module.mentions(word) for word in _MAKES_COLUMNS):
        return
    for cls in solver.mro(info) if mapped else (info,):
        names = [n for n in cls.methods if not n.startswith("__")]
        for name in names if mapped else ():
            solver.write(("row method", name), (Cls(info),))
        for name in (*names, *cls.attributes, *(n for entry in cls.attributes.values() for n in _reflected(entry[3]))):
            solver.write(("row attribute", name), _ANY)
        for name, entry in cls.attributes.items():
            relation = _is_relation(entry[2], entry[3])
            solver.write(("row relation" if relation else "row value", name), _ANY)
            if not relation:
                solver.write(("row mutable" if _is_mutable(entry[3]) else "row fixed", name), _ANY)
        for name in (n for entry in cls.attributes.values() for n in _reflected(entry[3])):
            solver.write(("row relation", name), _ANY)
    if mapped:
        _note_columns(solver, info)
        solver.write(("row attribute", ""), _ANY)
        own = {name for cls in solver.mro(info) for name in cls.attributes}
        if "__tablename__" in own and all(name.startswith("__") for name in own):
            solver.write(("row attribute", "?"), _ANY)  # its columns are read from the database
        for base in solver.external_bases(info):
            solver.write(("row base", base), _ANY)
            if base not in _BARE:
                solver.write(("row attribute", "?"), _ANY)


def _note_columns(solver: Any, info: ClassInfo) -> None:
    for cls in solver.mro(info):
        for name in cls.attributes:
            solver.write((MAPPED_BY, name), (Cls(info),))
        for method, names in cls.called[1]:
            for name in names or ():
                solver.write((VALIDATED, name), (Fn(method),))


def note_attribute(frame: Frame, name: str) -> None:
    """Notes an attribute that a class is given outside its body."""
    frame.solver.write(("row attribute", name), _ANY)


def loaded(frame: Frame, classes: list[Value]) -> None:
    """Notes that rows are loaded whose class lies outside the project."""
    for atom in (a for value in classes for a in value):
        if atom.tag == "ext" and atom.name.rpartition(".")[2][:1].isupper() and not atom.name.startswith(_FORMAL):
            frame.solver.write(("row attribute", "?"), _ANY)


def _reflected(expr: ir.Expr | None) -> list[str]:
    """The attribute that ``relationship(…, backref="items")`` puts on the other class."""
    for keyword, value in expr[4] if expr is not None and expr[0] == "c" else ():
        if keyword == "backref":
            named = value[3][0] if value[0] == "c" and value[3] else value
            return [named[2] if named[0] == "k" and isinstance(named[2], str) else "?"]
    return []


def _is_relation(value: Value, expr: ir.Expr | None) -> bool:
    """Whether an attribute is mapped to other rows, and writes what is done to it."""
    if not any(a.tag == "ext" and a.name in _RELATIONS for a in value) or expr is None or expr[0] != "c":
        return False
    return all(keyword != "viewonly" for keyword, _ in expr[4])


def _is_mutable(expr: ir.Expr | None) -> bool:
    """``mapped_column(MutableDict.as_mutable(JSONB))``: what is changed inside of it is written."""
    if expr is None or expr[0] != "c":
        return False
    for given in (*expr[3], *[value for _, value in expr[4]]):
        if given[0] == "c" and given[2][0] == "a" and given[2][3] == "as_mutable":
            return True
    # SQLModel is handed the column itself
    return any(keyword == "sa_column" and _is_mutable(value) for keyword, value in expr[4])


def write_through(frame: Frame, name: str) -> bool:
    """Whether what is changed inside of an attribute of rows is written: a relationship's, or a mutable column's."""
    read = frame.solver.read
    return relate(frame, name) or (bool(read(("row mutable", name))) and not read(("row fixed", name)))


def relate(frame: Frame, name: str) -> bool:
    """Whether an attribute of a row only ever relates it to others: a change inside a column's list is not written."""
    read = frame.solver.read
    return bool(read(("row relation", name))) and not read(("row value", name))


def have(frame: Frame, name: str) -> bool:
    """Whether an attribute of a row may be one that its class maps; a class out of sight may map anything."""
    read = frame.solver.read
    if read(("row attribute", name)) or read(("row attribute", "?")) or read(("row attribute", "__table__")):
        return True
    return not read(("row attribute", ""))


def rule_out(frame: Frame, classes: Value) -> bool:
    """Whether no row is an instance of one of these classes."""
    return bool(classes) and not any(_may_have_rows(frame, atom) for atom in classes)


def _may_have_rows(frame: Frame, atom: Any) -> bool:
    solver = frame.solver
    if atom.tag == "cls":
        if "typing.Protocol" in solver.external_bases(atom.info):
            return True
        return any(solver.is_model(info) for info in (atom.info, *solver.subclasses(atom.info)))
    if atom.tag != "ext" or "()" in atom.name or atom.name.startswith(_FORMAL) or atom.name == "builtins.object":
        return True
    if atom.name.startswith("pydantic.") and solver.read(("row base", "sqlmodel.SQLModel")):
        return True
    return bool(solver.read(("row base", atom.name)))


def itself(frame: Frame, changed: Value) -> Value:
    """``self`` in a method of a mapped class, or a mixin of one: its callers know whether it is a loaded row."""
    function, solver = frame.function, frame.solver
    info = function.class_info
    if info is None or not function.params or function.name.startswith("__"):
        return UNKNOWN
    if not any(a.tag == "inst" and a.info is info for a in changed):
        return UNKNOWN
    mapped = solver.is_model(info) or any(solver.is_model(below) for below in solver.subclasses(info))
    return (Param(function, function.params[0][0]),) if mapped else UNKNOWN


def kept_in(frame: Frame, info: ClassInfo, value: Value) -> Value:
    """What an attribute of some object of a class says of all others: to which row another one belongs it does not.

    What hangs on a row belongs to the session of that, wherever something was put in its place.
    """
    if not any(a.tag in _ROWS for a in value) or not frame.solver.is_model(info):
        return value
    return tuple(a for a in value if a.tag not in _ROWS)
