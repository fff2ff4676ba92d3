"""TXN701: an id column, or a foreign key to one, that is not a PostgreSQL UUID."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.strings import texts_of
from sessionlint.program.values import Value, literal
from sessionlint.report import Finding
from sessionlint.rules.annotation_maps import mapped_type
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.identifiers import column_types
from sessionlint.rules.key_constraints import beside, constrained_in

META = Rule(
    code="TXN701",
    name="id-not-uuid",
    summary="A model's id, or a foreign key to one, is not a PostgreSQL UUID column.",
    rationale=(
        "A string column takes any text as an id and compares with a UUID only through a cast: asyncpg refuses a UUID "
        "bound to a VARCHAR parameter and a string bound to a UUID one, so lookups fail at run time, joins "
        "between both "
        "kinds lose their index, and malformed ids are stored without complaint."
    ),
    remedy=(
        "`mapped_column(PGUUID(as_uuid=True), primary_key=True, default=uuid.uuid4)`; foreign keys of the same type."
    ),
    not_flagged=(
        "UUID columns in every spelling, custom column types that choose by database, natural keys with other names "
        "(`code`), columns "
        "that are neither `id` nor a foreign key to one, schemas and responses. Migrations and tests."
    ),
    presets=("scrapersky",),
)

BAD = [
    Bad(
        source="""
import uuid
from typing import Annotated, Optional

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, declared_attr, mapped_column
from sqlmodel import Field, SQLModel

Base = declarative_base()
number = Annotated[int, mapped_column(primary_key=True)]


class Job(Base):
    __tablename__ = "jobs"

    id = Column(Integer, primary_key=True)  # TXN701@5
    owner_id = Column(String(36), ForeignKey("users.id"))  # TXN701@5
    created_by = Column("created_by", sa.Text, sa.ForeignKey("users.id"), nullable=True)  # TXN701@5


class Counter(Base):
    __table__ = Table("counters", Base.metadata, Column("id", Integer, primary_key=True))  # TXN701@50


class Stamped:
    id = sa.Column(sa.String(36), primary_key=True, default=lambda: str(uuid.uuid4()))  # TXN701@5


class Modern(DeclarativeBase):
    pass


class Page(Modern):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)  # TXN701@5
    job_id: Mapped[Optional[str]] = mapped_column(ForeignKey("jobs.id"))  # TXN701@5
    parent_id: Mapped["int | None"] = mapped_column(BigInteger, ForeignKey(Job.id))  # TXN701@5


class Named:
    @declared_attr
    def id(cls) -> Mapped[str]:  # TXN701@5
        return mapped_column(Text, primary_key=True)


class Owner(Named, Modern):
    __tablename__ = "owners"

    parent_id: Mapped[str] = mapped_column(Text, ForeignKey("owners.id"))  # TXN701@5


class Owned(Modern):
    __tablename__ = "owned"

    owner_id: Mapped[str] = mapped_column(Text, ForeignKey(Owner.id))  # TXN701@5


class Link(Modern):
    __tablename__ = "links"

    id: Mapped[number]  # TXN701@5


class Place(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)  # TXN701@5
    job_id: str = Field(foreign_key="jobs.id", index=True)  # TXN701@5


members = Table(
    "members",
    Base.metadata,
    Column("id", Integer, primary_key=True),  # TXN701@5
    Column("user_id", Text, ForeignKey("users.id")),  # TXN701@5
)
""",
        path="app/models/job.py",
    ),
    Bad(
        source="""
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import CHAR, TypeDecorator


class Text36(TypeDecorator):
    impl = CHAR(36)
    cache_ok = True


class Named(DeclarativeBase):
    id: Mapped[str] = mapped_column(Text36, primary_key=True)  # TXN701@5


class Numbered:
    @declared_attr
    def id(cls) -> Mapped[int]:  # TXN701@5
        return mapped_column(primary_key=True)
""",
        path="app/models/numbered.py",
    ),
    Bad(
        source="""
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Stored(DeclarativeBase):
    type_annotation_map = {int: BigInteger, UUID: String(32)}


class Boat(Stored):
    __tablename__ = "boats"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # TXN701@5
    towed_by: Mapped[UUID | None] = mapped_column(ForeignKey("boats.id"))  # TXN701@5
    number: Mapped[int]
""",
        path="app/models/boats.py",
    ),
    Bad(
        source="""
from typing import Annotated
from uuid import UUID

from sqlalchemy import String, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

