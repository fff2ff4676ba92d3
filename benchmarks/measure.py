"""Runs whole processes and measures what they take from the outside."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Bytes of one unit of ``ru_maxrss``.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Sample:
    """One process: wall time in seconds, peak memory of its largest process in bytes, exit status."""

    seconds: float
    memory: int
    status: int


@dataclass(frozen=True)
class Result:
    """What a tool took in all its runs; ``problem`` says why there are none, or what they are worth."""

    samples: tuple[Sample, ...]
    problem: str = ""

    @property
    def best(self) -> float:
        """Shortest wall time in seconds."""
        return min(sample.seconds for sample in self.samples)

    @property
    def median(self) -> float:
        """Median wall time in seconds."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def memory(self) -> int:
        """Largest peak memory of a process in bytes."""
        return max(sample.memory for sample in self.samples)


def measure(
    command: Sequence[str],
    cwd: Path,
    runs: int,
    *,
    before: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
    accepted: Sequence[int] = (0, 1),
    limit: float = 3600.0,
    log: Path,
) -> Result:
    """Runs ``command`` ``runs`` times in ``cwd``, calling ``before`` ahead of each, outside the measured time.

    ``accepted`` are the exit statuses of a run that did its work; another one, or more than ``limit``
    seconds, ends the measurement with a problem. Output goes to the file ``log``.
    """
    samples: list[Sample] = []
    for _ in range(runs):
        before()
        sample = _run(command, cwd, {**os.environ, **(environment or {})}, limit, log)
        if sample is None:
            return Result(tuple(samples), f"stopped after {limit:.0f} s")
        samples.append(sample)
        if sample.status not in accepted:
            return Result(tuple(samples), f"exit status {sample.status}")
    return Result(tuple(samples))


def _run(command: Sequence[str], cwd: Path, environment: Mapping[str, str], limit: float, log: Path) -> Sample | None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
        )
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == -signal.SIGKILL and seconds >= limit:
        return None
    return Sample(seconds, usage.ru_maxrss * _RSS_UNIT, process.returncode)
