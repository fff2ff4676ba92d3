"""TXN303: a router, service or data function takes a tenant id, or passes one on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.values import Dependency, Param, const
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.general_queries import filtered, hands_on, mentions, written_column
from sessionlint.rules.opening import shown
from sessionlint.rules.renamed_tenants import passing_tenants, under_another_name
from sessionlint.rules.scheduled_tenants import prepared, preparing, scheduled
from sessionlint.rules.tenancy import is_tenant_name, tenant_parameters, with_tenants
from sessionlint.rules.tenant_fields import TenantField, handles_data, passes, tenant_fields
from sessionlint.rules.tenant_headers import filled_parameters, looked_up, looking_up
from sessionlint.rules.tenant_resolvers import injected_tenants
from sessionlint.rules.unpacked_options import tenant_key, unpacking
from sessionlint.rules.written_keys import spread_keys

META = Rule(
    code="TXN303",
    name="tenant-parameter",
    summary="A function takes a tenant id, or passes one on.",
    rationale=(
        "A tenant parameter keeps the removed isolation alive: every caller must find a value for it, most pass a "
        "default, and sooner or later a query below filters by it again. It also hides the real question, whether this "
        "user may see this row, which the router has to answer."
    ),
    remedy="Remove the parameter and the argument; pass the user's id where the owner matters.",
    not_flagged=(
        "Constructors of models, schemas and responses, functions that hand on whatever keywords they are given (the "
        "call that writes the tenant's is, unless they become columns of a row, as in `Item(**values)`: those filter "
        "nothing), arguments that are `None`, log calls, dictionaries; helpers that touch no database, where "
        "they stand outside the routers', services' and background layers; headers that are only logged; the auth and "
        "model layers, tests and migrations."
    ),
    presets=("scrapersky",),
    program_wide=True,
)

BAD = [
    Bad(
        source="""
from sqlalchemy import select

from app.models.item import Item


class Items:
    def __init__(self, session):
        self.session = session

    async def find(self, **columns):
        return await self.session.scalar(select(Item).filter_by(**columns))

    async def where(self, filters):
        query = select(Item)
        for key, value in filters.items():
            query = query.where(getattr(Item, key) == value)
        return await self.session.scalars(query)

    async def by(self, column, value):
        return await self.session.scalar(select(Item).where(getattr(Item, column) == value))


async def run(session, store, who, name):
    items = Items(session)
    await items.find(tenant_id=who)  # TXN303@11
    await items.find(name=name)
    await items.where({"tenant_id": who})  # TXN303@11
    await items.where({"name": name})
    await items.by("tenant_id", who)  # TXN303@11
    await own(store, tenant_id=who)
    return await items.by("name", name)


async def own(store, **columns):
    return await store.scalar(select(Item).filter_by(tenant_id=columns["owner"]))
"""
    ),
    Bad(
        source="""
# --- app/services/jobs.py
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession


async def create(session: AsyncSession, name: str, tenant_id: str | None = None):  # TXN303@52
    return name


class Jobs:
    def __init__(self, session: AsyncSession, *, tenant_id):  # TXN303@50
        self.session = session

    async def all(self, tenant_id="default"):  # TXN303@25
        await create(self.session, "x", tenant_id)  # TXN303@15
        return await create(self.session, name="y", tenant_id="t")  # TXN303@22

    async def none(self):
        return await create(self.session, "x")
# --- app/routers/jobs.py
import asyncio

from fastapi import APIRouter, BackgroundTasks, Depends, Header

from app.services.jobs import Jobs, create as make
from app.session import get_session_dependency

router = APIRouter()


@router.get("/{tenant_id}/jobs")
async def listed(tenant_id: str, session=Depends(get_session_dependency)):  # TXN303@18
    jobs = Jobs(session, tenant_id=tenant_id)  # TXN303@12
    return await jobs.all()


def sync_job(name, tenant_id):  # TXN303@20
    return name