tag = Annotated[str, 32]
mark = Annotated[UUID, "mark"]
texts = registry(type_annotation_map={UUID: String(32)})
plain = registry(type_annotation_map={UUID: Uuid})


class Stored(DeclarativeBase):
    registry = texts


class Native(DeclarativeBase):
    registry = plain


class Own(DeclarativeBase):
    registry = registry(type_annotation_map={UUID: String(32), tag: String(32)})


class Barrel(Stored):
    __tablename__ = "barrels"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # TXN701@5


class Cask(Native):
    __tablename__ = "casks"

    id: Mapped[UUID] = mapped_column(primary_key=True)


class Keg(Own):
    __tablename__ = "kegs"

    id: Mapped[tag] = mapped_column(primary_key=True)  # TXN701@5


class Vat(Own):
    __tablename__ = "vats"

    id: Mapped[mark] = mapped_column(primary_key=True)  # TXN701@5
""",
        path="app/models/barrels.py",
    ),
    Bad(
        """
from sqlalchemy import Column, Integer, String, Uuid

from app.models.item import Base


class Key(Integer):
    cache_ok = True


class Own(Uuid):
    cache_ok = True


class Spelled(String):
    def get_col_spec(self, **options):
        return "UUID"


class First(Base):
    __tablename__ = "firsts"
    id = Column(Key, primary_key=True)  # TXN701@5


class Second(Base):
    __tablename__ = "seconds"
    id = Column(Own, primary_key=True)


class Third(Base):
    __tablename__ = "thirds"
    id = Column(Spelled(), primary_key=True)
""",
        path="app/models/keys.py",
    ),
    Bad(
        source="""
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData()
depots = Table("depots", metadata, Column("id", UUID(as_uuid=True), primary_key=True), Column("code", Text))
trucks = Table("trucks", metadata, Column("depot_id", String(36), ForeignKey(depots.c.id)))  # TXN701@36
vans = Table("vans", metadata, Column("depot_id", Integer, ForeignKey(column=depots.columns.id)))  # TXN701@32
carts = Table("carts", metadata, Column("depot_id", UUID(as_uuid=True), ForeignKey(depots.c.id)))
boats = Table("boats", metadata, Column("depot_code", Text, ForeignKey(depots.c.code)))
trams = Table("trams", metadata, Column("depot_id", ForeignKey(depots.c.id)))
""",
        path="app/models/depots.py",
    ),
]

GOOD = [
    Good(
        source="""
import uuid
from typing import Optional
from uuid import UUID

import sqlalchemy
from pydantic import BaseModel
from sqlalchemy import Column, ForeignKey, Integer, String, Table, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import CHAR, TypeDecorator
from sqlmodel import Field, SQLModel


class Base(DeclarativeBase):
    pass


class GUID(TypeDecorator):
    impl = CHAR

    def load_dialect_impl(self, dialect):
        return dialect.type_descriptor(PGUUID() if dialect.name == "postgresql" else CHAR(32))


class Native(TypeDecorator):
    impl = PGUUID


class Country(Base):
    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)


class Job(Base):
    __tablename__ = "jobs"

    id = Column(PGUUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    country = Column(String(2), ForeignKey("countries.code"))
    external_id = Column(String(64))
    position = Column(Integer)
    other_id = Column(postgresql.UUID, ForeignKey("jobs.id"))
    third_id = Column(Uuid, ForeignKey("jobs.id"))
    fourth_id = Column(sqlalchemy.UUID(as_uuid=False), ForeignKey("jobs.id"))
    custom_id = Column(GUID(), ForeignKey("jobs.id"))
    fifth_id = Column(Native, ForeignKey("jobs.id"))
    untyped_id = Column(ForeignKey("jobs.id"))


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    job_id: Mapped[Optional[uuid.UUID]] = mapped_column(ForeignKey("jobs.id"))


class Place(SQLModel, table=True):
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    job_id: uuid.UUID | None = Field(default=None, foreign_key="jobs.id")


class Out(BaseModel):
    id: int
    job_id: str = Field(description="jobs.id")


members = Table("members", Base.metadata, Column("user_id", PGUUID, ForeignKey("users.id")), Column("count", Integer))
columns = Table("facts", Base.metadata, Column("id", String))
""",
        path="app/models/job.py",
    ),
    Good(
        source="""
import sqlalchemy as sa
from alembic import op


def upgrade():
    op.create_table("jobs", sa.Column("id", sa.Integer(), primary_key=True))
""",
        path="migrations/versions/0001_jobs.py",
    ),
    Good(
        source="""
import uuid

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Stored(DeclarativeBase):
    type_annotation_map = {str: String(32), uuid.UUID: Uuid}


class Boat(Stored):
    __tablename__ = "boats"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Texts(DeclarativeBase):
    type_annotation_map = {uuid.UUID: String(36)}


class Berth(Texts):
    __tablename__ = "berths"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    boat_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("boats.id"))
