"""A process that is killed while it writes leaves the old file or the new one, never a part."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionlint import cli
from sessionlint.facts.cache import FactsCache
from sessionlint.gate.baseline_file import write
from sessionlint.gate.baseline_text import parse
from sessionlint.report import BaselineEntry, Checked, Finding, Report, Span
from sessionlint.report_cache import ReportCache

_WRITES, _COMMANDS = 160, 40


def entries(letter: str) -> tuple[BaselineEntry, ...]:
    """Enough entries that writing them takes a while."""
    return tuple(BaselineEntry(f"{letter}/{n:05}.py", "TXN201", "save", f"{n:024x}", 1) for n in range(1_000))


def checked(letter: str) -> Checked:
    """A report of some size."""
    span = Span("a.py", 1, 1, 1, 2)
    return Checked(Report(tuple(Finding("TXN201", "explicit-commit", span, f"{letter}{n}") for n in range(400))))


def killed(work: Callable[[], object], turns: int, longest: float) -> None:
    """Does ``work`` over and over in a process of its own and kills it at a random moment after some turns."""
    done, tick = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            while True:
                os.write(tick, b"!")
                work()
        finally:
            os._exit(1)
    os.close(tick)
    for _ in range(random.randint(1, turns)):
        assert os.read(done, 1) == b"!"
    time.sleep(random.uniform(0, longest))
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    os.close(done)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_writing_baselines_and_caches_survives_being_killed(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    known, reports = [entries("a"), entries("b")], [checked("a"), checked("b")]
    blobs = {key: key * 1_000 for key in (b"1" * 17, b"2" * 17)}

    class Nowhere:
        st_size = st_mtime_ns = st_ctime_ns = st_ino = 0

    def work() -> None:
        for turn in (0, 1):
            write(path, known[turn])
            ReportCache(tmp_path, "0" * 32).store("key", reports[turn])
            cache = FactsCache(tmp_path)
            for key, blob in blobs.items():
                cache.put(f"{turn}", Nowhere(), key, blob)
            cache.save()

    write(path, known[0])
    seen = set()
    for _ in range(_WRITES):
        killed(work, 2, 0.015)
        found = parse(path.read_bytes(), path.name)
        assert found in known
        seen.add(found[0].path)
        for stored in tmp_path.glob("report-*.json"):
            assert json.loads(stored.read_bytes())["key"] == "key"
            assert ReportCache(tmp_path, "0" * 32).load("key") in reports
        for pack in tmp_path.glob("facts-*.pack"):
            assert pack.stat().st_size > 0
            assert {key: FactsCache(tmp_path).get(key) for key in blobs} == blobs
    assert len(seen) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_commands_survive_being_killed(repo, monkeypatch) -> None:
    monkeypatch.chdir(repo.root)
    path = repo.root / "sessionlint-baseline.json"

    def work() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for command in (["baseline", "create", "--force"], ["check"], ["baseline", "prune"]):
            with pytest.raises(SystemExit):
                cli.main(command)

    for _ in range(_COMMANDS):
        killed(work, 1, 0.3)
        if path.exists():
            assert sum(entry.count for entry in parse(path.read_bytes(), path.name)) == 3
    work_tree = {name.name for name in repo.root.iterdir() if not name.name.endswith(".tmp")}
    assert work_tree <= {"app", "pyproject.toml", ".git", ".gitignore", ".sessionlint_cache", path.name}