@router.post("/jobs/later")
async def later(tasks: BackgroundTasks, user=None):
    tasks.add_task(make, None, "x", tenant_id=user.tenant_id)  # TXN303@5
    tasks.add_task(sync_job, "x", user.tenant_id)  # TXN303@5
    job = asyncio.create_task(make(None, "x", user.tenant_id))  # TXN303@11
    tasks.add_task(make, None, "x")
    return job


@router.post("/jobs")
async def created(session=Depends(get_session_dependency), user=None):
    values = {"tenant_id": user.tenant_id}
    return await make(session, "x", **values)  # TXN303@18
"""
    ),
    Bad(
        source="""
# --- app/services/jobs.py
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


@dataclass
class Jobs:
    session: AsyncSession
    tenant_id: uuid.UUID  # TXN303@5

    async def all(self):
        return await self.session.scalars(select(Item))
# --- app/routers/jobs.py
from fastapi import APIRouter

from app.services.jobs import Jobs

router = APIRouter()


@router.get("/jobs")
async def listed(session, user=None):
    return await Jobs(session, user.tenant_id).all()  # TXN303@18
"""
    ),
    Bad(
        source="""
from app.session import get_session


async def load(tenant_id, job):  # TXN303@16
    async with get_session() as session:
        async with session.begin():
            return await session.get(job, tenant_id)
""",
        path="app/data/jobs.py",
    ),
    Bad(
        source="""
# --- app/services/jobs.py
async def run(session, tenant_id=None):  # TXN303@24
    return session


async def found(session, **options):
    return session, options
# --- app/routers/jobs.py
from functools import partial

from app.services.jobs import found, run


async def listed(session, user):
    start = partial(run, tenant_id=user.tenant_id)  # TXN303@13
    other = partial(found, tenant_id=user.tenant_id)  # TXN303@13
    third = partial(found, name=user.name)
    return await start(session), await other(session), await third(session)
"""
    ),
    Bad(
        source="""
# --- app/auth/tenants.py
from fastapi import Header


async def get_tenant_id(x_tenant_id: str = Header()):
    return x_tenant_id
# --- app/services/items.py
from sqlalchemy import select

from app.models.item import Item


async def scope(session, org):
    return await session.get(Item, org)


async def some(session, **options):
    return await session.scalars(select(Item).limit(options.get("limit", 10)))


async def create(session, **values):
    session.add(Item(**values))


async def change(session, item, **values):
    for name, value in values.items():
        setattr(item, name, value)
    await session.flush()


async def first(session, **options):
    return max(await some(session, **options), key=lambda c: c.id)


def shown(name, **fields):
    return f"{name}: {fields}"
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from app.auth.security import get_current_user
from app.auth.tenants import get_tenant_id
from app.services import items
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(get_current_user)])


class Scope(BaseModel):
    tenant_id: str


@router.get("/items")
async def listed(data: Scope, who: str = Depends(get_tenant_id), session=Depends(get_session_dependency), user=None):
    await items.scope(session, who)  # TXN303@11
    await items.scope(session, user.id)
    async with session.begin():
        await items.create(session, tenant_id=user.tenant_id)
        await items.change(session, user, tenant_id=user.tenant_id)
    items.shown("item", tenant_id=user.tenant_id)
    await items.first(session, tenant_id=user.tenant_id)  # TXN303@11
    await items.some(session, **data.model_dump())
    chosen = data.model_dump()
    await items.some(session, **chosen)
    wanted = {"limit": 3, "tenant_id": user.tenant_id}
    async with session.begin():
        await items.create(session, **wanted)
    await items.some(session, **wanted)  # TXN303@11
    later = {"limit": 3}
    await items.some(session, **later)
    later["tenant_id"] = user.tenant_id
    await items.some(session, **later)  # TXN303@11
    await items.some(session, limit=3)
    return await items.some(session, tenant_id=user.tenant_id)  # TXN303@18
"""
    ),
    Bad(
        source="""
