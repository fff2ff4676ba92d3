"""Writing several files as one: all of them, or none, whatever happens to the process on the way.

What is about to be written stands in a journal first. A journal that is still there when a command starts belongs to
a process that was killed; its files are completed then. Imports nothing heavy: ``check`` looks here, too.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sessionlint.atomic import write_atomically
from sessionlint.errors import UsageError
from sessionlint.policy_model import Policy
from sessionlint.report_cache import cache_folder

_JOURNAL = "fix-journal.json"
_LOCK = "fix.lock"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Write:
    """One file (relative to the root), and its bytes before and after."""

    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of an interrupted write: files completed, or put back because ``edited`` ones have changed since."""

    completed: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()


def write_together(root: Path, folder: Path, writes: Sequence[Write]) -> None:
    """Writes all files, or none. ``folder`` holds the journal.

    Raises :class:`~sessionlint.errors.UsageError` when a file is no longer as it was, cannot be written, or another
    process is writing; then nothing has changed.
    """
    if not writes:
        return
    with _locked(folder):
        for write in writes:
            if _content(root / write.path) != write.before:
                raise UsageError(f"{write.path} has changed while it was worked on; nothing is written, run again.")
        try:
            write_atomically(folder / _JOURNAL, _journal(writes))
        except OSError as error:
            raise UsageError(f"cannot write {folder / _JOURNAL}: {error.strerror}; nothing is changed.") from error
        try:
            for write in writes:
                _put(root / write.path, write.after)
        except OSError as error:
            _undo(root, writes)
            (folder / _JOURNAL).unlink(missing_ok=True)
            raise UsageError(f"cannot write {write.path}: {error.strerror}; nothing is changed.") from error
        (folder / _JOURNAL).unlink()


def restore(root: Path, folder: Path, writes: Sequence[Write]) -> None:
    """Puts back what :func:`write_together` wrote. Raises :class:`~sessionlint.errors.UsageError`."""
    write_together(root, folder, [Write(write.path, write.after, write.before) for write in writes])


def finish_interrupted(root: Path, policy: Policy | None) -> str:
    """Completes what a killed process left half done in the project; says so in a sentence, or nothing.

    Raises :class:`~sessionlint.errors.UsageError` when that cannot be done.
    """
    folder = root / (policy or Policy()).cache_dir
    if not (folder / _JOURNAL).exists():
        return ""
    found = recover(root, folder)
    if found.edited:
        names = ", ".join(found.edited)
        back = f"{', '.join(found.restored)} put back as before" if found.restored else "nothing else was written"
        return f"An interrupted fix was undone ({back}), but {names} changed since: look at it."
    if found.completed:
        return f"An interrupted fix was completed: {', '.join(found.completed)}."
    return ""


def recover(root: Path, folder: Path) -> Recovery:
    """Completes the journal in ``folder``, or undoes it when one of its files was changed by somebody else since.

    Raises :class:`~sessionlint.errors.UsageError`.
    """
    with _locked(folder):
        journal = folder / _JOURNAL
        writes = _writes(journal)
        found: Recovery = Recovery()
        try:
            contents = {write.path: _content(root / write.path) for write in writes}
            edited = tuple(w.path for w in writes if contents[w.path] not in (w.before, w.after))
            if edited:
                undone = [w for w in writes if contents[w.path] == w.after and w.after != w.before]
                for write in undone:
                    _put(root / write.path, write.before)
                found = Recovery(restored=tuple(write.path for write in undone), edited=edited)
            else:
                missing = [w for w in writes if contents[w.path] != w.after]
                for write in missing:
                    _put(root / write.path, write.after)
                found = Recovery(completed=tuple(write.path for write in writes))
            _sweep(folder, _JOURNAL)
            for write in writes:
                target = (root / write.path).resolve()
                _sweep(target.parent, target.name)
        except OSError as error:
            raise UsageError(
                f"an interrupted fix could not be completed: cannot write {error.filename}: {error.strerror}; "
                "grant access and run again."
            ) from error
        journal.unlink(missing_ok=True)
        return found


def journal_folder(root: Path, policy: Policy) -> Path:
    """Where the journal of a project lies. Raises :class:`~sessionlint.errors.UsageError` when nothing can be there."""
    folder = cache_folder(root, policy.cache_dir)
    if folder is None:
        raise UsageError(f"cannot write to {root / policy.cache_dir}: make it writable, or set another cache-dir.")
    return folder


def writes_of(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Write, ...]:
    """The files that differ, sorted."""
    return tuple(Write(path, before[path], data) for path, data in sorted(after.items()) if before[path] != data)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise UsageError("this needs the fix extra: pip install 'sessionlint[fix]'") from None
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"another process is fixing this project ({folder / _LOCK}); wait for it to end.") from None
    except OSError as error:
        raise UsageError(f"cannot lock {folder / _LOCK}: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def _put(path: Path, data: bytes) -> None:
    """Replaces a file in one step, keeping its mode and owner."""
    before = path.stat()
    write_atomically(path, data)
    if hasattr(os, "chown") and os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.chown(path, before.st_uid, before.st_gid)


def _undo(root: Path, writes: Sequence[Write]) -> None:
    for write in writes:
        with contextlib.suppress(OSError):
            if _content(root / write.path) == write.after:
                _put(root / write.path, write.before)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _journal(writes: Sequence[Write]) -> bytes:
    files = [{"path": w.path, "before": _text(w.before), "after": _text(w.after)} for w in writes]
    return json.dumps({"version": _VERSION, "files": files}).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _writes(journal: Path) -> tuple[Write, ...]:
    try:
        stored = json.loads(journal.read_bytes())
        if stored["version"] != _VERSION:
            raise ValueError(stored["version"])
        return tuple(
            Write(entry["path"], base64.b64decode(entry["before"]), base64.b64decode(entry["after"]))
            for entry in stored["files"]
        )
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{journal} is left from an interrupted fix and cannot be read ({error}): "
            "look at what 'git diff' shows, then delete it."
        ) from error


def _sweep(folder: Path, name: str) -> None:
    """Removes what a killed process had begun to write in place of a file."""
    for entry in folder.iterdir():
        if entry.name.startswith(f".{name}.") and entry.name.endswith(".tmp"):
            entry.unlink(missing_ok=True)
