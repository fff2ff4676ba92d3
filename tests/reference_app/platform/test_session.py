"""The session module on a real pooler in transaction mode: TLS, several processes, rollback by default."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from reference_app.commands.migrate import migrate
from reference_app.commands.verify import verify_connection
from reference_app.models import ConnectionProbe
from reference_app.session import get_session, make_engine, open_database
from reference_app.settings import read_settings
from tests.reference_app.conftest import ROOT, Database
from tests.support.pgbouncer import PgBouncer, running_pgbouncer
from tests.support.postgres import PostgresServer
from tests.support.processes import hand_over
from tests.support.service import connections_in_use


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_pooler(postgres: PostgresServer, authority: trustme.CA) -> Iterator[PgBouncer]:
    """A pooler that lets nobody in without TLS."""
    folder = Path(tempfile.mkdtemp(prefix="sessionlint-tls-"))
    hand_over(folder)
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
    for file in folder.iterdir():
        hand_over(file)
    tls = {
        "client_tls_sslmode": "require",
        "client_tls_key_file": folder / "server.key",
        "client_tls_cert_file": folder / "server.pem",
    }
    try:
        with running_pgbouncer(postgres, options=tls) as pooler:
            yield pooler
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def transport_check(url: str, **settings: object) -> tuple[bool, str]:
    results = await verify_connection(read_settings(database_url=url, **settings))
    return results[3].passed, results[3].detail


async def test_the_right_authority_is_verified_and_a_wrong_one_refused(
    database: Database, tls_pooler: PgBouncer, authority: trustme.CA, tmp_path: Path
):
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    authority.cert_pem.write_to_path(right)
    trustme.CA().cert_pem.write_to_path(wrong)
    url = tls_pooler.url(database.name)
    assert await transport_check(url, database_ca_file=right) == (True, "encrypted, certificate verified")
    passed, reason = await transport_check(url, database_ca_file=wrong)
    assert not passed
    assert "is not trusted" in reason
    required = await transport_check(url, database_tls="required")
    assert required == (True, "encrypted, certificate not verified")
    passed, reason = await transport_check(url)
    assert not passed
    assert "insists on TLS" in reason


async def test_two_processes_at_once_make_no_error_and_leave_no_prepared_statement(
    database: Database, postgres: PostgresServer
):
    work = """
import asyncio, sys
from reference_app.session import get_session, open_database
from reference_app.settings import read_settings
from reference_app.commands.migrate import migrate
from reference_app.models import ConnectionProbe
from sqlalchemy import select

async def one(number):
    async with get_session() as session, session.begin():
        session.add(ConnectionProbe(note=f"note {number}"))
        await session.flush()
        found = await session.scalars(select(ConnectionProbe).where(ConnectionProbe.note == f"note {number}"))
        assert found.first().note == f"note {number}"

async def main():
    async with open_database(read_settings(database_url=sys.argv[1])):
        for _ in range(10):
            await asyncio.gather(*(one(number) for number in range(20)))

asyncio.run(main())
"""
    command = [sys.executable, "-c", work, database.url]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[1] for process in processes] == ["", ""]
    async with open_database(read_settings(database_url=database.url)):
        left = await asyncio.gather(*(prepared_statements() for _ in range(5)))
    assert left == [0] * 5
    assert postgres.sql("SELECT count(*) FROM connection_probes", database.name) == "400"


async def prepared_statements() -> int:
    async with get_session() as session, session.begin():
        count = await session.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
        await session.execute(select(func.pg_sleep(0.05)))
    return int(count or 0)


async def test_leaving_a_session_without_a_commit_rolls_back(database: Database):
    async with open_database(read_settings(database_url=database.url)):
        async with get_session() as session:
            session.add(ConnectionProbe(id=uuid4(), note="forgotten"))
            await session.flush()
            assert connections_in_use() == 1
        assert connections_in_use() == 0
        async with get_session() as session, session.begin():
            assert await session.scalar(select(func.count()).select_from(ConnectionProbe)) == 0


async def test_making_the_engine_connects_to_nothing_and_without_a_database_no_session_works():
    engine = make_engine(read_settings(database_url="postgresql+asyncpg://u:p@127.0.0.1:1/d"))
    await engine.dispose()
    with pytest.raises(Exception, match="bind"):
        async with get_session() as session, session.begin():
            await session.execute(text("SELECT 1"))


async def test_the_pool_keeps_to_its_bounds(database: Database):
    settings = read_settings(database_url=database.url, pool_min=5, pool_max=7)
    peak = 0.0

    async def hold() -> None:
        nonlocal peak
        async with get_session() as session, session.begin():
            await session.execute(select(func.pg_sleep(0.02)))
            peak = max(peak, connections_in_use())

    async with open_database(settings):
        await asyncio.gather(*(hold() for _ in range(40)))
    assert 5 <= peak <= 7


async def test_a_transaction_that_somebody_forgets_is_ended_and_gives_its_locks_back(
    postgres: PostgresServer, empty_database: Database
):
    settings = read_settings(database_url=empty_database.url, idle_in_transaction_timeout_seconds=0.2)
    # Past the pooler, whose connections keep the time-outs they were opened with.
    await migrate(settings.model_copy(update={"database_url": SecretStr(empty_database.direct_url)}))
    async with open_database(settings):
        async with get_session() as forgotten:
            await forgotten.execute(text("LOCK TABLE connection_probes"))
            async with get_session() as other, other.begin():
                # Waits for the lock, which is free only when the server ends the other transaction.
                await asyncio.wait_for(other.scalar(select(func.count()).select_from(ConnectionProbe)), 10)
            with pytest.raises(DBAPIError):
                await forgotten.execute(text("SELECT 1"))
        async with get_session() as session, session.begin():
            assert await session.scalar(text("SELECT 1")) == 1


async def test_a_statement_longer_than_the_settings_allow_is_ended(empty_database: Database):
    settings = read_settings(database_url=empty_database.url, statement_timeout_seconds=0.2)
    # Past the pooler, whose connections keep the time-outs they were opened with.
    await migrate(settings.model_copy(update={"database_url": SecretStr(empty_database.direct_url)}))
    async with open_database(settings), get_session() as session, session.begin():
        with pytest.raises(DBAPIError, match="statement timeout"):
            await session.execute(select(func.pg_sleep(30)))