import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def counted(session: AsyncSession, tenant_id):  # TXN303@42
    return await session.scalars(select(Item))


async def both(session: AsyncSession, user):
    tenant_id = user.tenant_id
    return await asyncio.gather(
        counted(session, tenant_id),  # TXN303@9
        asyncio.wait_for(counted(session, tenant_id), 3),  # TXN303@26
    )


def lister(session: AsyncSession):
    return lambda tenant_id: session.scalars(select(Item))  # TXN303@19


def sorted_by(rows):
    return sorted(map(lambda tenant_id: str(tenant_id).lower(), rows), key=lambda tenant_id: len(tenant_id))
""",
    ),
    Bad(
        source="""
# --- app/services/labels.py
def headline(name: str, tenant_id: str) -> str:  # TXN303@25
    return f"{name} of {tenant_id}"


class Shelf:
    def mine(self, books, tenant_id=None):  # TXN303@27
        return [book for book in books if book.tenant_id == tenant_id]
# --- app/shared/labels.py
def headline(name: str, tenant_id: str) -> str:
    return f"{name} of {tenant_id}"
""",
    ),
    Bad(
        path="app/services/shelves.py",
        source="""
import typing
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Whose(TypedDict):
    tenant_id: str


class Wanted(Whose, total=False):
    name: str


async def found(session: AsyncSession, **wanted: Unpack[Wanted]):  # TXN303@42
    return await session.scalars(select(Item).where(Item.name == wanted["name"]))


async def first(session: AsyncSession, *, limit: int, **wanted: typing.Unpack[Whose]):  # TXN303@57
    return await session.scalar(select(Item).limit(limit))
""",
    ),
    Bad(
        source="""
# --- app/tasks/stock.py
from celery import Celery, chain, shared_task

app = Celery("shop")


@app.task
def counted(shelf, tenant_id):  # TXN303@20
    return shelf


@shared_task(bind=True)
def moved(self, shelf, tenant_id):  # TXN303@24
    return shelf


async def listed(shelf, tenant_id):  # TXN303@25
    return shelf


def plan(scheduler, row, owner):
    scheduler.add_job(listed, kwargs={"tenant_id": row["owner"]})  # TXN303@5
    scheduler.add_job(listed, args=[1, owner])  # TXN303@5
    scheduler.add_job(listed, kwargs={"shelf": 1})
# --- app/routers/stock.py
import asyncio

from fastapi import APIRouter, BackgroundTasks

from app.tasks.stock import chain, counted, listed, moved

router = APIRouter()


@router.post("/stock")
async def stock(tasks: BackgroundTasks, user: dict):
    tasks.add_task(listed, 1, tenant_id=user["owner"])  # TXN303@5
    tasks.add_task(listed, 1, user["owner"])  # TXN303@5
    tasks.add_task(listed, 1)
    task = asyncio.create_task(listed(1, user["owner"]))  # TXN303@12
    counted.delay(1, user["owner"])  # TXN303@5
    counted.delay(1)
    counted.apply_async((1, user["owner"]), countdown=5)  # TXN303@5
    counted.apply_async(args=(1, user["owner"]))  # TXN303@5
    counted.apply_async(kwargs={"shelf": 1, "tenant_id": user["owner"]})  # TXN303@5
    counted.apply_async((1,), {"tenant_id": user["owner"]})  # TXN303@5
    counted.apply_async((1,), countdown=5)
    moved.apply_async(args=[1, user["owner"]])  # TXN303@5
    moved.apply_async(args=[1])
    counted.s(1, tenant_id=user["owner"]).delay()  # TXN303@5
    counted.s(1).delay(user["owner"])  # TXN303@5
    counted.s(1).delay()
    chain(counted.s(1, tenant_id=user["owner"]), moved.s()).delay()  # TXN303@5
    return task
"""
    ),
    Bad(
        source="""
from typing import Annotated

from fastapi import APIRouter, Cookie, Header, Path, Query, Request

router = APIRouter()


