"""A backend of any size for benchmarks: one project of many areas that call each other, most of it lawful."""

from __future__ import annotations

from pathlib import Path

#: How many endpoints the router of an area has, and how many the one large router.
ENDPOINTS = 6
LARGE_ROUTER = "app/routers/large.py"

_POLICY = """\
preset = "scrapersky"
session-modules = ["app/db/session.py"]
session-dependencies = ["app.db.session.get_session_dependency"]
session-contexts = ["app.db.session.get_session"]
auth-dependencies = ["app.auth.security.current_user"]

[layers]
router = ["app/routers/**"]
service = ["app/services/**"]
background = ["app/jobs/**"]
auth = ["app/auth/**"]
model = ["app/models/**"]
"""

_SESSION = '''\
"""The one place where sessions are made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(
    settings.database_url,
    pool_size=10,
    max_overflow=10,
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0, "ssl": settings.tls},
)
factory = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def get_session() -> AsyncIterator[AsyncSession]:
    async with factory() as session:
        yield session


async def get_session_dependency() -> AsyncIterator[AsyncSession]:
    async with factory() as session:
        yield session
'''

_SETTINGS = '''\
"""Settings from the environment."""

import ssl

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
    jwt_key: str

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


settings = Settings()
'''

_SECURITY = '''\
"""Who is calling."""

from uuid import UUID

import jwt
from fastapi import Header, HTTPException

from app.settings import settings


class User:
    def __init__(self, id: UUID) -> None:
        self.id = id


async def current_user(authorization: str = Header()) -> User:
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), settings.jwt_key, algorithms=["HS256"])
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    return User(UUID(claims["sub"]))
'''

_MODEL = '''\
"""Tables of {area}."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, func
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class {Area}(Base):
    __tablename__ = "{area}"

    id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(200), index=True)
    status: Mapped[str] = mapped_column(String(20), default="pending")
    created_by: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    notes: Mapped[list["{Area}Note"]] = relationship(back_populates="owner", lazy="raise_on_sql")


class {Area}Note(Base):
    __tablename__ = "{area}_notes"

    id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    owner_id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("{area}.id"))
    text: Mapped[str]
    owner: Mapped[{Area}] = relationship(back_populates="notes", lazy="raise_on_sql")
'''

_SERVICE_HEAD = '''\
"""What can be done with {area}."""

import logging
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.{area} import {Area}, {Area}Note
from app.services import {neighbour}_service

logger = logging.getLogger(__name__)


async def find(session: AsyncSession, id: UUID) -> {Area} | None:
    return await session.get({Area}, id)


async def overview(session: AsyncSession, status: str, limit: int = 50) -> list[{Area}]:
    query = select({Area}).where({Area}.status == status).order_by({Area}.created_at.desc()).limit(limit)
    return list((await session.scalars(query)).all())


async def count_all(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from({Area})) or 0
'''

_SERVICE_OPERATION = """\


async def change_{number}(session: AsyncSession, id: UUID, name: str, user_id: UUID) -> {Area}:
    found = await find(session, id)
    if found is None:
        found = {Area}(id=id, name=name, created_by=user_id)
        session.add(found)
    else:
        found.name = name
    if len(name) > {number}0:
        related = await {neighbour}_service.find(session, id)
        if related is not None:
            session.add({Area}Note(owner_id=id, text=f"also known as {{related.name}}"))
    await session.execute(update({Area}).where({Area}.id == id).values(status="changed"))
    await session.flush()
    logger.info("changed %s to %s", id, name)
    return found
"""

_ROUTER_HEAD = '''\
"""Endpoints of {area}."""

from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import User, current_user
from app.db.session import get_session_dependency
from app.jobs.{area}_jobs import refresh_{area}
from app.services import {area}_service

router = APIRouter(prefix="/{area}", tags=["{area}"])


class {Area}Out(BaseModel):
    id: UUID
    name: str
    status: str


class {Area}In(BaseModel):
    name: str
'''

