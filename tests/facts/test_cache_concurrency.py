"""Runs that share a cache, or die while they write it, never leave a pack that cannot be read."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from sessionlint.facts.cache import FactsCache, content_key

WRITER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from sessionlint.facts.cache import FactsCache, content_key

directory, writer, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
old = SimpleNamespace(st_size=1, st_mtime_ns=1, st_ctime_ns=1, st_ino=1)
for number in range(rounds):
    cache = FactsCache(directory, version=1)
    for path in ("shared", f"own-{writer}", f"own-{writer}-{number}"):
        found = cache.lookup(path, old)
        assert found in (None, path.encode() * 5_000), found
        cache.put(path, old, content_key(path.encode()), path.encode() * 5_000)
    assert cache.save()
    print(number, flush=True)
"""

KILLED = (
    """
import os, pathlib, signal
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""
    + WRITER
)


class Old:
    """A file that has not changed for ages."""

    st_size = st_mtime_ns = st_ctime_ns = st_ino = 1


def writer(directory: Path, name: str, rounds: int, script: str = WRITER) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(directory), name, str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_concurrent_writers_never_read_a_broken_pack(tmp_path: Path) -> None:
    runs = [writer(tmp_path, str(number), 25) for number in range(4)]
    for run in runs:
        _, complaint = run.communicate()
        assert (run.returncode, complaint) == (0, "")
    assert FactsCache(tmp_path, version=1).lookup("shared", Old()) == b"shared" * 5_000
    assert list(tmp_path.glob("*.tmp")) == []


def test_a_run_killed_just_before_its_pack_is_in_place_leaves_the_old_one(tmp_path: Path) -> None:
    first = writer(tmp_path, "first", 1)
    assert first.communicate() == ("0\n", "")
    killed = writer(tmp_path, "second", 1, KILLED)
    assert killed.communicate()[0] == ""
    assert killed.returncode == -signal.SIGKILL
    cache = FactsCache(tmp_path, version=1)
    assert cache.lookup("own-first", Old()) == b"own-first" * 5_000
    assert cache.lookup("own-second", Old()) is None
    cache.put("a", Old(), content_key(b"a"), b"facts")
    assert cache.save()


def test_runs_killed_at_any_moment_leave_a_readable_pack(tmp_path: Path) -> None:
    for number in range(8):
        run = writer(tmp_path, "same", 10_000)
        assert run.stdout is not None
        for _ in range(number + 1):
            run.stdout.readline()
        run.kill()
        _, complaint = run.communicate()
        assert complaint == ""
        assert FactsCache(tmp_path, version=1).lookup("own-same", Old()) == b"own-same" * 5_000
