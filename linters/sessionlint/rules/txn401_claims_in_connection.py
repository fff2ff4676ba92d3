"""TXN401: JWT claims, a role or a user put into the connection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.values import Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.connectionstate import execution_options, options_in, options_of, settings_elsewhere, settings_in
from sessionlint.rules.setting_calls import setting_calls, uses_found
from sessionlint.rules.sqltext import SqlUse, bound_settings

META = Rule(
    code="TXN401",
    name="claims-in-connection",
    summary="JWT claims, a role or a user are put into the connection.",
    rationale=(
        "Authentication ends at the router. A role or claim set on a pooled connection outlives the request: behind a "
        "transaction pooler the next client runs under it, and this client's next transaction runs without it. Options "
        "sent at connect hold for the whole pool, so they cannot describe one user at all, and the pooler refuses "
        "start-up parameters it does not know."
    ),
    remedy="Connect as the application's one database user; check roles and permissions in the router.",
    not_flagged=(
        "Time-outs, `application_name`, `search_path` and other settings that describe no user; execution options of "
        "one statement; what `session.info` keeps, which never reaches the server and ends with the session (what puts "
        "it into the connection is told of; a tenant there is TXN305's). Migrations, tests."
    ),
    presets=("scrapersky",),
)

BAD = [
    Bad(
        source="""
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def become(session: AsyncSession, claims, role):
    await session.execute(text("SET ROLE authenticated"))  # TXN401@27
    await session.execute(text(f"SET LOCAL ROLE {role}"))  # TXN401@27
    await session.execute(text("SET LOCAL role = 'anon'"))  # TXN401@27
    await session.execute(text("SET SESSION AUTHORIZATION 'bob'"))  # TXN401@27
    await session.execute(text("SELECT set_config('request.jwt.claims', :c, true)"), dict(c=claims))  # TXN401@27
    await session.execute(text("SELECT current_setting('request.jwt.claim.sub', true)"))  # TXN401@27
    await session.execute(select(func.set_config("role", role, True)))  # TXN401@34
    connection = await session.connection()
    await connection.exec_driver_sql(f"SET request.jwt.claim.role = '{role}'")  # TXN401@11


def connect(url, role, user, claims):
    create_async_engine(url, connect_args={"options": f"-c role={role} -c statement_timeout=5000"})  # TXN401@5
    create_async_engine(url, connect_args={"server_settings": {"request.jwt.claims": claims}})  # TXN401@5
    settings = {"application_name": "api"}
    settings["role"] = role
    create_async_engine(url, connect_args=dict(server_settings=settings))  # TXN401@5
    settings["options"] = "-c app.current_user_id=" + user  # TXN401@5
    return settings
"""
    ),
    Bad(
        source="""
import asyncpg
import psycopg


async def connect(dsn, role, user):
    await asyncpg.connect(dsn, server_settings={"role": role, "jit": "off"})  # TXN401@11
    with psycopg.connect(dsn, options=f"-c role={role}") as connection:  # TXN401@10
        connection.execute("SET ROLE " + role)  # TXN401@9
""",
        path="app/session.py",
        policy=(("session-dependencies", []), ("session-contexts", [])),
    ),
    Bad(
        source="""
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def identify(session: AsyncSession, claims):
    values = {"name": "request.jwt.claims", "value": claims}
    await session.execute(text("SELECT set_config(:name, :value, true)"), values)  # TXN401@11


async def set_local(session: AsyncSession, name, value):
    await session.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})


async def identify_by_helper(session: AsyncSession, claims):
    await set_local(session, "request.jwt.claim.sub", claims["sub"])  # TXN401@11
    await set_local(session, "app.color", "role")
"""
    ),
    Bad(
        """
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def claims(session: AsyncSession, values):
    for key, value in values.items():
        await session.execute(  # TXN401@15
            text("SELECT set_config(:k, :v, true)"), {"k": f"request.jwt.claim.{key}", "v": value}
        )
        name = "request.jwt.claim." + key
        await session.execute(text("SELECT set_config(:k, :v, true)"), {"k": name, "v": value})  # TXN401@15
