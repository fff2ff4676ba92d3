"""TXN301: a tenant column in a query's condition."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.general_queries import is_told_by_calls
from sessionlint.rules.join_texts import relating, tenant_condition
from sessionlint.rules.tenancy import in_table_definition, keeps_out

META = Rule(
    code="TXN301",
    name="orm-tenant-filter",
    summary="A query filters by a tenant column.",
    rationale=(
        "Tenant isolation was removed from the application: who may see what is decided in the router, by role and "
        "ownership. A filter that stayed behind compares with a default or a leftover tenant id, so rows that exist "
        "are not found: jobs stay pending because the worker's query asks for a tenant no row has. The finding "
        "stands at the comparison: that of a hybrid method or property in the model, and at the query where the "
        "hybrid only gives the column."
    ),
    remedy="Delete the condition, and the parameter that only fed it; check access in the router.",
    not_flagged=(
        "Tenant columns that filter nothing: selected, sorted by, inserted, returned or logged, by themselves or in a "
        "comparison. Joins between two columns. Queries that filter by whatever column they are told: the call that "
        "names the tenant's is (TXN303). "
        "`.filter()` and comparisons on plain objects and collections. Tests and migrations."
    ),
    presets=("scrapersky",),
)

BAD = [
    Bad(
        source="""
from sqlalchemy import select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Query, mapped_column

PREFIX = "tenant"


class Base(DeclarativeBase):
    pass


class Owned:
    tenant_id: Mapped[str]

    @hybrid_property
    def owner_key(self):
        return self.tenant_id

    @hybrid_property
    def scope(self):
        return str(self.tenant_id)


class Job(Owned, Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)


class Jobs(Query):
    def mine(self, tenant):
        return self.filter_by(tenant_id=tenant)  # TXN301@41


async def run(session, value):
    await session.scalars(select(Job).where(Job.owner_key == value))  # TXN301@45
    await session.scalars(select(Job).where(Job.scope.in_([value])))  # TXN301@45
    await session.scalars(select(Job).filter_by(**{f"{PREFIX}_id": value}))  # TXN301@27
""",
        path="app/models/job.py",
    ),
    Bad(
        source="""
from sqlalchemy import and_, delete, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, with_loader_criteria

from app.models.item import Item
from ..models import item as models


async def listed(session: AsyncSession, tenant):
    statement = select(Item).where(Item.tenant_id == tenant, Item.status == "new")  # TXN301@36
    return await session.execute(statement)


async def counted(session: AsyncSession, tenants):
    other = aliased(Item)
    query = select(func.count(Item.id)).where(
        and_(
            Item.name == "x",
            Item.tenant_id.in_(tenants),  # TXN301@13
        )
    )
    query = query.where(or_(other.tenant_id != None, other.name == "y"))  # TXN301@29
    return await session.scalar(query)


async def collected(session: AsyncSession, tenant, name):
    conditions = [models.Item.status == "new"]
    if tenant:
        conditions.append(models.Item.tenant_id == tenant)  # TXN301@27
    filters = {"name": name}
    await session.execute(update(Item).where(*conditions).values(**filters))
    await session.execute(delete(Item).where(Item.tenant_id.is_(None)))  # TXN301@46
    return select(Item).options(with_loader_criteria(Item, Item.tenant_id == tenant))  # TXN301@60


def of_tenant(model, tenant):
    return getattr(model, "tenant_id") == tenant  # TXN301@12


async def disguised(session: AsyncSession, tenant):
    name = "tenant_id"
    if (column := Item.tenant_id) is not None:
        await session.execute(select(Item).where(column == tenant))  # TXN301@50
    await session.execute(select(Item).where(of_tenant(Item, tenant)))
    await session.execute(select(Item).where(getattr(Item, name) == tenant))  # TXN301@46
    await session.execute(select(Item).where(literal_column("tenant_id") == tenant))  # TXN301@46
    await session.execute(select(Item).where(Item.__table__.c.tenant_id == tenant))  # TXN301@46
    everywhere = with_loader_criteria(Item, lambda cls: cls.tenant_id == tenant)  # TXN301@57
    values = {"tenant_id": tenant}
    by_keyword = session.sync_session.query(Item).filter_by(**values)  # TXN301@18
    return everywhere, by_keyword
