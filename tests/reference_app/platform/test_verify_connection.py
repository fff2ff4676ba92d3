"""`verify-connection`: seven checks with real operations, each failing for its own reason."""

from __future__ import annotations

import pytest

from reference_app.commands.migrate import migrate
from reference_app.commands.verify import CheckResult, verify_connection
from reference_app.settings import Settings, read_settings
from tests.reference_app.conftest import Database
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import PostgresServer
from tests.support.processes import free_port


async def verified(url: str) -> tuple[list[int], list[CheckResult]]:
    """The numbers of the checks that failed, and all results."""
    results = await verify_connection(read_settings(database_url=url))
    assert [result.number for result in results] == [1, 2, 3, 4, 5, 6, 7]
    return [result.number for result in results if not result.passed], results


async def set_up(url: str) -> Settings:
    settings = read_settings(database_url=url)
    await migrate(settings)
    return settings


async def test_all_seven_pass_through_the_pooler(empty_database: Database):
    await set_up(empty_database.direct_url)
    failed, results = await verified(empty_database.url)
    assert failed == [], results
    assert results[0].detail.startswith("24 of 26 endpoints take a session"), results[0].detail
    assert results[6].detail.startswith("commit, rollback and savepoint work; ")
    assert "statement_timeout 30000 ms" in results[6].detail


async def test_an_empty_database_is_told_to_be_migrated(empty_database: Database):
    failed, results = await verified(empty_database.url)
    assert failed == [7]
    assert "run `python -m reference_app migrate`" in results[6].detail


@pytest.mark.parametrize(
    ("change", "found"), [("RESET {}", 0), ("SET {} = '7s'", 7000)], ids=["missing", "another than the settings'"]
)
@pytest.mark.parametrize("timeout", ["statement_timeout", "idle_in_transaction_session_timeout"])
async def test_a_time_out_that_does_not_hold_is_told(
    postgres: PostgresServer, empty_database: Database, timeout: str, change: str, found: int
):
    await set_up(empty_database.direct_url)
    name = empty_database.name
    postgres.sql(f"ALTER ROLE app IN DATABASE {name} {change.format(timeout)}", name)
    failed, results = await verified(empty_database.url)
    assert failed == [7]
    assert results[6].detail.startswith(f"{timeout} is {found} ms, not 30000. Run `python -m reference_app migrate`")


async def test_a_tenant_column_is_told(postgres: PostgresServer, empty_database: Database):
    await set_up(empty_database.direct_url)
    postgres.sql("SET ROLE app; CREATE TABLE customers (tenant_id uuid)", empty_database.name)
    failed, results = await verified(empty_database.url)
    assert failed == [6]
    assert "customers" in results[5].detail


async def test_claims_in_the_connection_are_told(postgres: PostgresServer, empty_database: Database):
    await set_up(empty_database.direct_url)
    name = empty_database.name
    postgres.sql(f'ALTER ROLE app IN DATABASE {name} SET request.jwt.claims = \'{{"sub": "1"}}\'', name)
    failed, results = await verified(empty_database.url)
    assert failed == [6]
    assert "JWT claims" in results[5].detail


async def test_a_statement_cache_is_told(
    empty_database: Database, pgbouncer: PgBouncer, monkeypatch: pytest.MonkeyPatch
):
    await set_up(empty_database.direct_url)
    from sqlalchemy.ext.asyncio import create_async_engine

    from reference_app import session

    def caching(url: object, **options: object) -> object:
        arguments = {**options["connect_args"], "statement_cache_size": 100, "prepared_statement_cache_size": 100}  # type: ignore[dict-item]
        return create_async_engine(url, **{**options, "connect_args": arguments})  # type: ignore[arg-type]

    monkeypatch.setattr(session, "create_async_engine", caching)
    failed, results = await verified(empty_database.url)
    assert 5 in failed
    assert "cache" in results[4].detail


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("app-password", "wrong"), "The password is wrong"),
        (("127.0.0.1", "no-such-host.invalid"), "There is no host of that name"),
    ],
    ids=["password", "host"],
)
async def test_what_keeps_it_from_connecting_is_told(database: Database, change: tuple[str, str], reason: str):
    failed, results = await verified(database.direct_url.replace(*change))
    assert failed == [1, 2, 3, 4, 5, 6, 7]
    assert {reason in result.detail for result in results} == {True}, results


async def test_a_server_that_is_not_there_is_told():
    port = free_port()
    _, results = await verified(f"postgresql+asyncpg://app:secret@127.0.0.1:{port}/db")
    assert results[3].detail == f"Nobody answers on 127.0.0.1:{port}; start the server or correct host and port."
    assert not any("secret" in result.detail for result in results)


async def test_a_server_without_tls_is_told_when_tls_is_wanted(database: Database):
    settings = read_settings(database_url=database.direct_url, database_tls="required")
    results = await verify_connection(settings)
    assert not results[3].passed
    assert "does it speak TLS?" in results[3].detail, results[3]
