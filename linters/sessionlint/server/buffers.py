"""Texts as the editor holds them, and what of them the program is made of while they are being typed."""

from __future__ import annotations

import dataclasses
import io
import tokenize
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sessionlint.facts.source import SourceError, decode, parse
from sessionlint.report import CheckError, Finding, Span, TraceStep


@dataclass(frozen=True)
class Buffer:
    """An open document. ``version`` is the client's count of changes, if it counts."""

    uri: str
    text: str
    version: int | None = None

    @cached_property
    def data(self) -> bytes:
        """The text as a file would hold it, in the encoding it declares."""
        data = self.text.encode("utf-8", errors="surrogatepass")
        try:
            return self.text.encode(tokenize.detect_encoding(io.BytesIO(data).readline)[0])
        except (SyntaxError, UnicodeEncodeError):
            return data


@dataclass(frozen=True, slots=True)
class Drift:
    """How the lines of a text that is being typed relate to those of its last version that could be parsed.

    The first ``head`` lines are the same, and all from ``tail`` (from 1, of the parsed text) on, moved by ``moved``.
    """

    head: int
    tail: int
    moved: int

    @classmethod
    def between(cls, parsed: Sequence[str], typed: Sequence[str]) -> Drift:
        """The drift from the lines of one text to those of the other."""
        shorter = min(len(parsed), len(typed))
        head = next((n for n in range(shorter) if parsed[n] != typed[n]), shorter)
        room = shorter - head
        same = next((n for n in range(room) if parsed[-1 - n] != typed[-1 - n]), room)
        return cls(head, len(parsed) - same + 1, len(typed) - len(parsed))

    def line(self, line: int) -> int | None:
        """Where a line of the parsed text is now; None when it was changed."""
        if line <= self.head:
            return line
        return line + self.moved if line >= self.tail else None


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands for an open file in the program: its last text that parses, and what is wrong with this one."""

    parsed: bytes
    error: CheckError | None = None
    drift: Drift | None = None


ErrorIn = Callable[[str, bytes], CheckError | None]


def error_in(path: str, data: bytes) -> CheckError | None:
    """What is wrong with the syntax of a file of these bytes, if anything."""
    try:
        parse(data, path)
    except SourceError as error:
        return CheckError(path, error.line, f"{error.message}; {error.remedy}", error.column)
    except (RecursionError, MemoryError):
        # who reads it for the program has a deeper stack
        pass
    return None


def drafted(path: str, buffer: Buffer, last: bytes | None, error_in: ErrorIn = error_in) -> Draft:
    """What stands for ``buffer``; ``last`` is what stood for the file before.

    Where neither parses it is the buffer itself, and the program says what is wrong with it.
    """
    error = error_in(path, buffer.data)
    if error is None or last is None or error_in(path, last):
        return Draft(buffer.data)
    typed = buffer.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Draft(last, error, Drift.between(decode(last, path).split("\n"), typed))


def drifted(finding: Finding, drifts: dict[str, Drift]) -> Finding | None:
    """The finding at the place where its lines are now; None when they are being changed."""
    if not drifts:
        return finding
    span = finding.span
    drift = drifts.get(span.path)
    if drift:
        first, last = drift.line(span.line), drift.line(span.end_line)
        if first is None or last is None:
            return None
        span = Span(span.path, first, span.column, last, span.end_column)
    return dataclasses.replace(finding, span=span, trace=tuple(_drifted(step, drifts) for step in finding.trace))


def _drifted(step: TraceStep, drifts: dict[str, Drift]) -> TraceStep:
    drift = drifts.get(step.path)
    line = drift.line(step.line) if drift else step.line
    return dataclasses.replace(step, line=line or step.line)