"""
    ),
    Bad(
        source="""
from sqlalchemy import select


class Repository:
    def __init__(self, model):
        self.model = model

    async def all(self, session, tenant):
        query = select(self.model)
        if hasattr(self.model, "tenant_id"):
            query = query.where(getattr(self.model, "tenant_id") == tenant)  # TXN301@33
        return await session.execute(query)

    async def mine(self, session, tenant):
        clause = self.model.tenant_id == tenant  # TXN301@18
        return await session.execute(select(self.model).where(clause))

    def sync(self, db, tenant):
        rows = db.query(self.model).filter_by(name="a", tenant_id=tenant)  # TXN301@67
        return rows.filter(self.model.tenant_id == tenant).all()  # TXN301@28
""",
        path="app/crud.py",
    ),
    Bad(
        source="""
# --- app/models/place.py
from typing import Optional
import uuid

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table
from sqlmodel import Field, SQLModel

metadata = MetaData()
places = Table("places", metadata, Column("id", Integer), Column("tenant_id", Integer))


class Place(SQLModel, table=True):
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    tenant_id: Optional[uuid.UUID] = None
# --- app/models/__init__.py
from .place import Place, places
# --- app/routers/places.py
from fastapi import APIRouter, Depends
from sqlmodel import col, select

from app.models import Place as P, places
from app.session import get_session_dependency

router = APIRouter()


@router.get("/places")
async def listed(tenant: str, session=Depends(get_session_dependency)):
    statement = select(P).where(col(P.tenant_id) == tenant)  # TXN301@33
    first = select(places).where(places.c.tenant_id == tenant)  # TXN301@34
    many = select(places).where(places.c.tenant_id.in_([tenant]))  # TXN301@33
    inner = select(P.id).where((P.tenant_id == tenant) & (P.id != None)).subquery()  # TXN301@33
    outer = select(P).where(P.id.in_(select(P.id).where(P.tenant_id.is_not(None))))  # TXN301@57
    return [await session.exec(q) for q in (statement, first, many, inner, outer)]
"""
    ),
    Bad(
        source="""
import operator
from functools import partial

from sqlalchemy import String, cast, func, inspect, select, tuple_
from sqlalchemy.ext.hybrid import hybrid_method
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.item import Base, Item


class Box(Base):
    __tablename__ = "boxes"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    items = relationship(Item)

    @hybrid_method
    def visible_to(self, owner):
        return self.tenant_id == owner  # TXN301@16


class Crud:
    column = "tenant_id"

    def __init__(self, model):
        self.model = model

    async def all(self, session, scope):
        query = select(self.model)
        owner = getattr(self.model, self.column, None)
        if owner is not None:
            query = query.where(owner == scope)  # TXN301@33
        return await session.scalar(query)


def equal(column, value):
    return column == value  # TXN301@12


mine = partial(equal, Item.tenant_id)
table = Item.__table__


async def run(session, v):
    owner = inspect(Item).columns.tenant_id
    await session.execute(select(Item).where(mine(v), owner == v))  # TXN301@55
    await session.execute(table.select().where(table.columns["tenant_id"] == v))  # TXN301@48
    await session.execute(select(Item).where(cast(Item.tenant_id, String) == v))  # TXN301@46
    await session.execute(select(Item).having(func.max(Item.tenant_id) == v))  # TXN301@47
    await session.execute(select(Item).where(operator.eq(Item.tenant_id, v)))  # TXN301@46
    await session.execute(select(Item).where(tuple_(Item.tenant_id, Item.name).in_([(v, "x")])))  # TXN301@46
    await session.execute(select(Box).where(Box.items.any(tenant_id=v), Box.visible_to(v)))  # TXN301@69
