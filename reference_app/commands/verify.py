"""The seven checks of a database connection, each with real operations, each with the reason and remedy if it fails."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from fastapi.dependencies.models import Dependant
from sqlalchemy import column, delete, func, literal, select, table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.commands.migrate import newest_revision
from reference_app.commands.reasons import reason_of
from reference_app.database_url import is_supabase_pooler
from reference_app.migrations.role_settings import timeouts
from reference_app.models import ConnectionProbe
from reference_app.routers import endpoints
from reference_app.session import get_session, get_session_dependency, open_database, tls_context
from reference_app.settings import Settings

_ROUNDS = 5
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One of the seven checks and how it went; ``detail`` says what was seen, or why it failed and what to do."""

    number: int
    title: str
    passed: bool
    detail: str


class CheckFailedError(Exception):
    """A check found something wrong."""


class _UndoError(Exception):
    """Raised to have a transaction rolled back."""


Check = Callable[[Settings], Awaitable[str]]


async def verify_connection(settings: Settings) -> list[CheckResult]:
    """Runs all seven checks on the configured database, also after one has failed."""
    async with open_database(settings):
        return [await _run(number, title, check, settings) for number, (title, check) in enumerate(CHECKS, 1)]


async def _run(number: int, title: str, check: Check, settings: Settings) -> CheckResult:
    try:
        return CheckResult(number, title, True, await check(settings))
    except CheckFailedError as error:
        return CheckResult(number, title, False, str(error))
    except (SQLAlchemyError, OSError, ssl.SSLError, TimeoutError) as error:
        return CheckResult(number, title, False, reason_of(error, settings))


async def only_the_dependency(settings: Settings) -> str:
    """Every endpoint that has a session gets it from the one dependency, and the dependency works."""
    routes = endpoints()
    with_session = 0
    for route in routes:
        for dependant in _all_below(route.dependant):
            if dependant.call is not get_session_dependency:
                continue
            with_session += 1
            if dependant.scope != "function":
                raise CheckFailedError(f'{route.path} holds its session beyond its return; add scope="function".')
    async with asynccontextmanager(get_session_dependency)() as session, session.begin():
        await session.execute(select(literal(1)))
    return f"{with_session} of {len(routes)} endpoints take a session, all from the one dependency; SELECT 1 works"


async def one_engine(settings: Settings) -> str:
    """Sessions with and without a request come from one pool, and give their connections back."""
    from_request = asynccontextmanager(get_session_dependency)
    async with from_request() as first, first.begin(), get_session() as second, second.begin():
        await first.execute(select(literal(1)))
        await second.execute(select(literal(1)))
        if first.get_bind() is not second.get_bind():
            raise CheckFailedError("Sessions come from two engines; make the one in reference_app/session.py only.")
    return f"one engine for requests and jobs, {settings.pool_min} to {settings.pool_max} connections"


async def username(settings: Settings) -> str:
    """The user is the one the pooler wants, and the database knows it."""
    url = settings.url()
    async with get_session() as session, session.begin():
        current = await session.scalar(select(func.current_user()))
    expected = (url.username or "").partition(".")[0] if is_supabase_pooler(url) else url.username
    if current != expected:
        raise CheckFailedError(f"Logged in as {current!r}, not {expected!r}; correct the user in the database URL.")
    return f"logged in as {url.username}"


async def transport(settings: Settings) -> str:
    """The connection is encrypted as the settings say, and the server's certificate verified where they say so."""
    async with get_session() as session, session.begin():
        await session.execute(select(literal(1)))
    context = tls_context(settings)
    if context is None:
        return "TLS is off, as set for this server"
    if context.session_stats()["connect_good"] < 1:
        raise CheckFailedError("The connection is not encrypted; turn TLS on at the server.")
    return "encrypted, certificate verified" if settings.tls() == "verified" else "encrypted, certificate not verified"


async def statement_cache(settings: Settings) -> str:
    """Many transactions at once leave no prepared statement behind on the server's connections."""

    async def transaction(number: int) -> None:
        async with get_session() as session, session.begin():
            got = await session.scalar(select(literal(number)))
            if got != number:
                raise CheckFailedError("A statement of another connection ran in its place; turn both caches off.")

    for _ in range(_ROUNDS):
        await asyncio.gather(*(transaction(number) for number in range(_AT_ONCE)))
    async with get_session() as session, session.begin():
        left = await session.scalar(select(func.count()).select_from(table("pg_prepared_statements")))
    if left:
        raise CheckFailedError(f"{left} prepared statements are left on a server connection; turn both caches off.")
    return f"{_ROUNDS * _AT_ONCE} transactions, {_AT_ONCE} at once, left no prepared statement"


