"""TXN305: a tenant put into the state of a connection or session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.hooking import RECORD
from sessionlint.program.model import Event
from sessionlint.program.values import Ext, Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.connectionstate import options_of, settings_elsewhere, settings_in
from sessionlint.rules.setting_calls import setting_calls, uses_found
from sessionlint.rules.sqltext import SqlUse, bound_settings
from sessionlint.rules.tenancy import is_tenant_expression, is_tenant_key, keeps_out, mentions_tenant, stems
from sessionlint.rules.tenant_values import SCHEMAS, bound_tenants, chooses_schema, reads_tenant

META = Rule(
    code="TXN305",
    name="tenant-in-connection-state",
    summary="A tenant is put into the state of a connection or session.",
    rationale=(
        "A transaction pooler gives the server connection to another client after the commit: a `SET` outlives the "
        "request and decides what the next client sees, while this one's next transaction runs somewhere else without "
        "it. Nothing in the application reads the setting any more since tenant isolation was removed."
    ),
    remedy="Delete the statement or option; decide access in the router.",
    not_flagged="Other settings (`SET LOCAL statement_timeout`, `application_name`), unless a tenant id is "
    "put in as their value; tests and migrations.",
    presets=("scrapersky",),
)

BAD = [
    Bad(
        source="""
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def scope(session: AsyncSession, tenant):
    await session.execute(text("SET app.tenant_id = :t"), {"t": tenant})  # TXN305@27
    await session.execute(text(f"SET LOCAL app.current_tenant = '{tenant}'"))  # TXN305@27
    await session.execute(text("SELECT set_config('app.tenant_id', :t, true)"), {"t": tenant})  # TXN305@27
    await session.execute(select(func.set_config("app.tenant", tenant, True)))  # TXN305@34
    session.info["tenant_id"] = tenant  # TXN305@5
    session.info.update(tenant_id=tenant)  # TXN305@5
    session.info.setdefault("tenant_id", tenant)  # TXN305@5
    await session.connection(execution_options={"tenant_id": tenant})  # TXN305@11
    return select(1).execution_options(tenant_id=tenant)  # TXN305@12


def connect(url, tenant):
    create_async_engine(url, connect_args={"server_settings": {"app.tenant_id": tenant}})  # TXN305@5
    AsyncSession(url, info={"tenant_id": tenant})  # TXN305@5
    create_async_engine(url, connect_args={"options": f"-c app.tenant_id={tenant}"})  # TXN305@5
    return create_async_engine(url, execution_options={"tenant_id": tenant})  # TXN305@12
"""
    ),
    Bad(
        source="""
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SETTING = text("SELECT set_config(:name, :value, true)")


async def scope(session: AsyncSession, tenant):
    await session.execute(SETTING, {"name": "app.tenant_id", "value": tenant})  # TXN305@11


async def set_local(session: AsyncSession, name, value):
    await session.execute(SETTING, {"name": name, "value": value})


async def scope_by_helper(session: AsyncSession, tenant):
    await set_local(session, "app.tenant_id", tenant)  # TXN305@11
    await set_local(session, "app.locale", "app.tenant_id")
"""
    ),
    Bad(
        source="""
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def scope(session: AsyncSession, user):
    session.info["tenant"] = user.team  # TXN305@5
    session.info["owner"] = user.tenant_id  # TXN305@5
    session.info["scope"] = {"tenant_id": user.team}  # TXN305@5
    session.info |= {"tenant_id": user.team}  # TXN305@5
    await session.scalar(select(func.pg_catalog.set_config("app.tenant_id", user.team, True)))  # TXN305@33
"""
    ),
    Bad(
        source="""
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def scope(session: AsyncSession, tenant_id: str):
    await session.connection(execution_options={"schema_translate_map": {None: tenant_id}})  # TXN305@11
    await session.execute(text("SET search_path TO " + tenant_id))  # TXN305@27


def schemas(engine: AsyncEngine, tenant_id):
    return engine.execution_options(schema_translate_map={"tenant": f"t_{tenant_id}"})  # TXN305@12
"""
    ),
    Bad(
        source="""
from enum import StrEnum

from sqlalchemy import func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession


class Dial(StrEnum):
    WHO = "app.tenant_id"
    LONG = "lock_timeout"


async def turn(session, dial, value):
    await session.execute(text(f"SELECT set_config('{dial}', :v, true)"), {"v": value})


async def turn_back(session, dial):
    await session.execute(text(f"SET LOCAL {dial} TO DEFAULT"))


async def turn_by_call(session, dial, value):
    await session.execute(select(func.set_config(dial, value, True)))


async def remembered(session, who):
    await session.execute(select(1))
    session.info["tenant_id"] = who  # TXN305@5
    session.info["since"] = who


async def told(client, who):
    await client.execute("MULTI")
    client.info["tenant_id"] = who


