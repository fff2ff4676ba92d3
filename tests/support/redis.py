"""A real Redis on a free loopback port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import ServerProcess, accepts, free_port, hand_over, missing_part


def redis_binary() -> str | None:
    """The path of `redis-server`, installed first with apt-get when root on Debian; None when there is none."""
    found = shutil.which("redis-server")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "redis-server"]):
            subprocess.run(command, capture_output=True, env=environment)
        found = shutil.which("redis-server")
    return found


class Redis:
    """One server that keeps nothing on disk: stop and start it again at will; its port stays."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.port = free_port()
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self._command = [binary, *options]
        self._log = folder / "redis.log"
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        self._process = ServerProcess(self._command, log=self._log, orphan_signal="KILL")
        self._process.wait_ready(lambda: accepts(self.port))

    def kill(self) -> None:
        """Kill the process; its data is gone with it."""
        if self._process:
            self._process.stop(signal.SIGKILL)
            self._process = None


@contextmanager
def running_redis() -> Iterator[Redis]:
    """A started Redis, killed at the end.

    Skips the test (fails it on CI) when the machine has no Redis and cannot install it.
    """
    binary = redis_binary()
    if binary is None:
        missing_part("no Redis: apt-get install redis-server")
        raise AssertionError("unreachable")
    folder = Path(tempfile.mkdtemp(prefix="sessionlint-redis-"))
    hand_over(folder)
    server = Redis(binary, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
