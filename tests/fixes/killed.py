"""Run as a program: writes several files together, again and again, and is killed each time at another point.

Prints how many of the files were old and new after each kill, as JSON; ends with an assertion when a file was
half written, or when the next start leaves anything but the whole change or nothing of it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

# loaded before the first fork, so that every child dies in the write and not in an import
import filelock  # noqa: F401

from sessionlint.fixes import transaction
from sessionlint.fixes.transaction import Write, recover, write_together

FILES = ("app/one.py", "app/two.py", "app/deep/three.py", "four.py")
BIG = 4_000


def main(root: Path, rounds: int, seed: int) -> None:
    """Kills ``rounds`` writes in ``root`` at points that ``seed`` picks."""
    folder = root / ".cache"
    folder.mkdir()
    before = {path: f"# {path}\n".encode() * BIG for path in FILES}
    after = {path: f"# {path} new\n".encode() * BIG for path in FILES}
    writes = [Write(path, before[path], after[path]) for path in FILES]
    calls = _calls_of(root, folder, writes, before)
    took = _seconds_of(root, folder, writes, before)
    pick = random.Random(seed)
    seen: list[tuple[int, int]] = []
    for number in range(rounds):
        _reset(root, before)
        at = pick.randrange(1, calls + 1) if number % 4 else 0
        _run_killed(root, folder, writes, at, pick.uniform(0, took))
        contents = {path: (root / path).read_bytes() for path in FILES}
        assert all(contents[path] in (before[path], after[path]) for path in FILES), "a file was half written"
        seen.append((sum(contents[p] == before[p] for p in FILES), sum(contents[p] == after[p] for p in FILES)))
        recover(root, folder)
        contents = {path: (root / path).read_bytes() for path in FILES}
        assert contents in (before, after), "a change was left half done"
        if (folder / "fix-journal.json").exists():
            raise AssertionError("the journal was left")
        if seen[-1][1]:
            assert contents == after, "what was begun was not completed"
            left = [str(p) for p in root.rglob(".*.tmp")]
            assert not left, f"litter: {left}"
    json.dump(seen, sys.stdout)


def _reset(root: Path, contents: dict[str, bytes]) -> None:
    for path, data in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def _calls_of(root: Path, folder: Path, writes: list[Write], before: dict[str, bytes]) -> int:
    _reset(root, before)
    count = 0

    def counted(_frame: FrameType, _event: str, _argument: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        write_together(root, folder, writes)
    finally:
        sys.setprofile(None)
    return count


def _seconds_of(root: Path, folder: Path, writes: list[Write], before: dict[str, bytes]) -> float:
    _reset(root, before)
    started = time.monotonic()
    write_together(root, folder, writes)
    return time.monotonic() - started


def _run_killed(root: Path, folder: Path, writes: list[Write], at: int, delay: float) -> None:
    """Forks a write that kills itself at its ``at``-th call, or (0) is killed after ``delay`` seconds."""
    child = os.fork()
    if not child:
        if at:
            _die_at(at)
        transaction.write_together(root, folder, writes)
        os._exit(0)
    if not at:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _die_at(at: int) -> None:
    left = at

    def counted(_frame: FrameType, _event: str, _argument: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(counted)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