@router.get("/a")
async def a(x_tenant_id: str = Header()):  # TXN303@13
    return x_tenant_id


@router.get("/b")
async def b(who: Annotated[str | None, Header(alias="X-Tenant-ID")] = None):  # TXN303@13
    return who


@router.get("/c")
async def c(who: str = Query("", alias="tenant_id"), size: int = Query(10)):  # TXN303@13
    return who


@router.get("/d/{tenant_id}")
async def d(who: Annotated[str, Path(alias="tenant_id")], box: str = Cookie(alias="tenant_id")):  # TXN303@13 TXN303@59
    return who, box


@router.get("/e")
async def e(trace: str = Header(alias="X-Request-ID"), page: int = Query(1, alias="p")):
    return trace


@router.get("/f")
async def f(request: Request):
    return request.headers["X-Tenant-ID"], request.headers["X-Request-ID"]  # TXN303@12


@router.get("/g")
async def g(request: Request):
    who = request.headers.get("x-tenant-id", "")  # TXN303@11
    return who or request.query_params.get("tenant_id")  # TXN303@19


@router.get("/h")
async def h(request: Request, log):
    log.info("of %s", request.headers.get("x-tenant-id"))
    return 1
""",
        path="app/routers/desks.py",
    ),
    Bad(
        source="""
# --- app/services/apples.py
async def find(session, only=None):
    return await session.scalars(only)
# --- app/routers/apples.py
from fastapi import APIRouter, Depends, Request

from app.services.apples import find
from app.session import get_session_dependency

router = APIRouter()


@router.get("/apples")
async def picked(request: Request, session=Depends(get_session_dependency)):
    tenant_id = request.headers["x-tenant-id"]  # TXN303@17
    await find(session, only=[tenant_id])  # TXN303@11
    await find(session, [tenant_id, None])  # TXN303@11
    await find(session, only=[request.headers["x-row"]])
    return {"tenant_id": [tenant_id]}
"""
    ),
    Bad(
        """
# --- app/services/labels.py
import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.item import Base


class Label(Base):
    __tablename__ = "labels"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID]

    @classmethod
    async def read_all(cls, session: AsyncSession, tenant_id):  # TXN303@52
        return await session.scalars(select(cls).where(cls.tenant_id == tenant_id))

    @classmethod
    def blank(cls, tenant_id):
        return cls(id=uuid.uuid4(), tenant_id=tenant_id)
# --- app/services/reading.py
from app.services.labels import Label


async def read(session, user):
    return await Label.read_all(session, user.tenant_id)  # TXN303@18


async def made(user):
    return Label.blank(user.tenant_id)
"""
    ),
    Bad(
        """
# --- app/data.py
from sqlalchemy import select

from app.models.item import Item


class Rows:
    def __init__(self, session):
        self.session = session

    async def get_by(self, **filters):
        return await self.session.scalar(select(Item).filter_by(**filters))

    async def once_more(self, **filters):
        return await self.get_by(**filters)
# --- app/services/finding.py
from app.data import Rows


class Finder:
    def __init__(self, session):
        self.rows = Rows(session)

    async def find(self, **filters):
        return await self.rows.get_by(**filters)


async def one(session, user):
    return await Rows(session).once_more(tenant_id=user.owner)  # TXN303@18


async def two(session, user):
    return await Finder(session).find(tenant_id=user.owner)  # TXN303@18


async def three(session, user):
    return await Finder(session).find(name=user.owner)


async def four(session, user, **filters):
    return await Rows(session).get_by(tenant_id=user.owner, **filters)  # TXN303@18