"""
    ),
    Bad(
        source="""
from dataclasses import asdict

from pydantic import BaseModel
from sqlalchemy import select

from app.models.item import Item


class Query(BaseModel):
    name: str
    tenant_id: str


class Listing:
    column = None

    def __init__(self, model):
        self.model = model
        self.conditions = []

    def of(self, tenant):
        self.conditions.append(self.model.tenant_id == tenant)  # TXN301@32
        return self

    def statement(self, value):
        return select(self.model).where(*self.conditions, self.column == value)  # TXN301@59


class Tenants(Listing):
    column = Item.tenant_id


def criteria(model, tenant):
    yield model.tenant_id == tenant  # TXN301@11


async def listed(session, body: Query, found, value, **fields):
    fields["tenant_id"] = value
    await session.scalars(select(Item).where(*criteria(Item, value)))
    await session.scalars(select(Item).where(*[getattr(Item, k) == v for k, v in fields.items()]))  # TXN301@48
    await session.scalars(select(Item).filter_by(**body.model_dump(exclude_none=True)))  # TXN301@27
    given = {k: v for k, v in body.model_dump().items() if v}
    await session.scalars(select(Item).filter_by(**given))  # TXN301@27
    await session.scalars(select(Item).filter_by(**asdict(body)))  # TXN301@27
    return select(Item).where(*(Item.__table__.c[k] == value for k in ("name", "tenant_id")))  # TXN301@33
"""
    ),
    Bad(
        source="""
from typing import Any

from sqlalchemy import Select, or_, select

from app.models.item import Item


class Scoped:
    model: Any

    def narrow(self, statement: Select, value):
        column = getattr(self.model, "tenant_id")
        return statement.where(column == value)  # TXN301@32

    def known(self, statement: Select, value):
        column = getattr(self.model, "name")
        return statement.where(column == value)


def is_home(row: Any, value):
    column = getattr(row, "tenant_id")
    return column == value


async def home(session, value):
    if (mine := Item.tenant_id == value) is not None:  # TXN301@17
        return await session.scalars(select(Item).where(or_(mine, Item.name == "x")))
    return None
"""
    ),
    Bad(
        path="app/services/reports.py",
        source="""
from sqlalchemy import literal_column, select

from app.models.item import Item


async def report(session, owner, name):
    await session.execute(select(Item).where(literal_column("items.tenant_id") == owner))  # TXN301@46
    await session.execute(select(Item).where(literal_column('"public"."items"."tenant_id"').in_([owner])))  # TXN301@46
    return await session.execute(select(Item).where(literal_column("items.name") == name))
""",
    ),
    Bad(
        path="app/services/board.py",
        source="""
from sqlalchemy import and_, case, func, select

from app.models.item import Item


def ours(owner):
    return Item.tenant_id == owner  # TXN301@12


async def board(session, owner, mine_only):
    flag = (Item.tenant_id == owner).label("flagged")  # TXN301@13
    found = select(Item.id, flag).subquery()
    await session.execute(select(found).where(found.c.flagged))
    first = case((Item.tenant_id == owner, 1), else_=0)  # TXN301@19
    await session.execute(select(Item).where(first == 1))
    await session.execute(select(Item.id, ours(owner)).order_by(ours(owner)))
    await session.execute(select(Item.id).where(and_(ours(owner), Item.name == "x")))
    counted = func.count(Item.id).filter(Item.tenant_id == owner)  # TXN301@42
    ranked = Item.tenant_id == owner  # TXN301@14
    query = select(Item.id, counted).order_by(ranked)
    if mine_only:
        query = query.where(ranked)
    return await session.execute(query)
""",
    ),
    Bad(
        source="""
