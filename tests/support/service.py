"""The reference service under test: its real application on a real database behind the real pooler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from reference_app.auth.api_keys import make_api_key
from reference_app.auth.permissions import ROLE_PERMISSIONS, Permission
from reference_app.main import create_app
from reference_app.models import Base, Role
from reference_app.observability import metrics
from reference_app.observability.logs import configure_logging
from reference_app.services import api_keys, users
from reference_app.session import get_session
from reference_app.settings import Settings
from tests.reference_app.conftest import Database

API = "/api/v3"
MakeService = Callable[..., Any]


@dataclass(frozen=True)
class Caller:
    """A user and the headers that authenticate them."""

    user_id: UUID
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.key}


class Service:
    """A started application and a client of it."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, settings: Settings) -> None:
        self.app = app
        self.client = client
        self.settings = settings
        self._users = 0

    async def caller(self, role: Role = Role.OPERATOR, scopes: Iterable[Permission] | None = None) -> Caller:
        """A new user with this role and a key with these scopes, or all that the role allows."""
        self._users += 1
        new = make_api_key()
        granted = ROLE_PERMISSIONS[role] if scopes is None else scopes
        async with get_session() as session, session.begin():
            email = f"user{self._users}@example.com"
            user = await users.create_user(session, email=email, display_name=email, role=role)
            await api_keys.add_key(
                session,
                user_id=user.id,
                name="test",
                prefix=new.prefix,
                digest=new.digest,
                scopes=[scope.value for scope in granted],
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
        return Caller(user.id, new.text)

    async def call(self, method: str, path: str, caller: Caller | None = None, **options: Any) -> httpx.Response:
        """One request; `path` without the version's prefix unless it starts at the root."""
        headers = {**(caller.headers if caller else {}), **options.pop("headers", {})}
        full = path if path.startswith(("/health", "/metrics", "/api/")) else API + path
        return await self.client.request(method, full, headers=headers, **options)

    async def row_counts(self) -> dict[str, int]:
        """How many rows each table has."""
        async with get_session() as session, session.begin():
            return {
                table.name: (await session.execute(select(func.count()).select_from(table))).scalar_one()
                for table in Base.metadata.sorted_tables
            }


@asynccontextmanager
async def running_service(database: Database, **changes: Any) -> AsyncIterator[Service]:
    """The application with settings for `database`, changed as asked, started and stopped."""
    values: dict[str, Any] = {
        "environment": "test",
        "database_url": database.url,
        "rate_limit": "100000/minute",
        "creation_rate_limit": "100000/minute",
        "failed_auth_rate_limit": "100000/minute",
        "progress_poll_seconds": 0.05,
        "progress_stream_seconds": 5,
        "allow_loopback": True,
        "log_level": "WARNING",
    }
    settings = Settings(**(values | changes))
    configure_logging(settings)
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield Service(app, client, settings)


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Service]:
    """The service on this test's database."""
    async with running_service(database) as started:
        yield started


@pytest.fixture
async def operator(service: Service) -> Caller:
    """An operator with a key for everything an operator may do."""
    return await service.caller(Role.OPERATOR)


@pytest.fixture
async def admin(service: Service) -> Caller:
    """An administrator with a key for everything."""
    return await service.caller(Role.ADMIN)


def connections_in_use() -> float:
    """How many connections of the service's pool are checked out now."""
    (metric,) = metrics.POOL_CHECKED_OUT.collect()
    return float(metric.samples[0].value)


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem detail with this status and code; gives it for more."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["type"] == f"/problems/{code}"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem
