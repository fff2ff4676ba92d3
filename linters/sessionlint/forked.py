"""Work done side by side by copies of this process."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import IO, Generic, NamedTuple, TypeVar

T = TypeVar("T")


def can_fork() -> bool:
    """Whether forking is there and safe: other threads may hold locks that a copy never sees released."""
    return hasattr(os, "fork") and threading.active_count() == 1


def results_of(
    tasks: Sequence[Callable[[], T]],
    processes: int | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[T]:
    """What the tasks return, in their order; each runs in a process of its own, ``processes`` of them at a time.

    With room for one more, ``meanwhile`` is done in this process while they run.
    A result must be picklable. A task whose process died runs again in this one, as do all where forking is not safe.
    """
    team = _Team(tasks)
    most = processes or os.cpu_count() or 1
    try:
        for number in range(len(tasks)) if can_fork() else ():
            while len(team.running) >= most:
                team.wait()
            if not team.start(number):
                break
        if 0 < len(team.running) == len(tasks) < most:
            meanwhile()
        while team.running:
            team.wait()
    finally:
        team.dismiss()
    return [team.results[number] if number in team.results else task() for number, task in enumerate(tasks)]


class _Running(NamedTuple):
    number: int
    pid: int
    answer: IO[bytes]


class _Team(Generic[T]):
    """The processes at work, by the read end of a pipe that closes when they end."""

    def __init__(self, tasks: Sequence[Callable[[], T]]) -> None:
        self.running: dict[int, _Running] = {}
        self.results: dict[int, T] = {}
        self._tasks = tasks

    def start(self, number: int) -> bool:
        """Has a task done; ``False`` if the system has no room for another process."""
        try:
            answer = tempfile.TemporaryFile()  # noqa: SIM115 -- closed when the process ended
        except OSError:
            return False
        ended, open_end = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            answer.close()
            os.close(ended)
            os.close(open_end)
            return False
        if pid == 0:
            self._work(number, answer)
        os.close(open_end)
        self.running[ended] = _Running(number, pid, answer)
        return True

    def wait(self) -> None:
        """Takes the results of at least one process that ended."""
        ready, _, _ = select.select(list(self.running), [], [])
        for ended in ready:
            number, pid, answer = self.running.pop(ended)
            os.close(ended)
            _, status = os.waitpid(pid, 0)
            with answer:
                if os.waitstatus_to_exitcode(status) == 0:
                    answer.seek(0)
                    self.results[number] = pickle.load(answer)

    def dismiss(self) -> None:
        """Ends what still runs, after an interrupt."""
        for ended, running in self.running.items():
            with contextlib.suppress(OSError):
                os.kill(running.pid, signal.SIGKILL)
                os.waitpid(running.pid, 0)
            os.close(ended)
            running.answer.close()
        self.running.clear()

    def _work(self, number: int, answer: IO[bytes]) -> None:
        """A process's life. It leaves without the clean-up that belongs to the process it is a copy of."""
        status = 1
        try:
            pickle.dump(self._tasks[number](), answer, protocol=5)
            answer.flush()
            status = 0
        finally:
            os._exit(status)