_ENDPOINT = """\


@router.put("/{{id}}/part-{number}")
async def put_{area}_{number}(
    id: UUID,
    body: {Area}In,
    tasks: BackgroundTasks,
    session: AsyncSession = Depends(get_session_dependency),
    user: User = Depends(current_user),
) -> {Area}Out:
    if not body.name.strip():
        raise HTTPException(422, detail="the name is empty")
    async with session.begin():
        changed = await {area}_service.change_{service}(session, id, body.name, user.id)
        others = await {area}_service.overview(session, "pending", limit={number})
    for other in others:
        tasks.add_task(refresh_{area}, other.id)
    return {Area}Out(id=changed.id, name=changed.name, status=changed.status)
"""

_JOBS = '''\
"""Background work of {area}."""

import logging
from uuid import UUID

from app.db.session import get_session
from app.services import {area}_service, {neighbour}_service

logger = logging.getLogger(__name__)


async def refresh_{area}(id: UUID) -> None:
    try:
        async with get_session() as session, session.begin():
            found = await {area}_service.find(session, id)
            if found is None:
                return
            found.status = "fresh"
            await {neighbour}_service.change_0(session, id, found.name, found.created_by)
    except Exception:
        logger.exception("refreshing {area} %s failed", id)
        async with get_session() as session, session.begin():
            await {area}_service.change_1(session, id, "failed", id)
        raise


async def sweep_{area}() -> int:
    async with get_session() as session, session.begin():
        return await {area}_service.count_all(session)
'''

_COMMITTING = """\


async def {verb}_now(session: AsyncSession, id: UUID) -> None:
    found = await find(session, id)
    if found is not None:
        found.status = "{verb}"
        await session.commit()
"""


def write_backend(root: Path, areas: int = 80, large: int = 46) -> int:
    """Writes a project under ``root`` and gives its lines of Python; ``large`` endpoints are in one router."""
    files = {
        "app/db/session.py": _SESSION,
        "app/settings.py": _SETTINGS,
        "app/auth/security.py": _SECURITY,
    }
    for number in range(areas):
        files |= _area(f"area{number:03}", f"area{(number + 1) % areas:03}", careless=number % 10 == 0)
    files[LARGE_ROUTER] = _router("area000", large)
    files["app/main.py"] = _main(areas)
    for folder in {path.rsplit("/", 1)[0] for path in files} | {"app"}:
        files[f"{folder}/__init__.py"] = ""
    for path, text in {**files, "sessionlint.toml": _POLICY}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return sum(text.count("\n") for text in files.values())


def _area(area: str, neighbour: str, *, careless: bool) -> dict[str, str]:
    names = {"area": area, "Area": area.title(), "neighbour": neighbour}
    service = _SERVICE_HEAD.format(**names)
    service += "".join(_SERVICE_OPERATION.format(number=number, **names) for number in range(ENDPOINTS))
    if careless:
        service += _COMMITTING.format(verb="close")
    return {
        f"app/models/{area}.py": _MODEL.format(**names),
        f"app/services/{area}_service.py": service,
        f"app/routers/{area}.py": _router(area, ENDPOINTS),
        f"app/jobs/{area}_jobs.py": _JOBS.format(**names),
    }


def _router(area: str, endpoints: int) -> str:
    names = {"area": area, "Area": area.title()}
    text = _ROUTER_HEAD.format(**names)
    return text + "".join(_ENDPOINT.format(number=n, service=n % ENDPOINTS, **names) for n in range(endpoints))


def _main(areas: int) -> str:
    modules = [f"area{number:03}" for number in range(areas)] + ["large"]
    lines = ["from fastapi import FastAPI", "", f"from app.routers import {', '.join(modules)}", "", "app = FastAPI()"]
    return "\n".join([*lines, *(f"app.include_router({module}.router)" for module in modules), ""])