from sqlalchemy import func, select

from app.models.item import Item


async def of_shop(session, shop):
    books = select(Item.id, Item.tenant_id.label("shop")).where(Item.name != "").subquery()
    await session.execute(select(books.c.id).where(books.c.shop == shop))  # TXN301@52


async def of_shops(session, shops):
    books = select(Item.id, func.lower(Item.name).label("title"), Item.tenant_id.label("shop")).cte("books")
    await session.execute(select(books.c.id).filter(books.c["shop"].in_(shops)))  # TXN301@53
    await session.execute(select(books.c["id"]).where(books.columns.shop == shops[0]))  # TXN301@55
""",
    ),
    Bad(
        source="""
import uuid

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym


class Base(DeclarativeBase):
    pass


class Desk(Base):
    __tablename__ = "desks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    area: Mapped[str] = mapped_column("tenant_id")
    name: Mapped[str] = mapped_column("title")
    shop_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("shops.id"))


class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_id: Mapped[str]
    org = synonym("tenant_id")
    label = synonym("id")
    own = relationship("Desk", primaryjoin="and_(Desk.shop_id == Shop.id, Desk.tenant_id == 'main')")  # TXN301@11
    some = relationship("Desk", primaryjoin="and_(Desk.shop_id == Shop.id, Shop.tenant_id.in_(['a']))")  # TXN301@12
    near = relationship("Desk", primaryjoin="and_(Desk.shop_id == Shop.id, foreign(Desk.tenant_id) == Shop.tenant_id)")
    new = relationship("Desk", primaryjoin="and_(Desk.shop_id == Shop.id, Desk.name == 'tenant_id')")


async def run(session, who):
    await session.scalars(select(Desk).where(Desk.area == who, Desk.name == who))  # TXN301@46
    await session.scalars(select(Shop).where(Shop.org == who, Shop.label == who))  # TXN301@46
    await session.scalars(select(Desk, Desk.area).where(Desk.name == who).order_by(Desk.area))
    await session.scalars(select(Shop).where(Shop.__table__.columns.get("tenant_id") == who))  # TXN301@46
    await session.scalars(select(Shop).where(Shop.__table__.c.get("tenant_id") == who))  # TXN301@46
    await session.scalars(select(Shop).where(Shop.__table__.columns.get("name") == who))
""",
        path="app/models/shops.py",
    ),
    Bad(
        source="""
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from fastcrud import FastCRUD

from app.models.item import Item

crud = FastCRUD(Item)


class Items(SQLAlchemyAsyncRepository[Item]):
    model_type = Item

    async def of(self, owner):
        found = await self.list(name="a", tenant_id=owner)  # TXN301@53
        return found or await self.get_one_or_none(tenant_id=owner)  # TXN301@62

    async def called(self, name, owner):
        await self.add(Item(tenant_id=owner))
        return await self.list(name=name)


class Plain:
    def list(self, tenant_id):
        return [tenant_id]


async def run(session, owner):
    await crud.get_multi(session, tenant_id=owner)  # TXN301@45
    await crud.get(session, name="a")
    return Plain().list(tenant_id=owner)
"""
    ),
    Bad(
        path="app/models/desks.py",
        source="""
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, aliased, mapped_column, synonym


class Base(DeclarativeBase):
    pass


class Desk(Base):
    __tablename__ = "desks"

    id = mapped_column(primary_key=True)
    area = mapped_column("tenant_id")
    zone = synonym("area")
    name = mapped_column("title")
    label = synonym("name")


async def run(session, who):
    desk = aliased(Desk)
    await session.scalars(select(desk).where(desk.zone == who))  # TXN301@46
    await session.scalars(select(desk).where(desk.label == who))
    return await session.scalars(select(Desk).where(func.lower(func.cast(Desk.area, "text")) == who))  # TXN301@53
""",
    ),
    Bad(
        """
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.models.item import Base, Item