"""
    ),
    Bad(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def find(session: AsyncSession, name: str, tenant_id=None):  # TXN303@50
    return await session.get(Item, name)


async def traced(session: AsyncSession, **options):
    return await find(session, **options)


async def also(session: AsyncSession, **options):
    return await find(session, **options, **{"tenant_id": "t"})  # TXN303@18


async def report(session: AsyncSession, user):
    return await traced(session, name="x", tenant_id=user.tenant_id)  # TXN303@18
"""
    ),
    Bad(
        source="""
from functools import partial

from sqlalchemy import select

from app.models.item import Item


class Rows:
    def __init__(self, session):
        self.session = session

    def by(self, **columns):
        return self.session.scalars(select(Item).filter_by(**columns))


async def found(session, who):
    find = partial(Rows(session).by, tenant_id=who)  # TXN303@12
    return await find()


async def other(session, who):
    find = partial(Rows(session).by, name=who)
    return await find(tenant_id=who)  # TXN303@18
"""
    ),
    Bad(
        source="""
from app.models.item import Item


async def provision(session, serial, tenant_id=None):  # TXN303@38
    return await session.get(Item, serial)


async def all(session, serials, who):
    for serial in serials:
        await provision(session, serial, None)
    await provision(session, "first", tenant_id=None)
    return await provision(session, "last", who)  # TXN303@18
""",
    ),
    Bad(
        source="""
from typing import Generic, TypeVar

from sqlalchemy import select
from sqlmodel import SQLModel

Model = TypeVar("Model", bound=SQLModel)


class Stored(Generic[Model]):
    def __init__(self, model: type[Model], session):
        self.model = model
        self.session = session

    async def by(self, field: str, value):
        return await self.session.scalar(select(self.model).where(getattr(self.model, field) == value))


class Items(Stored):
    async def of(self, company):
        return await self.by("tenant_id", company)  # TXN303@22

    async def named(self, name):
        return await self.by("name", name)


class Untyped:
    def __init__(self, model, session):
        self.model = model
        self.session = session

    async def by(self, field, value):
        return await self.session.scalar(select(self.model).where(getattr(self.model, field) == value))


class Parts(Untyped):
    async def of(self, company):
        return await self.by("tenant_id", company)  # TXN303@22

    async def named(self, name):
        return await self.by("name", name)
""",
    ),
]

GOOD = [
    Good(
        source="""
# --- app/services/jobs.py
import logging
from dataclasses import dataclass

from pydantic import BaseModel

from app.models.item import Item

log = logging.getLogger(__name__)


class Out(BaseModel):
    tenant_id: str


@dataclass
class Row:
    tenant_id: str

    def label(self):
        return f"{self.tenant_id}: row"


async def create(session, user):
    log.info("created", extra={"tenant_id": user.tenant_id})
    session.add(Item(name="x", tenant_id=user.tenant_id))
    row = Row(tenant_id=user.tenant_id)
    return Out(tenant_id=row.tenant_id)
"""
    ),
    Good(
        source="""
def label(tenant_id: str) -> str:
    return f"tenant {tenant_id}"


def labels(tenants):
    return [label(tenant_id=t) for t in tenants]
""",
        path="app/formatting.py",
    ),
    Good(
        source="""
# --- app/auth/access.py
async def allowed(session, user, tenant_id):
    return user.tenant_id == tenant_id
# --- tests/test_jobs.py
async def helper(session, tenant_id):
    return tenant_id


async def test_it(session):
    await helper(session, tenant_id="a")
"""
    ),
    Good(
        path="app/services/shelves.py",
        source="""
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Wanted(TypedDict, total=False):
    name: str


class Written(TypedDict):
    tenant_id: str


async def found(session: AsyncSession, **wanted: Unpack[Wanted]):
    return await session.scalars(select(Item).where(Item.name == wanted["name"]))


def described(rows: list[Written]) -> list[str]:
    return [row["tenant_id"] for row in rows]
""",
    ),
    Good(
        source="""
# --- app/models.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None]
# --- app/services/items.py
from app.models import Item


async def create(session, **values):
    session.add(Item(**values))
# --- app/routers/items.py
from app.services.items import create


async def made(session, who):
    await create(session, tenant_id=who)
""",
    ),
]