async def open_house(session: AsyncSession, who):
    await turn(session, "app.tenant_id", who)  # TXN305@11
    await turn_by_call(session, Dial.WHO, who)  # TXN305@11
    await session.execute(select(func.set_config(literal("app.tenant_id"), who, True)))  # TXN305@34
    await session.execute(select(func.set_config(literal(Dial.WHO), who, literal(True))))  # TXN305@34
    await turn(session, "lock_timeout", "1s")
    await turn_by_call(session, Dial.LONG, "1s")
    await session.execute(select(func.set_config(literal(Dial.LONG), "1s", True)))
    await turn_back(session, "app.tenant_id")  # TXN305@11
    await turn_back(session, "lock_timeout")
"""
    ),
    Bad(
        path="app/session.py",
        policy=(("session-dependencies", []), ("session-contexts", [])),
        source="""
import psycopg
from sqlalchemy import URL, create_engine, event

BARN = "postgresql+psycopg2://barn@localhost/barn"
engine = create_engine(BARN)


@event.listens_for(engine, "checkout")
def marked(connection, kept, proxied):
    kept.info["tenant_id"] = 7  # TXN305@5
    kept.info.update(tenant_id=7)  # TXN305@5
    kept.info["since"] = 7


@event.listens_for(engine, "do_connect")
def sorted_in(dialect, pooled, positional, named):
    named["options"] = "-c lock_timeout=900 -c barn.tenant_id=7"  # TXN305@5


@event.listens_for(engine, "do_connect")
def labelled(dialect, pooled, positional, named):
    named["server_settings"] = {"barn.tenant": "7"}  # TXN305@5
    named["server_settings"]["barn.tenant_id"] = "7"  # TXN305@5
    named["server_settings"]["application_name"] = "tenants"
    named["tenant_file"] = "-c barn.tenant_id=7"


def stalls(number):
    query = {"options": f"-c barn.tenant={number}"}
    return create_engine(URL.create("postgresql+psycopg2", host="localhost", query=query))  # TXN305@26


def rows(number):
    with psycopg.connect(f"postgresql://barn@localhost/barn?options=-c%20barn.tenant_id%3D{number}"):  # TXN305@10
        return create_engine(f"{BARN}?options=-c%20lock_timeout%3D{number}&application_name=tenants")
""",
    ),
    Bad(
        """
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession


def timeout_of(key):
    return len(str(key))


async def by_path(session: AsyncSession, who):
    await session.execute(text(f"SET LOCAL search_path TO t_{who.tenant_id}"))  # TXN305@27


async def by_kept_text(session: AsyncSession, who):
    statement = f"SET LOCAL search_path TO t_{who.tenant_id}"
    await session.execute(text(statement))  # TXN305@27


async def by_map(session: AsyncSession, who):
    await session.connection(execution_options={"schema_translate_map": {None: f"t_{who.tenant_id}"}})  # TXN305@11


async def by_bind(session: AsyncSession, who):
    await session.execute(text("SELECT set_config('app.scope', :t, true)"), {"t": str(who.tenant_id)})  # TXN305@11


async def by_stem(session: AsyncSession, tenant):
    path = text("SELECT set_config('search_path', :s, true)")
    await session.execute(path, {"s": f"tenant_{tenant}"})  # TXN305@11


async def by_call(session: AsyncSession, who):
    await session.execute(select(func.set_config("app.scope", str(who.tenant_id), True)))  # TXN305@34


async def others(session: AsyncSession, who):
    await session.execute(text(f"SET LOCAL search_path TO u_{who.name}"))
    await session.execute(text(f"SET LOCAL statement_timeout = {timeout_of(who.tenant_id)}"))
    await session.execute(text(f"SET LOCAL lock_timeout = {who.tenant.patience}"))
    await session.execute(text("SELECT set_config('app.scope', :t, true)"), {"t": str(who.name)})
    await session.execute(text("SELECT count(*), :t FROM items"), {"t": str(who.tenant_id)})
    await session.connection(execution_options={"schema_translate_map": {None: "reporting"}})
"""
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def scope(session: AsyncSession, tenant, request, response):
    await session.execute(text("SET LOCAL statement_timeout = '5s'"))
    await session.execute(text("SELECT set_config('application_name', 'tenants', true)"))
    await session.execute(select(func.set_config("lock_timeout", "1s", True)))
    session.info["request_id"] = request
    session.info["tenants_seen"] = 3
    session.info["scope"] = {"team": tenant}
    session.info |= {"request_id": request}
    response.info |= {"tenant_id": tenant}
    response.info["tenant_id"] = tenant
    payload = {"tenant_id": tenant}
    payload["tenant_id"] = tenant
    await session.execute(text("UPDATE jobs SET tenant_id = :t WHERE id = :i"))
    return select(1).execution_options(populate_existing=True)


def connect(url):
    return create_async_engine(url, connect_args={"server_settings": {"application_name": "tenant_api"}})
"""
    ),
]

#: What a pool keeps beside a driver's connection, and the methods that put something there.
_OF_POOL = Ext(f"{RECORD}.info")
_BESIDE = "the info of a pooled connection"
_PUT_BESIDE = (f"{RECORD}.info.update", f"{RECORD}.info.setdefault")
_SET = regex(r"^\s*SET\s+(?:LOCAL\s+|SESSION\s+)?([\w.\"]+)\s*(?:=|TO\b)", re.I)
_SET_CONFIG = regex(r"\bset_config\(\s*'([^']*)'", re.I)


