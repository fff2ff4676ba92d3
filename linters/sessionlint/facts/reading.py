"""One file's bytes become a blob: its facts, nothing (no name of interest in it), or the error it has."""

from __future__ import annotations

import ast
import hashlib
import marshal
import os
import re
import stat
import symtable
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sessionlint.facts.cache import FactsCache, content_key
from sessionlint.facts.packing import pack
from sessionlint.facts.source import SourceError, TooDeepError, decode, parse, with_deep_stack
from sessionlint.report import CheckError

Lower = Callable[[ast.Module, str], tuple[Any, ...]]

# No marshalled value starts with this byte.
_ERROR: Final = b"!"
_FACTS: Final = b"f"
_SYNTAX: Final = b"s"
_SIMPLER: Final = "simplify the code, or exclude the file from the check"


@dataclass(frozen=True, slots=True)
class Reader:
    """How files are read: ``root`` they lie under, ``lower`` that makes facts, ``screen`` that picks files.

    The screen is searched for in lower case.
    """

    root: Path
    lower: Lower
    screen: re.Pattern[bytes] | None

    @property
    def tag(self) -> str:
        """Stands for the screen: what a path gave under another screen is another answer."""
        if self.screen is None:
            return ""
        text = b"%d:%s" % (self.screen.flags, self.screen.pattern)
        return hashlib.blake2b(text, digest_size=8).hexdigest()

    def read(self, path: str, cache: FactsCache) -> Outcome:
        """Read one file; every failure is an :class:`Outcome` too, none is raised."""
        try:
            data = (self.root / path).read_bytes()
        except OSError as error:
            return Outcome(path, b"", unreadable(error))
        except MemoryError:
            return Outcome(path, b"", error_blob(1, 1, f"is too large to be read; {_SIMPLER}"))
        return self.read_data(path, data, cache)

    def read_data(self, path: str, data: bytes, cache: FactsCache) -> Outcome:
        """The same for a file whose bytes are at hand."""
        wanted = self.screen is None or self.screen.search(data.lower()) is not None
        digest = content_key(data)
        key = digest + (_FACTS if wanted else _SYNTAX)
        blob = cache.get(key)
        if blob is None and not wanted and (facts := cache.get(digest + _FACTS)) is not None:
            # Lowered under another screen, so its syntax is known.
            blob = facts if facts[:1] == _ERROR else b""
        if blob is not None:
            return Outcome(path, key, blob, reused=True)
        return self._fresh(path, key, data, wanted)

    def read_as(self, path: str, data: bytes, lower: Lower) -> bytes:
        """The blob of a file whose facts ``lower`` makes, whatever the screen says."""
        return replace(self, lower=lower)._fresh(path, b"", data, True).blob

    def _fresh(self, path: str, key: bytes, data: bytes, wanted: bool) -> Outcome:
        try:
            if wanted:
                return Outcome(path, key, self._facts(data, path))
            if not data.isascii():
                decode(data, path)  # symtable does not look at the bytes of comments
            if not _is_valid(data, path):
                parse(data, path)
            return Outcome(path, key, b"")
        except SourceError as error:
            # How deep code may nest depends on the machine and the moment, so that answer is not kept.
            key = b"" if isinstance(error, TooDeepError) else key
            return Outcome(path, key, error_blob(error.line, error.column, f"{error.message}; {error.remedy}"))
        except (RecursionError, MemoryError):
            return Outcome(path, b"", error_blob(1, 1, f"the code nests too deeply to be analysed; {_SIMPLER}"))
        except Exception as error:
            return Outcome(path, b"", _internal(error))

    def _facts(self, data: bytes, path: str) -> bytes:
        def facts() -> bytes:
            parsed = parse(data, path)
            return pack(self.lower(parsed.tree, parsed.text))

        try:
            return facts()
        except RecursionError:
            return with_deep_stack(facts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading ``path`` gave: a blob to be kept under ``key``, or not to be kept if ``key`` is empty.

    ``reused`` tells that the blob was in the cache under its content.
    """

    path: str
    key: bytes
    blob: bytes
    reused: bool = False


def error_blob(line: int, column: int, message: str) -> bytes:
    """An error in the form the cache keeps."""
    return _ERROR + marshal.dumps((line, column, message))


def error_in(path: str, blob: bytes) -> CheckError | None:
    """The error a blob stands for, if it is one."""
    if blob[:1] != _ERROR:
        return None
    line, column, message = marshal.loads(blob[1:])
    return CheckError(path, line, message, column)


def stat_or_error(path: str, full: str) -> os.stat_result | CheckError:
    """The file's status, or why it cannot be a source file."""
    try:
        status = os.stat(full)  # noqa: PTH116 -- Path takes three times as long, for every file
    except (OSError, ValueError) as error:
        return _check_error(path, unreadable(error))
    if stat.S_ISREG(status.st_mode):
        return status
    kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
    return CheckError(path, 1, f"cannot be read: it is {kind}; exclude it from the check")


def unreadable(error: Exception) -> bytes:
    """The error blob for a file the system does not hand out."""
    if isinstance(error, FileNotFoundError):
        return error_blob(1, 1, "cannot be read: no such file (it vanished, or is a link to nothing); run again")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return error_blob(1, 1, f"cannot be read: {reason}; grant access to it, or exclude it from the check")


def read_or_error(root: Path, path: str) -> bytes | CheckError:
    """The bytes of a file, or why there are none."""
    try:
        return (root / path).read_bytes()
    except OSError as error:
        return _check_error(path, unreadable(error))


def _check_error(path: str, blob: bytes) -> CheckError:
    error = error_in(path, blob)
    assert error is not None
    return error


def _internal(error: Exception) -> bytes:
    reason = f"{type(error).__name__}: {error}"
    return error_blob(1, 1, f"cannot be analysed ({reason}); this is a fault of sessionlint, please report it")


def _is_valid(data: bytes, path: str) -> bool:
    """Whether Python accepts the file; on ``False`` only :func:`parse` can tell what is wrong, if anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Quicker than ast.parse, as no Python objects are made of the nodes.
            symtable.symtable(data, path, "exec")  # type: ignore[arg-type]
    except Exception:
        return False
    return True