_Reader = Callable[[Program, Event], tuple[FunctionInfo, str] | None]
#: What passes no tenant on.
_NO_TENANT = const(None)
_BEYOND = {"auth", "test", "migration", "session"}
_LAYERS = {"router", "service", "background", "endpoint", "dependency"}


def check(program: Program) -> Iterator[Finding]:
    """Tenant parameters of data functions, and the calls that fill such parameters."""
    seen: set[Any] = set()
    for function in program.by_file(with_tenants, program.policy.tenant_names):
        parameters = tenant_parameters(program, function)
        if _is_subject(program, function) and _works(program, function):
            taker = "The lambda" if function.name == "<lambda>" else shown(function)
            for name, _, _, _, span in parameters:
                if isinstance(function.dependencies.get(name), Dependency):
                    continue
                yield program.finding(
                    META,
                    (function, span),
                    f"{taker} takes the tenant id {name!r}. Remove the parameter: tenants decide nothing here.",
                )
    yield from _unpacked(program)
    yield from _from_requests(program)
    fields = tenant_fields(program)
    for field in fields.values():
        yield program.finding(
            META,
            (field.owner.defined_in, field.span),
            f"{field.owner.name}() takes the tenant id {field.name!r}. Remove the field: tenants decide nothing here.",
        )
    for event in program.events("construct"):
        made = next((fields[a.info] for a in event.value if a.info in fields), None)
        if made is not None and _is_subject(program, event.function) and passes(event, made):
            yield _constructed(program, event, made)
    for event, reads in _filling(program):
        passed = None if event.site in seen else reads(program, event)
        if passed is None or not _is_subject(program, event.function):
            continue
        seen.add(event.site)
        callee, name = passed
        if _is_filled_before(program, event, callee, name):
            continue
        yield program.finding(
            META,
            event,
            f"The call passes a tenant id on to {shown(callee)} as {name!r}. Remove the argument and the parameter.",
            [program.step(callee.site, f"{shown(callee)} takes {name!r}")],
        )


def _is_filled_before(program: Program, event: Event, callee: FunctionInfo, name: str) -> bool:
    """``find()`` of ``find = partial(rows.by, tenant_id=who)``: told where it is filled in."""
    if event.kind != "call" or (event.path, callee, name) not in program.shared(_filled_in):
        return False
    expr = event.expr
    if expr is None or expr[0] != "c" or any(key is None for key, _ in expr[4]):
        return False
    return expr[2][-1] != callee.name and not mentions(expr, name)


def _filled_in(program: Program) -> frozenset[tuple[str, FunctionInfo, str]]:
    """The tenant parameters that ``partial(…)`` fills in, by the files where that is written."""
    return frozenset((e.path, *found) for e in program.by_file(preparing) if (found := _prepared(program, e)))


def _unpacked(program: Program) -> Iterator[Finding]:
    """Keywords that functions take by the keys of a typed dictionary."""
    for function in program.by_file(unpacking):
        found = tenant_key(program, function)
        if found is not None and _is_subject(program, function) and _works(program, function):
            yield program.finding(
                META,
                (function, found[1]),
                f"{function.name}() takes the tenant id {found[0]!r} among its keywords. Remove the key: tenants "
                "decide nothing here.",
            )


def _from_requests(program: Program) -> Iterator[Finding]:
    """What endpoints take from the request as a tenant's, by whatever name."""
    for function in program.functions:
        if not function.routes or not _is_subject(program, function):
            continue
        for name, key, span in filled_parameters(program, function):
            yield program.finding(
                META,
                (function, span),
                f"{function.name}() takes the tenant id {key!r} as {name!r}. Remove the parameter: tenants decide "
                "nothing here.",
            )
    for event in program.by_file(looking_up):
        found = looked_up(program, event) if event.function.routes and _is_subject(program, event.function) else None
        if found is not None:
            yield program.finding(
                META,
                event,
                f"{event.function.name}() takes the tenant id {found!r} from the request. Remove it: tenants decide "
                "nothing here.",
            )