"""
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession


async def sign(session: AsyncSession, connection: AsyncConnection, member):
    await session.connection(execution_options={"isolation_level": "SERIALIZABLE", "role": member.role})  # TXN401@11
    await connection.execution_options(current_user=member)  # TXN401@11


def signed(engine: AsyncEngine, claims):
    return engine.execution_options(jwt_claims=claims)  # TXN401@12
"""
    ),
    Bad(
        source="""
from sqlalchemy import func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession


async def turn(session, dial, value):
    await session.execute(text(f"SELECT set_config('{dial}', :v, true)"), {"v": value})


async def turn_by_call(session, dial, value):
    await session.execute(select(func.set_config(dial, value, True)))


async def open_house(session: AsyncSession, claims):
    await turn(session, "request.jwt.claims", claims)  # TXN401@11
    await turn_by_call(session, "request.jwt.claims", claims)  # TXN401@11
    await session.execute(select(func.set_config(literal("request.jwt.claims"), claims, True)))  # TXN401@34
    await turn(session, "lock_timeout", "1s")
    await turn_by_call(session, "lock_timeout", "1s")
    await session.execute(select(func.set_config(literal("lock_timeout"), "1s", True)))
"""
    ),
    Bad(
        path="app/session.py",
        policy=(("session-dependencies", []), ("session-contexts", [])),
        source="""
from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.ext.asyncio import create_async_engine

BOOTH = "postgresql+psycopg2://booth@localhost/booth"
engine = create_async_engine("postgresql+asyncpg://booth@localhost/booth")


def dressed(dialect, pooled, positional, named):
    named["server_settings"] = {"application_name": "role", "role": "clerk"}  # TXN401@5
    named["server_settings"]["request.jwt.claims"] = "{}"  # TXN401@5
    named.setdefault("server_settings", {})["role"] = "clerk"  # TXN401@5
    named.setdefault("server_settings", {})["jit"] = "off"
    named["command_timeout"] = 10
    named["password"] = dialect.name


event.listen(engine.sync_engine, "do_connect", dressed)


@event.listens_for(engine.sync_engine, "do_connect")
def optioned(dialect, pooled, positional, named):
    named["options"] = "-c role=clerk"  # TXN401@5


def seat(who):
    query = {"options": f"-c request.jwt.claim.sub={who}"}
    url = URL.create("postgresql+psycopg2", host="localhost", query=query)  # TXN401@11
    return create_engine(url)


def stool(role):
    first = create_engine(f"{BOOTH}?options=-c%20role%3D{role}")  # TXN401@13
    second = make_url(BOOTH).update_query_dict({"options": f"-c role={role}", "sslmode": "require"})
    third = make_url(BOOTH).update_query_dict({"options": f"-c lock_timeout={role}"})
    return first, create_engine(second), create_engine(third)  # TXN401@19
""",
    ),
]

GOOD = [
    Good(
        source="""
import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def connect(url, dsn, session, role, user):
    create_async_engine(url, connect_args={"options": "-c statement_timeout=5000", "server_settings": {"jit": "off"}})
    create_async_engine(url, connect_args={"command_timeout": 5, "statement_cache_size": 0})
    await asyncpg.connect(dsn, user=user, server_settings={"application_name": "role_service"})
    await session.execute(text("SET LOCAL lock_timeout = '1s'"))
    await session.execute(text("UPDATE users SET role = :r WHERE id = :i"), {"r": role})
    await session.execute(text("SELECT role FROM users WHERE name = 'request'"))
    await session.execute(text("INSERT INTO users (role) VALUES (:r) ON CONFLICT (id) DO UPDATE SET role = :r"))
    profile = {"role": role}
    profile["role"] = "admin"
    profile["options"] = "a=b"
    return profile
"""
    ),
    Good(
        source="""
from alembic import op


def upgrade():
    op.execute("SET ROLE owner")
    op.execute("CREATE POLICY p ON jobs USING (owner = current_setting('request.jwt.claim.sub')::uuid)")
""",
        path="migrations/versions/0001_roles.py",
    ),
    Good(
        """
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def limits(session: AsyncSession, values):
    for key, value in values.items():
        await session.execute(text("SELECT set_config(:k, :v, true)"), {"k": f"app.{key}", "v": value})
        await session.execute(text("SELECT set_config(:k, :v, true)"), {"k": key, "v": f"request.jwt.{value}"})
        await session.execute(text("SELECT name FROM users WHERE name = :k"), {"k": f"request.jwt.{key}"})
"""
    ),
    Good(
        """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def read(session: AsyncSession, member):
    await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    await session.execute(select(1), execution_options={"user": member})
    await session.execute(select(1).execution_options(user=member, populate_existing=True))
    session.info["claims"] = member.claims


def replica(engine: AsyncEngine, size):
    return engine.execution_options(role="replica", yield_per=size)
"""
    ),
]

