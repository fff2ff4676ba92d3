"""Server processes for tests: started as an ordinary user, gone when the test run is gone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

START_TIMEOUT_S = 30.0
POLL_S = 0.02


def server_user() -> str | None:
    """The user that servers run as when the tests run as root, which PostgreSQL and PgBouncer refuse; else None."""
    return "nobody" if os.geteuid() == 0 else None


def hand_over(folder: Path) -> None:
    """Give `folder` (a fresh, empty one) to the user that the servers run as."""
    if user := server_user():
        shutil.chown(folder, user)


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing_part(reason: str) -> None:
    """Skip the test because the machine lacks `reason`'s part; on CI, where every part must be there, fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def wait_until(happened: Callable[[], bool], what: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Return as soon as `happened()`; raise TimeoutError naming `what` after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_S)


def accepts(port: int) -> bool:
    """Whether something accepts TCP connections on the loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class ServerProcess:
    """One foreground server process, which the kernel ends when the test run dies without a teardown."""

    def __init__(
        self, command: Sequence[str | Path], *, log: Path, orphan_signal: str, env: Mapping[str, str] | None = None
    ) -> None:
        prefix = ["setpriv", "--pdeathsig", orphan_signal] if shutil.which("setpriv") else []
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=server_user(),
                env=None if env is None else dict(env),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, ready: Callable[[], bool]) -> None:
        """Return when `ready()`; raise RuntimeError with the log's end when the process ends before that."""

        def ready_or_dead() -> bool:
            if self.ended:
                raise RuntimeError(f"the server ended while starting:\n{self.log.read_text(errors='replace')[-2000:]}")
            return ready()

        wait_until(ready_or_dead, f"server {self._process.args!r} ready")

    @property
    def ended(self) -> bool:
        """Whether the process is gone, by itself or stopped."""
        return self._process.poll() is not None

    def stop(self, stop_signal: signal.Signals) -> None:
        """Send `stop_signal` and wait until the process has ended."""
        if not self.ended:
            self._process.send_signal(stop_signal)
            self._process.wait(START_TIMEOUT_S)
