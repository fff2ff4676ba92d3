"""A process that forks worker processes on demand: a fork costs milliseconds, a new interpreter seconds.

Run as `python -m tests.support.worker_nursery`, with the service's settings in the environment. Each line on standard
input starts one worker, whose process id is the answer. End of input kills all workers.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Nursery:
    """Starts and kills real worker processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.alive: list[int] = []

    def start(self) -> int:
        """Start a worker; give its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self.alive.append(pid)
        return pid

    def send(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a worker; after SIGKILL or SIGTERM it counts as gone."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.alive.remove(pid)


@contextmanager
def nursery(environment: Mapping[str, str], log: Path) -> Iterator[Nursery]:
    """A running nursery whose workers have the settings in `environment` and write their logs to `log`."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker_nursery"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Nursery(process)
        finally:
            process.communicate()


def main() -> None:
    """Fork a worker for each line of standard input."""
    from reference_app.jobs.worker import run_worker
    from reference_app.observability.logs import configure_logging
    from reference_app.settings import read_settings

    settings = read_settings()
    configure_logging(settings)
    # The kernel collects dead children by itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    children = []
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            asyncio.run(run_worker(settings))
            os._exit(0)
        children.append(child)
        print(child, flush=True)
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