def _filling(program: Program) -> Iterator[tuple[Event, _Reader]]:
    """The events that may fill a tenant parameter, and what finds out which."""
    takers, tenants = _takers(program), injected_tenants(program)
    for event in program.events("call"):
        if event.callee in takers or (tenants and _is_handed(event, tenants)):
            yield event, _passed
    yield from ((event, _scheduled) for event in program.events("schedule", "concurrent"))
    for event in program.by_file(passing_tenants, program.policy.tenant_names):
        yield event, _renamed
    yield from ((event, _prepared) for event in program.by_file(preparing))


def _constructed(program: Program, event: Event, field: TenantField) -> Finding:
    return program.finding(
        META,
        event,
        f"The call passes a tenant id on to {field.owner.name}() as {field.name!r}. Remove the argument and the field.",
        [program.step((field.owner.path, field.span), f"{field.owner.name}() takes {field.name!r}")],
    )


def _is_subject(program: Program, function: FunctionInfo) -> bool:
    role = program.role(function)
    if role in ("auth", "model", "test", "migration", "session"):
        return False
    if function.class_info is not None and _is_record(program, function.class_info):
        return function.name != "__init__" and role != "dependency" and handles_data(program, function)
    return role in _LAYERS or handles_data(program, function)


def _works(program: Program, function: FunctionInfo) -> bool:
    """A lambda sorts or formats as often as it asks the database, unless its module gives it a name as to others."""
    return function.name != "<lambda>" or handles_data(program, function) or _is_named(function)


def _is_named(function: FunctionInfo) -> bool:
    """``find = lambda session, tenant_id: …`` in a module: a function like one that ``def`` defines."""
    assigned = (s for s in function.module.body.body if s[0] == "=") if function.parent is None else ()
    return any(s[3][0] == "lam" and s[3][2][1] == function.span and _takes_more(function) for s in assigned)


def _takes_more(function: FunctionInfo) -> bool:
    """Whether a tenant id is not all that is asked for, as of a key to sort by."""
    return len(function.params) > 1


def _is_record(program: Program, info: ClassInfo) -> bool:
    bases = program.solver.external_bases(info)
    return program.solver.is_model(info) or any(b.startswith(("pydantic.", "pydantic_settings.")) for b in bases)


def _takers(program: Program) -> frozenset[FunctionInfo]:
    """Functions that have a tenant parameter, take any keyword, or filter by whatever column they are told."""
    named = (f for f in program.by_file(with_tenants, program.policy.tenant_names) if _works(program, f))
    filtering = (e.function for e in program.events("predicate"))
    return frozenset((*named, *program.by_file(_open_ended_in), *filtering))


def _open_ended_in(listing: FileListing) -> Iterator[FunctionInfo]:
    return (f for f in listing.functions if _open_ended(f))


def _is_handed(event: Event, tenants: frozenset[Any]) -> bool:
    return any(not tenants.isdisjoint(value) for _, value in event.bindings)


def _open_ended(function: FunctionInfo) -> str | None:
    """The name of the parameter that takes all other keywords."""
    return next((p[0] for p in function.params if p[1] == ir.KIND_KWARGS), None)


def _passed(program: Program, event: Event) -> tuple[FunctionInfo, str] | None:
    """The callee and its tenant parameter that a call fills in by itself."""
    callee = event.callee
    if callee is None or program.role(callee) in _BEYOND:
        return None
    if callee.name == "__init__" and callee.class_info is not None and _is_record(program, callee.class_info):
        return None
    for identity, value in event.bindings:
        name = identity.name if isinstance(identity, Param) and identity.info is callee else None
        if name and is_tenant_name(program, name) and _is_given(event, callee, name, value):
            return (callee, name) if _is_subject(program, callee) or program.role(callee) == "model" else None
    told = filtered(event, callee)
    if told is not None and hands_on(event) and not mentions(event.function.body, told):
        told = None
    name = (
        told
        or written_column(program, event, callee)
        or _among_options(program, event, callee)
        or _injected(program, event, callee)
    )
    return (callee, name) if name else None