""",
        path="app/models/boats.py",
    ),
    Good(
        source="""
from typing import Annotated

from sqlalchemy import String
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

native = Annotated[str, "native"]


class Stored(DeclarativeBase):
    type_annotation_map = {str: String(64), native: UUID(as_uuid=False)}


class Written(DeclarativeBase):
    type_annotation_map = {str: String(64), Annotated[str, "native"]: UUID(as_uuid=False)}


class Barrel(Stored):
    __tablename__ = "barrels"

    id: Mapped[native] = mapped_column(primary_key=True)


class Cask(Written):
    __tablename__ = "casks"

    id: Mapped[native] = mapped_column(primary_key=True)
""",
        path="app/models/barrels.py",
    ),
]

#: What ``ForeignKey(accounts.c.id)`` is given.
_IDS_OF_TABLES = frozenset({
    f"{table}.{columns}.id" for table in ("sqlalchemy.Table()", knowledge.MAPPED_TABLE) for columns in ("c", "columns")
})  # fmt: skip
_COLUMNS = ("sqlalchemy.Column()", "sqlalchemy.orm.mapped_column()", "sqlmodel.Field()")


class _Declared(NamedTuple):
    """A column as declared: positional and keyword arguments, and the annotation."""

    positional: list[Value]
    named: dict[str, Value]
    annotation: Value
    is_field: bool
    in_class: bool = True
    mapped: Value = ()


def check(program: Program) -> Iterator[Finding]:
    """Columns of classes, then columns of tables."""
    for info in program.classes:
        if program.policy.layer_of(info.path) in ("test", "migration"):
            continue
        constrained = constrained_in(program, info.path, info.span)
        for name, (span, annotation, default, _) in info.attributes.items():
            declared = _declared(program, info, annotation, default)
            message = (
                _problem(program, name, declared, constrained.get(_column_name(name, declared))) if declared else None
            )
            if message:
                yield program.finding(META, (info.defined_in, span), message)
        for method in info.methods.values():
            annotation = method.param_values.get("return", ((), ()))[0]
            returned = method.summary.returns
            declared = _declared(program, info, annotation, returned) if _is_declared_attr(method) else None
            message = _problem(program, method.name, declared) if declared else None
            if message:
                yield program.finding(META, (method, method.header), message)
    for event in program.events("external"):
        if event.name == "sqlalchemy.Column" and program.policy.layer_of(event.path) not in ("test", "migration"):
            message = _table_column(program, event)
            if message:
                yield program.finding(META, event, message)


def _is_declared_attr(method: FunctionInfo) -> bool:
    """A column that a mixin declares in a method."""
    values = [a for _, value in method.decorator_values for a in value]
    return any(a.tag == "ext" and "declared_attr" in a.name for a in values)


def _declared(program: Program, info: ClassInfo, annotation: Value, default: Value) -> _Declared | None:
    marks = [*default, *(m for m in _metadata(annotation))]
    made = next((a.name for a in marks if a.tag == "ext" and a.name in _COLUMNS), None)
    mapped = any(a.tag == "ext" and a.name == "sqlalchemy.orm.Mapped" for a in annotation)
    if made is None and not (mapped and program.solver.is_model(info)):
        return None
    positional: list[Value] = []
    named: dict[str, Value] = {}
    for atom in marks:
        if atom.tag == "map":
            positional += [v for k, v in atom.items if str(k).isdigit()]
            named.update({k: v for k, v in atom.items if not str(k).isdigit()})
    for atom in named.get("sa_column", ()):
        if atom.tag == "map":
            positional += [v for k, v in atom.items if str(k).isdigit()]
            named.update({k: v for k, v in atom.items if not str(k).isdigit()})
    is_field = made == "sqlmodel.Field()"
    annotation = tuple(a for a in annotation if a.tag != "ext" or not mapped)
    by_map = mapped_type(program, info, annotation) if mapped else ()
    return _Declared(positional, named, annotation, is_field, mapped=by_map)


def _metadata(annotation: Value) -> Iterator[Any]:
    for atom in annotation:
        if atom.tag == "annotated":
            yield from atom.metadata
        elif atom.tag == "seq":
            for item in atom.items:
                yield from _metadata(item)


def _column_name(name: str, declared: _Declared) -> str:
    """The name that a column has in its table."""
    written = texts_of(declared.positional[0]) if declared.positional else ()
    return written[0].text if written and not written[0].dynamic else name


def _problem(program: Program, name: str, declared: _Declared, constrained: str | None = None) -> str | None:
    """``constrained`` is what a constraint of the table has the column point at."""
    target = _target(declared) or (constrained if constrained and constrained.endswith(".id") else None)
    primary = literal(declared.named.get("primary_key", ())) is True
    is_id = "id" in (name, _column_name(name, declared)) and (primary or (declared.in_class and not declared.is_field))
    if not is_id and target is None:
        return None
    kinds = _kinds(declared) or (_of_target(program, target) if target else [])
    if not kinds or any(kind != "other" for kind, _ in kinds):
        return None
    what = f"The foreign key {name!r} to {target}" if target else f"The primary key {name!r}"
    return f"{what} is {kinds[0][1]}, not a PostgreSQL UUID. Declare it PGUUID(as_uuid=True)."


def _kinds(declared: _Declared) -> list[tuple[str, str]]:
    columns = [*declared.positional, declared.named.get("type_", ()), declared.named.get("sa_type", ())]
    return [k for v in columns for k in column_types(v)] or list(column_types(declared.mapped or declared.annotation))


def _of_target(program: Program, target: str) -> list[tuple[str, str]]:
    """The types of the id that a foreign key without a type of its own points at, and takes over."""
    found = program.shared(_ids).get(target.split(".")[-2], []) if "." in target else []
    return [kind for declared in found for kind in (_kinds(declared) or [("unknown", "")])]


def _ids(program: Program) -> dict[str, list[_Declared]]:
    """The ids of the tables that the source declares, by the table's name."""
    found: dict[str, list[_Declared]] = {}
    for info in program.classes:
        named = texts_of(info.attributes["__tablename__"][2]) if "__tablename__" in info.attributes else ()
        owner = next((cls for cls in program.solver.mro(info) if "id" in cls.attributes), None) if named else None
        declared = _declared(program, owner, *owner.attributes["id"][1:3]) if owner is not None else None
        if declared is not None:
            found.setdefault(named[0].text, []).append(declared)
    tables = [
        e for e in program.events("external") if e.name == "sqlalchemy.Table" and texts_of(e.args[0] if e.args else ())
    ]
    columns = (e for e in program.events("external") if e.name == "sqlalchemy.Column" and e.args) if tables else ()
    for event in columns:
        if any(text.text == "id" for text in texts_of(event.args[0])):
            around = next((t for t in tables if t.path == event.path and _is_inside(event.span, t.span)), None)
            declared = _Declared(list(event.args[1:]), dict(event.keywords), (), False, False)
            if around is not None:
                found.setdefault(texts_of(around.args[0])[0].text, []).append(declared)
    return found


