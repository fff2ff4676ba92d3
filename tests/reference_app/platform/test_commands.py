"""The command line: keys, migration, checks, the OpenAPI document; problems in one line, never a traceback."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reference_app.commands.cli import main
from reference_app.main import create_app
from reference_app.settings import read_settings
from tests.reference_app.conftest import Database
from tests.support.processes import free_port
from tests.support.service import running_service


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"REFERENCE_APP_DATABASE_URL": url})


def new_key(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return next(line for line in result.output.splitlines() if line.startswith("rk_"))


def status_of(database: Database, key: str) -> int:
    async def ask() -> int:
        async with running_service(database) as service:
            return (await service.call("GET", "/me", headers={"X-API-Key": key})).status_code

    return asyncio.run(ask())


def test_a_key_is_made_listed_rotated_and_revoked(database: Database):
    key = new_key(run(database.url, "keys", "create", "--email", "ada@example.com", "--role", "admin", "--days", "3"))
    prefix = key.split("_")[1]
    listed = run(database.url, "keys", "list").output
    assert f"{prefix}  ada@example.com  admin  command line  until " in listed
    successor = new_key(run(database.url, "keys", "rotate", prefix))
    assert [status_of(database, each) for each in (key, successor)] == [200, 200]
    assert f"Key {prefix} is revoked." in run(database.url, "keys", "revoke", prefix).output
    assert [status_of(database, each) for each in (key, successor)] == [401, 200]


def test_a_key_that_does_not_exist_is_told_in_one_line(database: Database):
    result = run(database.url, "keys", "revoke", "000000000000")
    told = "Error: There is no API key with the prefix '000000000000'; `keys list` shows them.\n"
    assert (result.exit_code, result.output) == (1, told)


def test_migrating_and_verifying_say_how_it_went(empty_database: Database):
    before = run(empty_database.direct_url, "verify-connection")
    assert before.exit_code == 1
    assert "7. FAILED real operations: The schema is at nothing" in before.output
    assert "The database has the newest schema." in run(empty_database.direct_url, "migrate").output
    after = run(empty_database.direct_url, "verify-connection")
    assert after.exit_code == 0, after.output
    assert [line[:9] for line in after.output.splitlines() if line[:1].isdigit()] == [
        f"{n}. ok    " for n in range(1, 8)
    ]


@pytest.mark.parametrize("command", [["migrate"], ["keys", "list"]], ids=" ".join)
def test_a_database_that_is_away_is_told_in_one_line(command: list[str]):
    port = free_port()
    result = run(f"postgresql+asyncpg://u:secret@127.0.0.1:{port}/d", *command)
    told = f"error: Nobody answers on 127.0.0.1:{port}; start the server or correct host and port.\n"
    assert (result.exit_code, result.output) == (2, told)


def test_the_openapi_document_is_the_one_that_is_served(tmp_path: Path):
    url = "postgresql+asyncpg://u:p@127.0.0.1:1/d"
    assert run(url, "openapi", "--output", str(tmp_path / "openapi.json")).exit_code == 0
    document = json.loads((tmp_path / "openapi.json").read_text())
    assert document == json.loads(json.dumps(create_app(read_settings(database_url=url)).openapi()))
    assert json.loads(run(url, "openapi").output) == document
