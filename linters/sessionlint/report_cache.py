"""Remembers whole reports, so that a run over unchanged files needs neither the engine nor its imports."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sessionlint.atomic import write_atomically
from sessionlint.discovery import Discovery
from sessionlint.errors import UsageError
from sessionlint.report import Checked, CheckError, Finding, Report, Span, Suppression, TraceStep

_FORMAT = 2
_KEPT = 12
_PARTS_KEPT = 40


def cache_folder(root: Path, name: str) -> Path | None:
    """The cache folder ``name`` under ``root``, made if need be; None where nothing can be written.

    Raises :class:`UsageError` for a folder that holds something else.
    """
    folder = root / name
    if _is_anothers(folder):
        raise UsageError(f"cache-dir names {name!r}, which holds files of another kind; name a folder of its own.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _mark(folder / ".gitignore")
    except OSError:
        return None
    return folder


def _is_anothers(folder: Path) -> bool:
    """Whether a folder with something in it lacks the mark that this makes when it makes one."""
    marker = folder / ".gitignore"
    try:
        if not any(folder.iterdir()):
            return False
        if (folder / "CACHEDIR.TAG").exists():
            return False
        return not marker.is_symlink() and (not marker.exists() or marker.read_bytes() not in (b"*\n", b""))
    except OSError:
        return False


def _mark(marker: Path) -> None:
    """Keeps the folder out of git; a full disk may have left the file empty."""
    known = marker.is_symlink() or marker.exists()
    if not known or (marker.is_file() and not marker.is_symlink() and not marker.stat().st_size):
        write_atomically(marker, b"*\n", follow=False)


@functools.cache
def tool_digest() -> str:
    """A hash that changes with sessionlint's own source and the interpreter."""
    hasher = hashlib.sha256(f"{_FORMAT} {sys.version} {sys.platform}".encode())
    package = Path(__file__).parent
    for folder, _, names in sorted(os.walk(package)):
        for name in sorted(names):
            if name.endswith(".py"):
                status = Path(folder, name).stat()
                hasher.update(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}\n".encode(errors="replace"))
    return hasher.hexdigest()


def run_key(discovery: Discovery, policy_digest: str) -> str:
    """A hash of everything a whole report depends on."""
    hasher = hashlib.sha256(f"{tool_digest()} {policy_digest}\n".encode())
    for path, stamp in zip(discovery.files, discovery.stamps, strict=True):
        hasher.update(f"{path}\0{stamp.size} {stamp.mtime_ns} {stamp.ctime_ns} {stamp.inode}\n".encode())
    for error in discovery.errors:
        hasher.update(f"{error.path}\0{error.message}\n".encode(errors="replace"))
    for note in discovery.notes:
        hasher.update(f"{note}\0".encode(errors="replace"))
    return hasher.hexdigest()


class ReportCache:
    """Whole reports in one folder, one file per policy; a damaged file counts as absent."""

    def __init__(self, folder: Path, policy_digest: str) -> None:
        self._path = folder / f"report-{policy_digest[:16]}.json"

    def load(self, key: str) -> Checked | None:
        """What was stored under ``key``; None when there is nothing, whatever the reason."""
        try:
            stored = json.loads(self._path.read_bytes())
            if stored["key"] != key:
                return None
            return Checked(_report(stored["report"]), tuple(_comment(row) for row in stored["comments"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def store(self, key: str, checked: Checked) -> None:
        """Stores it in one step, so that concurrent runs never read half a file."""
        comments = [dataclasses.astuple(comment) for comment in checked.comments]
        content = {"key": key, "report": _plain(checked.report), "comments": comments}
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
        with contextlib.suppress(OSError):
            write_atomically(self._path, text.encode(), follow=False)
            _prune(self._path.parent, "report", _KEPT)


class PartCache:
    """Reports on the parts of a repository, one file per policy and part; a damaged file counts as absent."""

    def __init__(self, folder: Path, policy_digest: str) -> None:
        self._folder = folder
        self._policy = policy_digest[:16]

    def load(self, first: str, key: str, contents: Callable[[str], str]) -> tuple[Report, frozenset[str]] | None:
        """What was stored under ``key`` for the part whose first file is ``first``, and what other files it read.

        Those must have the ``contents`` they had, whatever stands for it.
        """
        try:
            stored = json.loads(self._path(first).read_bytes())
            left: dict[str, str] = stored["left"]
            if stored["key"] != key or any(contents(path) != known for path, known in left.items()):
                return None
            return _report(stored["report"]), frozenset(left)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def store(self, first: str, key: str, report: Report, left: Mapping[str, str]) -> None:
        """Stores it in one step, so that concurrent runs never read half a file."""
        content = {"key": key, "report": _plain(report), "left": dict(left)}
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
        with contextlib.suppress(OSError):
            write_atomically(self._path(first), text.encode(), follow=False)
            _prune(self._folder, "part", _PARTS_KEPT)

    def _path(self, first: str) -> Path:
        part = hashlib.sha256(first.encode(errors="surrogatepass")).hexdigest()[:12]
        return self._folder / f"part-{self._policy}-{part}.json"


def _prune(folder: Path, kind: str, kept: int) -> None:
    stored = sorted(folder.glob(f"{kind}-*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for old in stored[kept:]:
        old.unlink(missing_ok=True)


def _plain(report: Report) -> dict[str, Any]:
    return {
        "findings": [_plain_finding(finding) for finding in report.findings],
        "errors": [[error.path, error.line, error.message, error.column] for error in report.errors],
        "files": report.files,
        "notes": report.notes,
        "statistics": report.statistics,
    }


def _plain_finding(finding: Finding) -> list[Any]:
    span = finding.span
    return [
        finding.code,
        finding.name,
        [span.path, span.line, span.column, span.end_line, span.end_column],
        finding.message,
        finding.severity,
        finding.fixable,
        finding.qualname,
        finding.fingerprint,
        [[step.path, step.line, step.column, step.note] for step in finding.trace],
        finding.identity,
    ]


def _report(stored: dict[str, Any]) -> Report:
    return Report(
        findings=tuple(_finding(row) for row in stored["findings"]),
        errors=tuple(CheckError(*row) for row in stored["errors"]),
        files=tuple(stored["files"]),
        notes=tuple(stored["notes"]),
        statistics=dict(stored["statistics"]),
    )


def _finding(row: Sequence[Any]) -> Finding:
    code, name, span, message, severity, fixable, qualname, fingerprint, trace, identity = row
    steps = tuple(TraceStep(*step) for step in trace)
    return Finding(code, name, Span(*span), message, severity, fixable, qualname, fingerprint, steps, identity)


def _comment(row: Sequence[Any]) -> Suppression:
    path, line, column, end_column, codes, *rest = row
    return Suppression(path, line, column, end_column, tuple(codes), *rest)