async def no_identity_in_connection(settings: Settings) -> str:
    """The connection carries no claims, no switched role, and no table a tenant column."""
    columns = table(
        "columns", column("table_name"), column("column_name"), column("table_schema"), schema="information_schema"
    )
    async with get_session() as session, session.begin():
        claims = await session.scalar(select(func.current_setting("request.jwt.claims", True)))
        role = await session.scalar(select(func.current_setting("role")))
        found = await session.scalars(
            select(columns.c.table_name)
            .where(columns.c.column_name == "tenant_id", columns.c.table_schema == func.current_schema())
            .order_by(columns.c.table_name)
        )
        tenants = list(found)
    if claims:
        raise CheckFailedError("The connection carries JWT claims; check tokens in routers and pass the user's id.")
    if role != "none":
        raise CheckFailedError(f"The connection has switched to the role {role}; log in as the role the service needs.")
    if tenants:
        raise CheckFailedError(f"Tables with a tenant column: {', '.join(tenants)}; drop it, access is the router's.")
    return "no claims, no switched role, no tenant column"


async def operations(settings: Settings) -> str:
    """A commit lasts, a rollback leaves nothing, a savepoint rolls back alone, time-outs and schema are as expected."""
    await _expect_schema()
    kept, dropped, undone = uuid4(), uuid4(), uuid4()
    async with get_session() as session, session.begin():
        session.add(ConnectionProbe(id=kept, note="committed"))
        await session.flush()
        await _undo_in_savepoint(session, undone)
    await _undo_in_transaction(dropped)
    async with get_session() as session, session.begin():
        found = await session.scalars(select(ConnectionProbe.id).where(ConnectionProbe.id.in_([kept, dropped, undone])))
        left = list(found)
        await session.execute(delete(ConnectionProbe).where(ConnectionProbe.id.in_(left)))
    if left != [kept]:
        raise CheckFailedError(
            "Transactions do not end as asked; is the pooler in statement mode? Use transaction mode."
        )
    return f"commit, rollback and savepoint work; {await _expect_timeouts(settings)}"


async def _expect_timeouts(settings: Settings) -> str:
    in_force = table("pg_settings", column("name"), column("setting"))
    wanted = timeouts(settings)
    async with get_session() as session, session.begin():
        query = select(in_force.c.name, in_force.c.setting).where(in_force.c.name.in_(wanted))
        found = {name: int(value) for name, value in await session.execute(query)}
    wrong = [f"{name} is {found[name]} ms, not {value}" for name, value in wanted.items() if found[name] != value]
    if wrong:
        raise CheckFailedError(
            f"{'; '.join(wrong)}. Run `python -m reference_app migrate` as the user of this URL, which puts the "
            "time-outs of the settings on the role, then let the pooler reconnect (RECONNECT, or restart it)."
        )
    return ", ".join(f"{name} {value} ms" for name, value in found.items())


async def _undo_in_savepoint(session: AsyncSession, probe_id: UUID) -> None:
    with suppress(_UndoError):
        async with session.begin_nested():
            await _write_and_undo(session, probe_id)


async def _undo_in_transaction(probe_id: UUID) -> None:
    with suppress(_UndoError):
        async with get_session() as session, session.begin():
            await _write_and_undo(session, probe_id)


async def _write_and_undo(session: AsyncSession, probe_id: UUID) -> None:
    session.add(ConnectionProbe(id=probe_id, note="to be undone"))
    await session.flush()
    raise _UndoError


async def _expect_schema() -> None:
    versions = table("alembic_version", column("version_num"))
    expected = newest_revision()
    try:
        async with get_session() as session, session.begin():
            current = await session.scalar(select(versions.c.version_num))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "42P01":
            raise
        current = None
    if current != expected:
        raise CheckFailedError(
            f"The schema is at {current or 'nothing'}, not {expected}; run `python -m reference_app migrate`."
        )


def _all_below(dependant: Dependant) -> list[Dependant]:
    return [dependant, *(found for child in dependant.dependencies for found in _all_below(child))]


CHECKS: tuple[tuple[str, Check], ...] = (
    ("endpoints use only the injected session", only_the_dependency),
    ("nothing else makes sessions", one_engine),
    ("user name", username),
    ("TLS", transport),
    ("statement cache off", statement_cache),
    ("no claims or tenants in the connection", no_identity_in_connection),
    ("real operations", operations),
)
