"""Behind Supabase's pooler: its user names, its TLS, its refusals, told in words that help."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from reference_app.commands.migrate import migrate
from reference_app.commands.verify import verify_connection
from reference_app.settings import Settings, read_settings
from tests.reference_app.conftest import Database
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import ADMIN_PASSWORD
from tests.support.service import assert_problem, running_service
from tests.support.supavisor import ADDRESS, HOST, PORT, PROJECT, Supavisor, supavisor_before


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "ca.pem")
        authority.cert_pem.write_to_path(file)
        yield file


@pytest.fixture
async def door(
    pgbouncer: PgBouncer, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Supavisor]:
    """The pooler's door, under its real name and port."""
    ask = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return ask(ADDRESS if host == HOST else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(tls)
    async with supavisor_before(pgbouncer.port, tls) as opened:
        yield opened


def settings_for(database: Database, project: str = PROJECT, **changes: Any) -> Settings:
    url = f"postgresql+asyncpg://postgres.{project}:{ADMIN_PASSWORD}@{HOST}:{PORT}/{database.name}"
    return read_settings(database_url=url, **changes)


async def test_migrations_and_all_seven_checks_pass_over_verified_tls(
    door: Supavisor, empty_database: Database, ca_file: Path
):
    settings = settings_for(empty_database, database_ca_file=ca_file)
    await migrate(settings)
    results = await verify_connection(settings)
    assert [result.number for result in results if not result.passed] in ([], [7]), results
    # The pooler's connection that migrated still has the time-outs it was opened with.
    assert results[6].passed or "let the pooler reconnect" in results[6].detail
    assert results[2].detail == f"logged in as postgres.{PROJECT}"
    assert results[3].detail == "encrypted, certificate verified"
    assert set(door.users) == {f"postgres.{PROJECT}"}


NOT_KNOWN = "The pooler does not know this user; copy host and user (postgres.<project-ref>) from the project's"


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (None, NOT_KNOWN),
        ("Tenant or user not found", NOT_KNOWN),
        ("(ENOIDENTIFIER) no tenant identifier provided (external_id or sni_hostname required)", NOT_KNOWN),
        ("(EMAXCONN) max client connections reached, limit: 200", "The pooler has no connection left"),
        ("Max client connections reached", "The pooler has no connection left"),
        ("(ECHECKOUTTIMEOUT) unable to check out connection from the pool after 60000ms", "has no connection left"),
        ("(EADDRNOTALLOWED) address not in tenant allow_list: {1, 2, 3, 4}", "The pooler does not let this address in"),
        ("(EBANNED) tenant is banned: unpaid", "(EBANNED) tenant is banned: unpaid"),
    ],
)
async def test_what_the_pooler_refuses_is_told_with_its_remedy(
    door: Supavisor, database: Database, ca_file: Path, refusal: str | None, told: str
):
    door.refusal = refusal
    unknown = "zyxwvutsrqponmlkjihg" if refusal is None else PROJECT
    results = await verify_connection(settings_for(database, unknown, database_ca_file=ca_file))
    assert [result.passed for result in results] == [False] * 7
    assert all(told in result.detail for result in results), results
    assert not any(ADMIN_PASSWORD in result.detail for result in results)


async def test_a_ca_that_is_not_the_poolers_is_refused_and_told(door: Supavisor, database: Database):
    results = await verify_connection(settings_for(database))
    assert {result.passed for result in results} == {False}
    assert "set REFERENCE_APP_DATABASE_CA_FILE to the CA's" in results[3].detail
    assert door.users == []


async def test_encryption_without_verification_works_when_asked_for(door: Supavisor, database: Database):
    results = await verify_connection(settings_for(database, database_tls="required"))
    assert results[3].detail == "encrypted, certificate not verified"


async def test_a_pooler_that_insists_on_tls_is_told(door: Supavisor, database: Database):
    door.insists_on_tls = True
    results = await verify_connection(settings_for(database, database_tls="off"))
    assert results[0].detail.startswith(f"{HOST}:{PORT} insists on TLS"), results[0]


async def test_a_pooler_that_is_full_is_a_503_and_no_defect(door: Supavisor, database: Database, ca_file: Path):
    url = settings_for(database).database_url
    async with running_service(database, database_url=url, database_ca_file=ca_file) as service:
        caller = await service.caller()
        assert (await service.call("GET", "/me", caller)).status_code == 200
        door.refusal = "(EMAXCONN) max client connections reached, limit: 200"
        async with running_service(database, database_url=url, database_ca_file=ca_file) as another:
            answer = await another.call("GET", "/me", caller)
            assert_problem(answer, 503, "unavailable")
            assert_problem(await another.call("GET", "/health/ready"), 503, "unavailable")
            door.refusal = None
            assert (await another.call("GET", "/me", caller)).status_code == 200
