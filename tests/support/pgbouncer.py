"""A real PgBouncer in transaction mode in front of the tests' PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import MappingProxyType

from tests.support.postgres import ADMIN, ADMIN_PASSWORD, APP, APP_PASSWORD, PostgresServer
from tests.support.processes import ServerProcess, accepts, free_port, hand_over, missing_part

SERVER_CONNECTIONS = 5
LOGIN_RETRY_SECONDS = 1
KNOWN_USERS = {ADMIN: ADMIN_PASSWORD, APP: APP_PASSWORD}


def pgbouncer_binary() -> str | None:
    """The path of `pgbouncer`, installed first with apt-get when root on Debian; None when there is none."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which("pgbouncer", path=search)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "pgbouncer"]):
            subprocess.run(command, capture_output=True, env=environment)
        found = shutil.which("pgbouncer", path=search)
    return found


class PgBouncer:
    """One pooler: stop, kill and start it again at will; its port stays."""

    def __init__(
        self,
        binary: str,
        folder: Path,
        postgres: PostgresServer,
        options: Mapping[str, object],
        users: Mapping[str, str],
    ) -> None:
        self.port = free_port()
        self._binary = binary
        self._log = folder / "pgbouncer.log"
        self._configuration = folder / "pgbouncer.ini"
        self._postgres = postgres
        self._process: ServerProcess | None = None
        known = folder / "users.txt"
        known.write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
        everything = {
            "listen_addr": "127.0.0.1",
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": known,
            "admin_users": ADMIN,
            "server_login_retry": LOGIN_RETRY_SECONDS,
            **options,
            "listen_port": self.port,
        }
        lines = [f"{name} = {value}" for name, value in everything.items()]
        databases = f"[databases]\n* = host=127.0.0.1 port={postgres.port}\n"
        self._configuration.write_text(databases + "[pgbouncer]\n" + "\n".join(lines) + "\n")
        for file in (known, self._configuration):
            hand_over(file)

    def start(self) -> None:
        """Start the pooler and return when it accepts connections."""
        self._process = ServerProcess([self._binary, self._configuration], log=self._log, orphan_signal="KILL")
        self._process.wait_ready(lambda: accepts(self.port))

    def kill(self) -> None:
        """Kill the process: every client and server connection is cut in the middle of whatever it did."""
        if self._process:
            self._process.stop(signal.SIGKILL)
            self._process = None

    def revive(self) -> None:
        """Start again if it ended by itself, as 1.18 does after some cancel requests (pgbouncer/pgbouncer#801)."""
        if self._process and self._process.ended:
            self.start()

    @asynccontextmanager
    async def kept_alive(self) -> AsyncIterator[None]:
        """Revived inside the block whenever it ends by itself, as a service manager would; not while it is away."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(0.2)
                self.revive()

        keeper = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeper.cancel()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Killed for the length of the block, and there again after it, whatever happened."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def url(self, database: str) -> str:
        """The SQLAlchemy URL (asyncpg) of `database` through the pooler for the application's role."""
        return self._postgres.url(database, self.port)


@contextmanager
def running_pgbouncer(
    postgres: PostgresServer,
    server_connections: int = SERVER_CONNECTIONS,
    *,
    options: Mapping[str, object] = MappingProxyType({}),
    users: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[PgBouncer]:
    """A started pooler in front of `postgres`, with at most `server_connections` per database; stopped at the end.

    `options` are further lines of its configuration, or others in place of these; `users` are let in besides.

    Skips the test (fails it on CI) when the machine has no PgBouncer and cannot install it.
    """
    binary = pgbouncer_binary()
    if binary is None:
        missing_part("no PgBouncer: apt-get install pgbouncer")
        raise AssertionError("unreachable")
    folder = Path(tempfile.mkdtemp(prefix="sessionlint-pgbouncer-"))
    hand_over(folder)
    usual = {"pool_mode": "transaction", "default_pool_size": server_connections, "max_client_conn": 2000}
    pooler = PgBouncer(binary, folder, postgres, {**usual, **options}, {**KNOWN_USERS, **users})
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.kill()
        shutil.rmtree(folder, ignore_errors=True)