OURS = uuid.UUID(int=1)


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    items: Mapped[int] = column_property(
        select(func.count(Item.id)).where(Item.tenant_id == OURS).scalar_subquery()  # TXN301@43
    )
""",
        path="app/models/page.py",
    ),
    Bad(
        source="""
# --- app/models/items.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]
    name: Mapped[str]
# --- app/services/items.py
from sqlalchemy import inspect, select

from app.models.items import Item


async def inspected(session, who, name):
    column, other = inspect(Item).columns["tenant_id"], inspect(Item).columns["name"]
    await session.scalars(select(Item).where(other == name))
    return await session.scalars(select(Item).where(column == who))  # TXN301@53


async def of_table(session, who, name):
    column = Item.__table__.c["tenant_id"]
    other = Item.__table__.c["name"]
    await session.scalars(select(Item).where(other == name).order_by(column))
    return await session.scalars(select(Item).where(column == who))  # TXN301@53
""",
    ),
    Bad(
        source="""
from sqlalchemy import select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]

    @hybrid_property
    def ours(self):
        return self.tenant_id == "x"  # TXN301@16

    @hybrid_property
    def first(self):
        return self.tenant_id == "a"

    @hybrid_property
    def key(self):
        return self.tenant_id


async def run(session, value):
    rows = await session.scalars(select(Job).where(Job.ours).order_by(Job.first))
    await session.scalars(select(Job).where(Job.key == value))  # TXN301@45
    return [row for row in rows if row.first]
""",
    ),
    Bad(
        # the name of a column that a class below keeps, of a model that the base only declares
        """
from sqlalchemy import select

from app.models import Item


class Listing:
    model: type
    by = "name"

    def __init__(self, session):
        self.session = session

    def column(self):
        return getattr(self.model, self.by)

    async def all(self, value):
        return await self.session.scalars(select(self.model).where(self.column() == value))  # TXN301@68


class ItemListing(Listing):
    model = Item
    by = "tenant_id"


class Named:
    model: type
    by = "name"

    def __init__(self, session):
        self.session = session

    async def all(self, value):
        return await self.session.scalars(select(self.model).where(getattr(self.model, self.by) == value))


class NamedItems(Named):
    model = Item
    by = "status"
""",
    ),
    Bad(
        """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def of_the_same(session: AsyncSession, item: Item):
    return await session.scalars(select(Item).where(Item.tenant_id == item.tenant_id))  # TXN301@53
""",
        path="app/services/owned.py",
    ),
    Bad(
        source="""
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from app.models.item import Item

Model = TypeVar("Model", bound=SQLModel)


class Stored(Generic[Model]):
    def __init__(self, model: type[Model], session):
        self.model = model
        self.session = session

    async def of(self, value):
        column = getattr(self.model, "tenant_id")
        return await self.session.scalar(sa.select(self.model).where(column == value))  # TXN301@70

    async def named(self, value):
        column = getattr(self.model, "name")
        return await self.session.scalar(sa.select(self.model).where(column == value))


async def kept(session, value, values):
    by = sa.column("tenant_id")
    await session.scalar(sa.select(Item).where(by == value))  # TXN301@48
    written = sa.literal_column("items.tenant_id")
    await session.scalar(sa.select(Item).where(written.in_(values)))  # TXN301@48
    named = sa.column("name")
    return await session.scalar(sa.select(Item, by).where(named == value))
"""
    ),
    Bad(
        source="""
from app.models.item import Item


class Scoped:
    column = Item.tenant_id

    def clause(self, value):
        return self.column.in_([value])  # TXN301@16


class Named:
    column = Item.name

    def clause(self, value):
        return self.column.in_([value])
