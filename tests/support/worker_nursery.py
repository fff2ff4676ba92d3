"""A process that forks worker processes on demand: a fork costs milliseconds, a new interpreter seconds.

Run as `python -m tests.support.worker_nursery`. Each line on standard input is a JSON object with the `environment`
(the service's settings) and the `log` of one worker to start; its process id is the answer. End of input kills all.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Nursery:
    """Forks real worker processes, with whatever settings."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def fork(self, environment: Mapping[str, str], log: Path) -> int:
        """Start a worker with the settings in `environment`; give its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"environment": dict(environment), "log": str(log)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Workers:
    """Worker processes of one test, all with the same settings."""

    def __init__(self, nursery: Nursery, environment: Mapping[str, str], log: Path) -> None:
        self._nursery = nursery
        self._environment = environment
        self._log = log
        self.alive: list[int] = []

    def start(self) -> int:
        """Start a worker; give its process id."""
        pid = self._nursery.fork(self._environment, self._log)
        self.alive.append(pid)
        return pid

    def logged(self, event: str) -> list[str]:
        """The lines of the workers' log that tell of `event`."""
        return [line for line in self._log.read_text().splitlines() if f'"event": "{event}"' in line]

    def send(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a worker; after SIGKILL or SIGTERM it counts as gone."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.alive.remove(pid)

    def kill_all(self) -> None:
        """Kill those that are left."""
        for pid in list(self.alive):
            self.send(pid, signal.SIGKILL)


@contextmanager
def running_nursery() -> Iterator[Nursery]:
    """A running nursery; all its workers are gone at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.worker_nursery"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Nursery(process)
    finally:
        process.communicate()


def main() -> None:
    """Fork a worker for each line of standard input."""
    # Here, once, and not in each worker: this is what takes seconds.
    import reference_app.jobs.worker  # noqa: F401

    # The kernel collects dead children by itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    children = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(**json.loads(line))
        children.append(child)
        print(child, flush=True)
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def work(environment: Mapping[str, str], log: str) -> None:
    """Be a worker until told to stop."""
    from reference_app.jobs.worker import run_worker
    from reference_app.observability.logs import configure_logging
    from reference_app.settings import read_settings

    sys.stdin.close()
    os.environ.update(environment)
    with Path(log).open("ab", buffering=0) as output:
        os.dup2(output.fileno(), sys.stderr.fileno())
    settings = read_settings()
    configure_logging(settings)
    asyncio.run(run_worker(settings))
    os._exit(0)


if __name__ == "__main__":
    main()