def _renamed(program: Program, event: Event) -> tuple[FunctionInfo, str] | None:
    """The callee that works on data and is given a tenant id under a name of its own."""
    callee = event.callee
    if callee is None or program.role(callee) in _BEYOND:
        return None
    if callee.class_info is not None and _is_record(program, callee.class_info):
        return None
    return under_another_name(program, event)


def _among_options(program: Program, event: Event, callee: FunctionInfo) -> str | None:
    """The tenant's keyword that is written at a call of a data function, which takes it among its ``**options``."""
    rest = _open_ended(callee)
    if rest is None or not handles_data(program, callee):
        return None
    options = next((v for k, v in event.bindings if k == Param(callee, rest)), ())
    given = (k for a in options if a.tag == "map" for k, _ in a.items if isinstance(k, str))
    name = next((k for k in given if is_tenant_name(program, k)), None)
    if name is None or _are_columns(callee, name):
        return None
    # a whole record that is spread is no choice of a tenant
    written = mentions(event.expr, name) or name in spread_keys(event.function, event.expr)
    return name if written else None


def _are_columns(function: FunctionInfo, name: str) -> bool:
    """Whether keywords become columns of a row: ``Item(**options)``, ``values(**options)``, ``setattr`` in a loop."""
    called = (e.callee for e in function.events if e.kind == "call" and e.callee is not None)
    for near in dict.fromkeys((function, *called)):
        if any(e.kind == "construct" and any(k == name for k, _ in e.keywords) for e in near.events):
            return True
        if mentions(near.body, "setattr") or _spreads_values(near.body):
            return True
    return False


def _spreads_values(body: Any) -> bool:
    """Whether a statement's ``values()`` gets what a dictionary holds."""
    pending = [body]
    while pending:
        current = pending.pop()
        if type(current) is tuple:
            # a parameter of this name looks the same but for its kind
            call = len(current) == 5 and current[0] == "c" and type(current[1]) is tuple
            called = call and current[2][0] == "a" and current[2][3] == "values"
            if called and (current[3] or any(key is None for key, _ in current[4])):
                return True
            pending.extend(current)
    return False


def _injected(program: Program, event: Event, callee: FunctionInfo) -> str | None:
    """The parameter of a router's or service's function that is given what a tenant resolver has injected."""
    tenants = injected_tenants(program)
    for identity, value in event.bindings if tenants else ():
        own = isinstance(identity, Param) and identity.info is callee
        if own and not tenants.isdisjoint(value) and _is_subject(program, callee):
            return str(identity.name)
    return None


def _prepared(program: Program, event: Event) -> tuple[FunctionInfo, str] | None:
    """The function and its tenant parameter that is filled in for later."""
    found = ((f, n) for f, n in prepared(program, event) if program.role(f) not in _BEYOND)
    return next(((f, n) for f, n in found if _is_subject(program, f)), None)


def _scheduled(program: Program, event: Event) -> tuple[FunctionInfo, str] | None:
    """The started function and its tenant parameter."""
    return next(((f, n) for f, n in scheduled(program, event) if program.role(f) not in _BEYOND), None)


def _is_given(event: Event, callee: FunctionInfo, name: str, value: Any) -> bool:
    """Whether the argument is written at the call, not left to the default; ``None`` is no tenant."""
    if value == _NO_TENANT:
        return False
    expr = event.expr
    if expr is None or expr[0] != "c":
        return bool(value) and value != callee.param_values.get(name, ((), ()))[1]
    if any(key == name for key, _ in expr[4]):
        return True
    spread = sum(key is None for key, _ in expr[4])
    if spread > 1 or (spread and not hands_on(event)):
        return True
    position = [p[0] for p in callee.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    if name not in position:
        return False
    index = position.index(name)
    if callee.class_info is not None and not callee.is_staticmethod:
        index -= 1
    return index < len(expr[3]) or any(a[0] == "*" for a in expr[3])