_SQL = (
    regex(r"(?:^|;)\s*SET\s+(?:(?:LOCAL|SESSION)\s+)?ROLE\b", re.I),
    regex(r"(?:^|;)\s*SET\s+(?:(?:LOCAL|SESSION)\s+)?SESSION\s+AUTHORIZATION\b", re.I),
    regex(r"\brequest\.jwt\b", re.I),
    regex(
        r"\bset_config\(\s*'(?:role|session_authorization|[\w.]*(?:jwt|claims?|current_user|user_id|user_role)[\w.]*)'",
        re.I,
    ),
    regex(
        r"(?:^|;)\s*SET\s+(?:(?:LOCAL|SESSION)\s+)?\w+\.(?:\w*_)?(?:jwt\w*|claims?|user|user_id|user_role|role)\s*(?:=|TO\b)",
        re.I,
    ),
)
_SETTING = regex(
    r"^(?:role|session_authorization|request\..*|.*jwt.*|.*claims?|.*\.(?:current_)?(?:user|role|user_id|user_role|sub))$",
    re.I,
)
#: Names under which execution options keep who asks; a role that is written out names a database, not a user.
_USER = regex(
    r"^(?:(?:current|request|app|auth)_)?(?:user|roles?|sub|user_?(?:id|uuid|email|name|roles?))$|jwt|claims?$", re.I
)


def check(program: Program) -> Iterator[Finding]:
    """SQL statements, server settings and options that name a role, a user or claims."""
    for event, what in _found(program):
        if program.role(event.function) not in ("test", "migration"):
            yield program.finding(
                META,
                event,
                f"The connection is given a user's identity ({what}). Connect as the application; authentication "
                "ends at "
                "the router.",
            )


def _found(program: Program) -> Iterator[tuple[Event, str]]:
    yield from ((use.event, what) for use, what in uses_found(program, _set_in))
    for event, names in setting_calls(program):
        name = next((n for n in names if _SETTING.match(n)), None)
        if name:
            yield event, f"set_config({name!r})"
    yield from ((e, f"set_config({n!r})") for e, n in bound_settings(program) if _SETTING.match(n))
    told: set[object] = set()
    for event, names in settings_elsewhere(program):
        setting = next((n for n in names if _SETTING.match(n)), None)
        if setting is not None and event.site not in told:
            told.add(event.site)
            yield event, setting
    assigned: set[object] = set()
    for event in program.events("setitem"):
        found = [n for n, _ in options_in(event.value) if _SETTING.match(n)] if event.name == "options" else []
        if found:
            assigned.update((event.function, n) for n in found)
        if found and event.site not in told:
            yield event, f"-c {found[0]}"
    for event in program.events("create"):
        options = [n for n, _ in options_of(event) if _SETTING.match(n) and (event.function, n) not in assigned]
        names = options + [n for n, _ in settings_in(event) if _SETTING.match(n)]
        if names and event.site not in told:
            yield event, names[0]
    for event in program.events("options", "use", "create"):
        user = next((n for n, v in execution_options(event) if _USER.search(n) and not _is_written(v)), None)
        if user is not None:
            yield event, f"execution_options({user}=…)"


def _set_in(use: SqlUse) -> str | None:
    """What an SQL text sets of a user."""
    match = next((m for t in use.texts for p in _SQL if (m := p.search(t.text))), None)
    return match.group().strip("; \n").replace("\0", "…") if match else None


def _is_written(value: Value) -> bool:
    return bool(value) and all(a.tag == "const" for a in value)