"""
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy import select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Query, mapped_column


class Base(DeclarativeBase):
    pass


class Owned:
    tenant_id: Mapped[str]
    name: Mapped[str]

    @hybrid_property
    def owner_key(self):
        return self.tenant_id

    @hybrid_property
    def label(self):
        return self.name


class Job(Owned, Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)


class Jobs(Query):
    def named(self, name):
        return self.filter_by(name=name)


async def run(session, value):
    rows = await session.scalars(select(Job).where(Job.label == value).order_by(Job.owner_key))
    return [row for row in rows if row.owner_key == value]
""",
        path="app/models/job.py",
    ),
    Good(
        source="""
from pydantic import BaseModel
from sqlalchemy import select

from app.models.item import Item


class Query(BaseModel):
    name: str
    tenant_id: str


class Memory:
    def __init__(self, rows):
        self.rows = rows
        self.checks = []

    def of(self, tenant):
        self.checks.append(lambda row: row.tenant_id == tenant)
        return self


def all_of(rows, tenant):
    found = []
    for row in rows:
        found.append(row.tenant_id == tenant)
    return all(found)


async def listed(session, body: Query, value):
    await session.scalars(select(Item).filter_by(**body.model_dump(exclude={"tenant_id"})))
    await session.scalars(select(Item).filter_by(**body.model_dump(include={"name"})))
    given = body.model_dump()
    given.pop("tenant_id")
    await session.scalars(select(Item).filter_by(**given))
    query = select(Item)
    for key, wanted in body.model_dump().items():
        if key == "tenant_id":
            continue
        query = query.where(getattr(Item, key) == wanted)
    session.add(Item(**body.model_dump()))
    return await session.scalars(query)
"""
    ),
    Good(
        source="""
from sqlalchemy import and_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.models.item import Base, Item


class Tenant(Base):
    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)


async def listed(session, user, items, log, tenant):
    query = select(Item.id, Item.tenant_id).where(Item.name == "x").order_by(Item.tenant_id)
    parent = aliased(Item)
    query = query.join(parent, and_(parent.id == Item.id, parent.tenant_id == Item.tenant_id))
    query = query.group_by(Item.tenant_id).join(Tenant, Tenant.id == Item.tenant_id)
    session.add(Item(name="x", tenant_id=tenant))
    log.info("tenant_id == %s", tenant)
    mine = [item for item in items if item.tenant_id == user.tenant_id]
    if user.tenant_id != tenant:
        raise PermissionError
    rows = list(filter(lambda item: item.tenant_id == tenant, items))
    return {"tenant_id": tenant, "rows": rows, "mine": mine, "query": query}
"""
    ),
    Good(
        source="""
from sqlalchemy import select

from app.models.item import Item


async def test_rows_keep_their_tenant(session):
    assert (await session.execute(select(Item).where(Item.tenant_id == "a"))).first()
""",
        path="tests/test_items.py",
    ),
    Good(
        source="""
import polars as pl

from app.models.item import Item

frame = pl.DataFrame()
mine = frame.filter(pl.col("tenant_id") == 3)


def mine_of(item: Item, items: list[Item], tenant):
    first = next((i for i in items if i.tenant_id == tenant), None)
    return first if item.tenant_id == tenant else sorted(items, key=lambda i: i.tenant_id)


class Row:
    tenant_id: int = 1


def same(row: Row, other: Row) -> bool:
    return row.tenant_id == other.tenant_id
"""
    ),
    Good(
        source="""
from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.models.item import Base, Item


class Doc(Base):
    __tablename__ = "docs"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    items = relationship(Item, primaryjoin=lambda: Doc.tenant_id == foreign(Item.tenant_id))


async def run(session, user):
    below = select(Item.tenant_id).subquery()
    await session.execute(select(Doc).join(below, below.c.tenant_id == Doc.tenant_id))
    await session.execute(select(func.max(Item.tenant_id), func.lower(Item.tenant_id)))
    owner = getattr(user, "tenant_id", None)
    return owner == "x", select(Item).where(Item.name == owner)
"""
    ),
    Good(
        path="app/services/reports.py",
        source="""
from sqlalchemy import literal_column, select

from app.models.item import Item


async def report(session, name):
    shown = select(literal_column("items.tenant_id"), Item.name)
    await session.execute(shown.where(literal_column("tenant_id.name") == name))
    return await session.execute(shown.where(literal_column("count(items.tenant_id)") == 1))
""",
    ),
    Good(
        path="app/services/board.py",
        source="""
from sqlalchemy import and_, case, desc, func, select, update

from app.models.item import Item


def ours(owner):
    return (Item.tenant_id == owner).label("ours")


def sorted_by(query, *terms):
    return query.order_by(*terms)


async def board(session, owner):
    columns = [Item.id, ours(owner)]
    await session.execute(select(*columns).order_by(desc(Item.tenant_id == owner), Item.name))
    await session.execute(sorted_by(select(Item.id), Item.tenant_id != owner))
    rank = case((and_(Item.tenant_id == owner, Item.status == "new"), 1), else_=0)
    await session.execute(select(Item.id, func.sum(rank)).group_by(Item.tenant_id == owner))
    place = func.row_number().over(order_by=Item.tenant_id == owner)
    await session.execute(select(Item.id).add_columns(place).where(Item.name == "x"))
    session.query(Item.id, Item.tenant_id.in_([owner])).all()
    await session.execute(update(Item).values(shared=Item.tenant_id != owner))
""",
    ),
    Good(
        source="""
from sqlalchemy import func, select

from app.models.item import Item


async def titled(session, title):
    books = select(Item.id, Item.tenant_id.label("shop"), Item.name.label("title")).subquery()
    await session.execute(select(books.c.id, books.c.shop).where(books.c.title == title, books.c["title"] != ""))


async def either(session, word):
    counted = select(Item.tenant_id.label("word"), func.count()).group_by(Item.tenant_id).subquery()
    words = select(func.lower(Item.name).label("word")).subquery()
    await session.execute(select(counted.c.word).where(words.c.word == word))


async def elsewhere(session, books, shop):
    await session.execute(select(books.c.id).where(books.c.shop == shop))
""",
    ),
    Good(
        source="""
from sqlalchemy import select

from app.models.item import Item


class Items:
    def __init__(self, session):
        self.session = session

    async def find(self, **columns):
        return await self.session.scalar(select(Item).filter_by(**columns))

    async def by(self, column, value):
        return await self.session.scalar(select(Item).where(getattr(Item, column) == value))


async def run(session, who, name):
    await Items(session).find(tenant_id=who)
    await Items(session).by("tenant_id", who)
    await Items(session).find(name=name)
    return await Items(session).by("name", name)
""",
        path="app/services/finding.py",
    ),
    Good(
        """
import uuid

from sqlalchemy import Index, func, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.models.item import Base, Item

Index("named", Item.name, postgresql_where=Item.tenant_id.is_not(None))


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column()
    items: Mapped[int] = column_property(
        select(func.count(Item.id)).where(Item.tenant_id == tenant_id).scalar_subquery()
    )
""",
        path="app/models/page.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Comparisons of tenant columns that a query uses as conditions."""
    seen: set[tuple[str, ir.Span4]] = set()
    for event in program.events("predicate"):
        if event.site in seen or "between columns" in event.flags or keeps_out(program, event.function):
            continue
        if is_told_by_calls(program, event) or in_table_definition(event):
            continue
        seen.add(event.site)
        yield program.finding(
            META,
            event,
            f"The query filters by the tenant column {event.name!r}. Delete the condition: access is decided in the "
            "router, by role and ownership.",
        )
    for event in program.by_file(relating):
        name = None if keeps_out(program, event.function) else tenant_condition(program, event)
        if name is not None:
            yield program.finding(
                META,
                event,
                f"The relationship filters by the tenant column {name!r}. Delete the condition: access is decided in "
                "the router, by role and ownership.",
            )
