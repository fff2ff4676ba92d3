"""A real PgBouncer in transaction mode in front of the tests' PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import ADMIN, ADMIN_PASSWORD, APP, APP_PASSWORD, PostgresServer
from tests.support.processes import ServerProcess, accepts, free_port, hand_over, missing_part

SERVER_CONNECTIONS = 5
CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={postgres_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = {admin}
pool_mode = transaction
default_pool_size = {server_connections}
max_client_conn = 2000
server_login_retry = 1
"""


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

    def __init__(self, binary: str, folder: Path, postgres: PostgresServer, server_connections: int) -> None:
        self.port = free_port()
        self._binary = binary
        self._log = folder / "pgbouncer.log"
        self._configuration = folder / "pgbouncer.ini"
        self._postgres = postgres
        self._process: ServerProcess | None = None
        users = folder / "users.txt"
        users.write_text(f'"{ADMIN}" "{ADMIN_PASSWORD}"\n"{APP}" "{APP_PASSWORD}"\n')
        self._configuration.write_text(
            CONFIGURATION.format(
                postgres_port=postgres.port,
                port=self.port,
                users=users,
                admin=ADMIN,
                server_connections=server_connections,
            )
        )
        for file in (users, self._configuration):
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
def running_pgbouncer(postgres: PostgresServer, server_connections: int = SERVER_CONNECTIONS) -> Iterator[PgBouncer]:
    """A started pooler in front of `postgres`, with at most `server_connections` per database; stopped at the end.

    Skips the test (fails it on CI) when the machine has no PgBouncer and cannot install it.
    """
    binary = pgbouncer_binary()
    if binary is None:
        missing_part("no PgBouncer: apt-get install pgbouncer")
        raise AssertionError("unreachable")
    folder = Path(tempfile.mkdtemp(prefix="sessionlint-pgbouncer-"))
    hand_over(folder)
    pooler = PgBouncer(binary, folder, postgres, server_connections)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.kill()
        shutil.rmtree(folder, ignore_errors=True)