def _target(declared: _Declared) -> str | None:
    """The id a foreign key points at, or ``None``."""
    for value in (*declared.positional, *declared.named.values()):
        for atom in value:
            if atom.tag == "map" and atom.get("foreign_key_target"):
                return _id_target(atom.get("foreign_key_target"))
    return _id_target(declared.named.get("foreign_key", ()))


def _id_target(value: Value) -> str | None:
    for text in texts_of(value):
        if text.text.endswith(".id"):
            return text.text
    if any(a.tag == "ext" and a.name in _IDS_OF_TABLES for a in value):
        return "the id of a table"
    return next((f"{a.owner.name}.id" for a in value if a.tag == "column" and a.name == "id"), None)


def _table_column(program: Program, event: Event) -> str | None:
    names = texts_of(event.args[0]) if event.args else ()
    if not names or names[0].dynamic or _in_class(program, event):
        return None
    declared = _Declared(list(event.args[1:]), dict(event.keywords), (), False, False)
    return _problem(program, names[0].text, declared, beside(program, event).get(names[0].text))


def _in_class(program: Program, event: Event) -> bool:
    """Columns of classes are found through their class, but for those of a ``__table__``."""
    around = [info for info in event.function.module.classes if _is_inside(event.span, info.span)]
    tables = [info.attributes["__table__"][0] for info in around if "__table__" in info.attributes]
    return bool(around) and not any(start[:2] <= event.span[:2] for start in tables)


def _is_inside(inner: ir.Span4, outer: ir.Span4) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]