def check(program: Program) -> Iterator[Finding]:
    """SET and set_config, session.info, execution options and connection arguments that carry a tenant."""
    for event, what in _found(program):
        if not keeps_out(program, event.function):
            yield program.finding(
                META,
                event,
                f"A tenant is put into the connection's state ({what}). Delete it: nothing may depend on the "
                "state of a "
                "pooled connection.",
            )


def _found(program: Program) -> Iterator[tuple[Event, str]]:
    yield from ((use.event, f"SET {name}") for use, name in uses_found(program, lambda use: _set_in(program, use)))
    for event, names in setting_calls(program):
        given = event.expr[3][1] if event.expr is not None and event.expr[0] == "c" and len(event.expr[3]) > 1 else None
        if any(mentions_tenant(program, n) for n in names) or reads_tenant(program, event.function, given):
            yield event, "set_config"
    yield from bound_tenants(program)
    for event, name in bound_settings(program):
        if "." in name and mentions_tenant(program, name):
            yield event, f"set_config({name!r})"
    yield from _info(program)
    told: set[object] = set()
    for event, names in settings_elsewhere(program):
        setting = next((n for n in names if mentions_tenant(program, n)), None)
        if setting is not None and event.site not in told:
            told.add(event.site)
            yield event, setting
    for event in program.events("options", "use", "create"):
        if event.site not in told:
            yield from ((event, what) for what in _options(program, event)[:1])


def _set_in(program: Program, use: SqlUse) -> str | None:
    """The setting that an SQL text gives a tenant to."""
    for text in use.texts:
        names = [m.group(1) for m in (*_SET.finditer(text.text), *_SET_CONFIG.finditer(text.text))]
        named = next((n for n in names if mentions_tenant(program, n)), None)
        if named is None and names and (_is_tenant(program, text) or _puts_tenant(program, use, text.dynamic)):
            named = names[0]
        if named:
            return named.replace("\0", "…")
    return None


def _puts_tenant(program: Program, use: SqlUse, dynamic: bool) -> bool:
    """Whether a text that is put together here reads a tenant for a value."""
    return dynamic and reads_tenant(program, use.event.function, use.event.expr)


def _info(program: Program) -> Iterator[tuple[Event, str]]:
    for event in program.events("setitem"):
        of_session = any(a.tag == "method" and a.name == "info" and program.kind(a.receiver) for a in event.subject)
        if of_session and _keeps_tenant(program, event):
            yield event, "session.info"
        elif not of_session and _OF_POOL in event.subject and _keeps_tenant(program, event):
            yield event, _BESIDE
    put = [e for e in program.events("external") if e.name in _PUT_BESIDE]
    for event in (*program.events("info"), *put):
        keys = [k for k, _ in event.keywords]
        keys += [k for a in (event.args[0] if event.args else ()) for k in _keys(a)]
        if any(is_tenant_key(program, k) for k in keys if isinstance(k, str)):
            yield event, "session.info" if event.kind == "info" else _BESIDE


def _keeps_tenant(program: Program, event: Event) -> bool:
    """Whether an entry is a tenant by its key, by what is read for it, or by the keys of what is put there."""
    key = event.name.lower()
    return (
        is_tenant_key(program, key)
        or key.removeprefix("current_") in stems(program)
        or is_tenant_expression(program, event.expr)
        or any(is_tenant_key(program, k) for a in event.value for k in _keys(a) if isinstance(k, str))
    )


def _keys(atom: Any) -> list[Any]:
    return [k for k, _ in atom.items] if atom.tag == "map" else [atom.value] if atom.tag == "const" else []


def _options(program: Program, event: Event) -> list[str]:
    found: list[str] = []
    if event.kind == "options":
        found += [k for k, _ in event.keywords if is_tenant_key(program, k)]
        found += [k for k, v in event.keywords if k == SCHEMAS and _maps_tenant(program, event, v)]
    for name, value in event.keywords:
        if name in ("execution_options", "info"):
            found += [
                k
                for a in value
                if a.tag == "map"
                for k, v in a.items
                if isinstance(k, str)
                and (is_tenant_key(program, k) or (k == SCHEMAS and _maps_tenant(program, event, v)))
            ]
    if event.kind == "create":
        found += [n for n, _ in (*settings_in(event), *options_of(event)) if mentions_tenant(program, n)]
    return found


def _maps_tenant(program: Program, event: Event, value: Value) -> bool:
    """Whether a schema map (or the text of a setting) is chosen by a tenant id."""
    return chooses_schema(program, event) or any(
        _is_tenant(program, inner)
        for atom in value
        for part in (atom.items if atom.tag == "map" else ())
        for inner in part[1]
    )


def _is_tenant(program: Program, atom: Any) -> bool:
    if atom.tag == "param":
        return is_tenant_key(program, atom.name)
    if atom.tag == "operation":
        return _is_tenant(program, atom.receiver)
    return atom.tag == "text" and any(_is_tenant(program, hole) for hole in atom.holes)
