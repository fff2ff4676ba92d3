"""Processes that each walk a stretch of history with one program in memory."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from multiprocessing.connection import Connection, wait
from pathlib import Path

from sessionlint.errors import SessionlintError
from sessionlint.git_store import Repository
from sessionlint.policy import Policy
from sessionlint.report import CheckError
from sessionlint_reports.history.analysis import PastProgram
from sessionlint_reports.history.owners import owners_under
from sessionlint_reports.history.plan import Step
from sessionlint_reports.history.taking import line_count, records_of
from sessionlint_reports.snapshot import FileRecord

#: What a state leaves behind holds few cycles: some 10 MB in as many states.
_STATES_PER_COLLECTION = 50


@dataclass(frozen=True, slots=True)
class Analysed:
    """A state that was analysed: its step, and all its records."""

    step: Step
    records: tuple[FileRecord, ...]
    errors: tuple[CheckError, ...]


Task = tuple[Mapping[str, str | None], date]
"""What changes in a step, and the day of its first commit."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one step changed: records by path (None: gone), and the errors there are now."""

    changed: Mapping[str, FileRecord | None]
    errors: tuple[CheckError, ...]


def analyse(root: Path, policy: Policy, shares: Sequence[Sequence[Step]]) -> Iterator[Analysed]:
    """Analyses every step, each share in a process of its own; a single share in this one.

    Raises :class:`SessionlintError` when git lacks an object or a process dies.
    """
    if len(shares) == 1:
        yield from _alone(root, policy, shares[0])
    elif shares:
        yield from _together(root, policy, shares)


def _alone(root: Path, policy: Policy, share: Sequence[Step]) -> Iterator[Analysed]:
    known: dict[str, FileRecord] = {}
    answers = _walk(root, policy, _tasks(share))
    for step, answer in zip(share, answers, strict=True):
        yield _applied(known, step, answer)


def _together(root: Path, policy: Policy, shares: Sequence[Sequence[Step]]) -> Iterator[Analysed]:
    # A forked copy would inherit threads and open databases.
    start = multiprocessing.get_context("spawn")
    states: dict[Connection, tuple[Iterator[Step], dict[str, FileRecord]]] = {}
    processes = []
    try:
        for share in shares:
            ours, theirs = start.Pipe(duplex=False)
            arguments = (theirs, root, policy, _tasks(share))
            process = start.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            states[ours] = (iter(share), {})
        while states:
            for pipe in wait(list(states)):
                assert isinstance(pipe, Connection)
                steps, known = states[pipe]
                step = next(steps, None)
                answer = _received(pipe, step)
                if step is None or answer is None:
                    del states[pipe]
                else:
                    yield _applied(known, step, answer)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _received(pipe: Connection, step: Step | None) -> _Answer | None:
    try:
        answer = pipe.recv()
    except EOFError:
        if step is None:
            return None
        commit = step.commits[0].commit.hash[:12]
        raise SessionlintError(
            f"the process that analysed commit {commit} died (out of memory?); "
            "run the same command again to go on, with --jobs 1."
        ) from None
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, _Answer)
    return answer


def _applied(known: dict[str, FileRecord], step: Step, answer: _Answer) -> Analysed:
    for path, record in answer.changed.items():
        if record is None:
            known.pop(path, None)
        else:
            known[path] = record
    return Analysed(step, tuple(known[path] for path in sorted(known)), answer.errors)


def _work(pipe: Connection, root: Path, policy: Policy, tasks: Sequence[Task]) -> None:
    # The parent hears Ctrl-C and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError), pipe:
        try:
            for answer in _walk(root, policy, tasks):
                pipe.send(answer)
        except SessionlintError as error:
            pipe.send(error)


def _tasks(share: Sequence[Step]) -> list[Task]:
    return [(step.changes, step.commits[0].at.date()) for step in share]


def _walk(root: Path, policy: Policy, tasks: Sequence[Task]) -> Iterator[_Answer]:
    owners = owners_under(root)
    program = PastProgram(root, policy)
    lines: dict[str, int] = {}
    known: dict[str, FileRecord] = {}
    with Repository(root) as repository, _without_collector():
        for number, (changes, day) in enumerate(tasks, 1):
            if number % _STATES_PER_COLLECTION == 0:
                gc.collect()
            contents = {path: None if name is None else repository.blob(name) for path, name in changes.items()}
            lines.update((path, line_count(data)) for path, data in contents.items() if data is not None)
            report, inventory = program.check(contents, day)
            records = {
                record.path: record for record in records_of(report, inventory, policy, owners, lines.__getitem__)
            }
            changed: dict[str, FileRecord | None] = {path: None for path in known if path not in records}
            changed |= {path: record for path, record in records.items() if known.get(path) != record}
            known = records
            yield _Answer(changed, report.errors)


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """A program is millions of values that stay; looking for garbage among them took a fourth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
