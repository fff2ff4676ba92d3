"""Bytes of a file become text and a syntax tree, or one clear :class:`SourceError`; never a crash."""

from __future__ import annotations

import ast
import codecs
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from sessionlint.errors import SessionlintError
from sessionlint.patterns import regex

T = TypeVar("T")

_COOKIE: Final = regex(rb"[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
_BLANK_OR_COMMENT: Final = regex(rb"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n)")
_WIDE_BOMS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PYTHON_2_STATEMENT: Final = regex(
    r"\s*(?:print\s+[^\s=(.,:\[]|print\s*>>|exec\s+[\"'\w]|raise\s+\w[\w.]*\s*,|except\s+[\w.]+\s*,\s*\w+\s*:)"
)
_PYTHON_2_TOKEN: Final = regex(r"`|<>|\b[uU][rR][\"']|\b\d+[lL]\b")
# Stack for the second attempt at deep code, largest first (bytes). Only the pages that are touched cost memory.
_STACKS: Final = (512 << 20, 64 << 20)
_STACK_PER_FRAME: Final = 10 << 10

_FIX: Final = "fix the file, or exclude it from the check"
_TOO_DEEP: Final = "the code nests too deeply to be read"
_FLATTEN: Final = "break the longest expression into several statements, or exclude the file from the check"


class SourceError(SessionlintError):
    """A file that is not readable Python.

    ``path``, ``line`` and ``column`` (from 1) say where, ``message`` what is wrong, ``remedy`` what to do.
    """

    def __init__(self, path: str, line: int, column: int, message: str, remedy: str) -> None:
        self.path = path
        self.line = line
        self.column = column
        self.message = message
        self.remedy = remedy
        super().__init__(f"{path}:{line}:{column}: {message}; {remedy}")


class TooDeepError(SourceError):
    """The code nests deeper, or takes more memory, than this machine has room for."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's tree and its text; lines of ``text`` end in ``\\n`` alone, so ``text.split("\\n")`` fits the tree."""

    tree: ast.Module
    text: str


def decode(data: bytes, path: str = "<source>") -> str:
    """The text of a file as Python reads it: byte order mark, coding cookie, else UTF-8; all line ends ``\\n``.

    Raises :class:`SourceError` at the first undecodable byte, for an unknown encoding and for a cookie
    that contradicts the byte order mark.
    """
    return _unix(_decoded(data, path))


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decoded(data: bytes, path: str) -> str:
    if data.startswith(codecs.BOM_UTF8):
        data, marked = data[len(codecs.BOM_UTF8) :], True
    else:
        marked = False
    line, encoding = _cookie(data)
    try:
        text = data.decode("utf-8" if encoding is None or marked else encoding)
    except UnicodeDecodeError as error:
        _undecodable(data, path, error)
    except LookupError:
        remedy = f"correct the coding comment, or {_FIX}"
        raise SourceError(path, line, 1, f"unknown encoding {encoding!r}", remedy) from None
    except Exception as error:
        # Codecs named by a cookie may raise anything ("undefined", "idna", "punycode").
        message = f"cannot be decoded as {encoding}: {error}"
        raise SourceError(path, line, 1, message, "save the file as UTF-8") from None
    if marked and encoding is not None and codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        message = f"the coding comment says {encoding!r} but the byte order mark says UTF-8"
        raise SourceError(path, line, 1, message, "remove one of the two")
    return text


def _cookie(data: bytes) -> tuple[int, str | None]:
    """Line and name of the PEP 263 coding comment; it counts on line 1, or on 2 after a blank or comment."""
    start = 0
    for line in (1, 2):
        found = _COOKIE.match(data, start)
        if found:
            return line, found[1].decode("ascii", "replace")
        skipped = _BLANK_OR_COMMENT.match(data, start)
        if skipped is None:
            break
        start = skipped.end()
    return 1, None


def _undecodable(data: bytes, path: str, error: UnicodeDecodeError) -> NoReturn:
    if data.startswith(_WIDE_BOMS):
        raise SourceError(path, 1, 1, "is UTF-16 or UTF-32, not UTF-8", "save the file as UTF-8") from None
    before = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line = before.count(b"\n") + 1
    column = error.start - max(data.rfind(b"\n", 0, error.start), data.rfind(b"\r", 0, error.start))
    message = f"byte 0x{data[error.start]:02x} is not {error.encoding}"
    remedy = "save the file as UTF-8, or name its encoding in a coding comment on line 1"
    raise SourceError(path, line, column, message, remedy) from None


def parse(data: bytes, path: str) -> Parsed:
    """Tree and text of a file's bytes; ``path`` is only for messages.

    Reads syntax up to Python 3.14 on any interpreter (see :mod:`sessionlint.facts.downlevel`). Raises
    :class:`SourceError` for whatever Python itself would refuse, and for code that nests too deeply.
    """
    original = _decoded(data, path)
    text = _unix(original)
    try:
        try:
            return Parsed(_tree(original, text, path), text)
        except RecursionError:
            return Parsed(with_deep_stack(lambda: _tree(original, text, path)), text)
    except SyntaxError as error:
        raise _syntax_error(error, text, path) from None
    except (RecursionError, MemoryError):
        raise TooDeepError(path, _longest_line(text), 1, _TOO_DEEP, _FLATTEN) from None
    except (ValueError, OverflowError) as error:
        raise _value_error(error, text, path) from None


def _tree(original: str, text: str, path: str) -> ast.Module:
    # Python gets the line ends as they are: it reads "\\" before the end of a file differently with "\r\n".
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _python_tree(original, path)
        except SyntaxError as error:
            # few files need it, and every run would pay for its import
            from sessionlint.facts import downlevel

            return downlevel.parse(text, path, error)


def _python_tree(text: str, path: str) -> ast.Module:
    try:
        return ast.parse(text, path)
    except SystemError:
        # CPython gives up a tree during which another was made, as by a finalizer (its issue 106905)
        return ast.parse(text, path)


def with_deep_stack(call: Callable[[], T]) -> T:
    """The result of ``call``, run where code may nest far deeper than on the main stack.

    Raises what ``call`` raises, and ``RecursionError`` also when the system grants no such stack.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            failures.append(error)

    for size in _STACKS:
        if not _run_on_stack(run, size):
            continue
        if failures:
            raise failures[0]
        return results[0]
    raise RecursionError("no deeper stack to be had")


def _run_on_stack(run: Callable[[], None], size: int) -> bool:
    """Run on a thread with ``size`` bytes of stack; ``False`` if the system grants no such thread."""
    limit = sys.getrecursionlimit()
    try:
        usual = threading.stack_size(size)
    except (ValueError, RuntimeError):
        return False
    thread = threading.Thread(target=run, name="sessionlint-deep", daemon=True)
    try:
        sys.setrecursionlimit(max(limit, size // _STACK_PER_FRAME))
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            return False
        finally:
            threading.stack_size(usual)
        thread.join()
        return True
    finally:
        sys.setrecursionlimit(limit)


def _syntax_error(error: SyntaxError, text: str, path: str) -> SourceError:
    message = error.msg or "invalid syntax"
    if "null bytes" in message:
        return _null_bytes(text, path)
    line = min(max(error.lineno or 1, 1), text.count("\n") + 1)
    column = max(error.offset or 1, 1)
    if message.startswith("too many nested"):
        return SourceError(path, line, column, f"{_TOO_DEEP} ({message})", _FLATTEN)
    if _looks_like_python_2(message, text, line, column):
        remedy = "port the file to Python 3, or exclude it from the check"
        return SourceError(path, line, column, f"looks like Python 2: {message}", remedy)
    return SourceError(path, line, column, f"is not valid Python: {message}", _FIX)


def _looks_like_python_2(message: str, text: str, line: int, column: int) -> bool:
    if message.startswith(("Missing parentheses in call to 'print'", "Missing parentheses in call to 'exec'")):
        return True
    if message.startswith("leading zeros in decimal integer literals"):
        return True
    source = text.split("\n", line)[line - 1]
    near = source[max(column - 4, 0) : column + 2]
    return bool(_PYTHON_2_STATEMENT.match(source) or _PYTHON_2_TOKEN.search(near))


def _value_error(error: Exception, text: str, path: str) -> SourceError:
    # Python up to 3.11.3 raises ValueError for null bytes; lone surrogates raise UnicodeEncodeError.
    if "\0" in text:
        return _null_bytes(text, path)
    if isinstance(error, UnicodeEncodeError):
        line = text.count("\n", 0, error.start) + 1
        return SourceError(path, line, 1, "holds a lone surrogate character", "save the file as UTF-8")
    return SourceError(path, 1, 1, f"is not valid Python: {error}", _FIX)


def _null_bytes(text: str, path: str) -> SourceError:
    at = max(text.find("\0"), 0)
    column = at - text.rfind("\n", 0, at)
    remedy = "save the file as UTF-8 text, or exclude it from the check"
    return SourceError(path, text.count("\n", 0, at) + 1, column, "holds a null byte", remedy)


def _longest_line(text: str) -> int:
    """Where to send the reader of a file that nests too deeply: Python does not say, size is the best hint."""
    lines = text.split("\n")
    return max(range(len(lines)), key=lambda index: len(lines[index])) + 1
