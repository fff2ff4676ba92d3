"""Teaches git to merge baselines by their counts."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from sessionlint.atomic import write_atomically
from sessionlint.errors import UsageError

NAME = "sessionlint-baseline"
_ATTRIBUTES = ".gitattributes"


def install(root: Path, baseline: str, python: str) -> list[str]:
    """Makes git use the driver for the file ``baseline`` of the project in ``root``; what was done, line by line.

    ``.gitattributes`` names the driver for everybody; the command behind it, run by ``python``, stands in the
    configuration of this clone, as git takes commands from nowhere else. Raises
    :class:`~sessionlint.errors.UsageError`.
    """
    command = f"{shlex.quote(python)} -m sessionlint baseline merge %O %A %B"
    _git(root, "config", f"merge.{NAME}.name", "sessionlint baselines, merged by counts")
    _git(root, "config", f"merge.{NAME}.driver", command)
    done = [f"git config merge.{NAME}.driver: {command}"]
    path = root / _ATTRIBUTES
    line = f"/{baseline} merge={NAME}"
    try:
        text = path.read_bytes().decode("utf-8", errors="surrogateescape") if path.exists() else ""
        if line in (existing.strip() for existing in text.splitlines()):
            return [*done, f"{path} names the driver already."]
        if text and not text.endswith("\n"):
            text += "\n"
        write_atomically(path, f"{text}{line}\n".encode("utf-8", errors="surrogateescape"))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}.") from error
    return [*done, f"{path}: {line}", "Commit that file; in every other clone, run this command once more."]


def sides(root: Path, baseline: str) -> tuple[bytes, bytes, bytes]:
    """The three versions of a baseline in conflict, from the index: base, ours, theirs; ``b""`` where there is none.

    Raises :class:`~sessionlint.errors.UsageError` when git knows of no conflict.
    """
    listed = _git(root, "ls-files", "--unmerged", "-z", "--", baseline).split(b"\0")
    stages: dict[int, bytes] = {}
    for record in filter(None, listed):
        _, oid, stage = record.partition(b"\t")[0].split()
        stages[int(stage)] = _git(root, "cat-file", "blob", oid.decode())
    if not stages:
        raise UsageError(f"git knows of no conflict in {baseline}; name three files to merge: BASE OURS THEIRS.")
    return stages.get(1, b""), stages.get(2, b""), stages.get(3, b"")


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError as error:
        raise UsageError(f"cannot run git in {root}: {error.strerror}.") from error
    if done.returncode:
        raise UsageError(f"git {arguments[0]} in {root}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
