"""The services of the compose file, run together as processes: same commands, same environment, same pooler settings.

There is no container engine where the tests run. What differs from containers is said in `translated`: addresses and
ports, and that scans may reach this machine.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.reference_app.conftest import ROOT
from tests.reference_app.platform.test_deployment import COMPOSE, DEPLOY
from tests.reference_app.platform.test_start import website
from tests.support.pgbouncer import PgBouncer, running_pgbouncer
from tests.support.postgres import PostgresServer
from tests.support.processes import accepts, free_port, wait_until

__all__ = ["website"]

SERVICES: dict[str, Any] = COMPOSE["services"]
SECRETS = {"DATABASE_PASSWORD": "password-of-the-compose-file", "JWT_SECRET": "s" * 48}
ENTRYPOINT = json.loads(re.findall(r"^ENTRYPOINT (.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[0])


def filled_in(text: str) -> str:
    """A value of the compose file with the variables it asks for."""
    return re.sub(r"\$\{(\w+):\?\}", lambda match: SECRETS[match[1]], text)


class Composition:
    """The services, each started by its own part of the compose file."""

    def __init__(self, postgres: PostgresServer, pooler: PgBouncer, log: Path) -> None:
        self.api_port = free_port()
        self.metrics_port = free_port()
        self._log = log
        self._addresses = {
            "@postgres:5432": f"@127.0.0.1:{postgres.port}",
            "@pgbouncer:6543": f"@127.0.0.1:{pooler.port}",
        }

    def translated(self, service: str) -> dict[str, str]:
        """The environment of a service, with this machine's addresses for those of the compose network."""
        environment = {name: filled_in(value) for name, value in SERVICES[service]["environment"].items()}
        url = environment["REFERENCE_APP_DATABASE_URL"]
        for there, here in self._addresses.items():
            url = url.replace(there, here)
        own = {"REFERENCE_APP_DATABASE_URL": url, "REFERENCE_APP_PORT": str(self.api_port)}
        if "REFERENCE_APP_WORKER_METRICS_PORT" in environment:
            own["REFERENCE_APP_WORKER_METRICS_PORT"] = str(self.metrics_port)
        return {**os.environ, **environment, **own, "REFERENCE_APP_ALLOW_LOOPBACK": "true"}

    def run(self, service: str, *command: str) -> str:
        """`docker compose run SERVICE COMMAND`, or the service's own command; gives what it prints."""
        arguments = [sys.executable, *ENTRYPOINT[1:], *(command or SERVICES[service]["command"])]
        done = subprocess.run(arguments, cwd=ROOT, env=self.translated(service), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    @contextmanager
    def up(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        """The service as a process, stopped the way an engine does."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *ENTRYPOINT[1:], *SERVICES[service]["command"]],
                cwd=ROOT,
                env=self.translated(service),
                stderr=log,
            )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()

    def is_healthy(self) -> bool:
        """What the API's health check of the compose file says."""
        kind, *command = SERVICES["api"]["healthcheck"]["test"]
        assert (kind, command[0]) == ("CMD", "python")
        here = [part.replace(":8000/", f":{self.api_port}/") for part in command[1:]]
        return subprocess.run([sys.executable, *here], capture_output=True).returncode == 0


@pytest.fixture
def composition(postgres: PostgresServer, tmp_path: Path) -> Iterator[Composition]:
    """The compose file's PostgreSQL (a user and a database called app) and its pooler, running."""
    of_postgres, of_pooler = SERVICES["postgres"]["environment"], SERVICES["pgbouncer"]["environment"]
    password = filled_in(of_postgres["POSTGRES_PASSWORD"])
    user, database = of_postgres["POSTGRES_USER"], of_postgres["POSTGRES_DB"]
    assert (of_pooler["DB_USER"], of_pooler["DB_NAME"], of_pooler["DB_PASSWORD"]) == (
        user,
        database,
        of_postgres["POSTGRES_PASSWORD"],
    )
    # The image writes each of its variables into pgbouncer.ini under the same name in lower case.
    options = {name.lower(): value for name, value in of_pooler.items() if not name.startswith("DB_")}
    before = postgres.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'")
    postgres.sql(f"ALTER ROLE {user} PASSWORD '{password}'")
    postgres.sql(f"CREATE DATABASE {database} OWNER {user}")
    try:
        with running_pgbouncer(postgres, options=options, users={user: password}) as pooler:
            yield Composition(postgres, pooler, tmp_path / "composition.log")
    finally:
        postgres.drop_database(database)
        postgres.sql(f"ALTER ROLE {user} PASSWORD '{before}'")


def test_the_composition_migrates_serves_scans_and_stops(composition: Composition, website: str):
    composition.run("migrate")
    verified = composition.run("api", "verify-connection")
    assert [line[3:9] for line in verified.splitlines()] == ["ok    "] * 7, verified
    key = composition.run("api", "keys", "create", "--email", "you@example.com", "--role", "admin")
    with ExitStack() as up:
        up.enter_context(composition.up("api"))
        up.enter_context(composition.up("worker"))
        wait_until(composition.is_healthy, "the API is healthy", 60)

        def ask(path: str, body: dict[str, Any] | None = None) -> Any:
            request = Request(f"http://127.0.0.1:{composition.api_port}{path}", headers={"X-API-Key": key})
            request.add_header("Content-Type", "application/json")
            with urlopen(request, json.dumps(body).encode() if body else None) as answer:
                return json.load(answer)

        scan = ask("/api/v3/scans", {"target": website})
        wait_until(lambda: ask(f"/api/v3/scans/{scan['id']}")["status"] == "succeeded", "the scan has succeeded", 60)
        assert accepts(composition.metrics_port)
