"""Checks a program in which one file is not as the disk has it: an editor's buffer on standard input."""

from __future__ import annotations

import dataclasses
import io
import shutil
import tempfile
import tokenize
from collections.abc import Iterable
from pathlib import Path

from sessionlint.discovery import discover
from sessionlint.gate.baseline import Known
from sessionlint.policy import Policy
from sessionlint.report import Report
from sessionlint.run import infer, run


def run_unsaved(root: Path, policy: Policy | None, path: str, text: str, baseline: Known | None = None) -> Report:
    """The report on the file ``path`` (relative to ``root``) as if its content were ``text``.

    A file that the project leaves out has no findings; one that does not exist yet belongs to it. Findings that
    ``baseline`` knows are absorbed.
    """
    discovery = discover(root, policy or Policy(root=root))
    known = path in discovery.files
    stated = policy or infer(root, discovery.files)[0]
    if stated.is_excluded(path) or (not known and (root / path).exists()):
        return Report()
    with tempfile.TemporaryDirectory(prefix="sessionlint-") as folder:
        twin = Path(folder).resolve()
        _mirror(root, twin, (file for file in discovery.files if file != path))
        target = twin / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_encoded(text))
        # The facts of all other files are in the cache of the project itself.
        settings = dataclasses.replace(stated, root=twin, cache_dir=str((root / stated.cache_dir).resolve()))
        return run(twin, settings, paths=[path], baseline=baseline)


def _encoded(text: str) -> bytes:
    """``text`` as a file would hold it, in the encoding it declares."""
    data = text.encode("utf-8", errors="surrogateescape")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return text.encode(encoding)
    except (SyntaxError, UnicodeEncodeError):
        return data


def _mirror(root: Path, twin: Path, files: Iterable[str]) -> None:
    """Links the files into the same places under ``twin``; copies them where links are not allowed."""
    for file in files:
        target = twin / file
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(root / file)
        except OSError:
            shutil.copy2(root / file, target)
