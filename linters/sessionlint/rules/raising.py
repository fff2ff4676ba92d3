"""What raises an error that has nothing to do with a database or a network: a ``raise``, a library's function."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import network
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.failing import body_of, told_blocks, tries, types_of
from sessionlint.rules.recording import recorded_clauses
from sessionlint.rules.said_and_raised import is_said
from sessionlint.rules.watching import is_within

_MAX_NESTING = 5
_RECORDING = frozenset({"handler", "context"})
#: What a class below does not raise, and what is meant to end a process.
_MEANT = ("NotImplementedError", "SystemExit", "KeyboardInterrupt", "StopIteration", "StopAsyncIteration")
#: What ends a task or a process from outside; a call gives the class in anyio.
_ENDING = regex(
    r".*\.CancelledError\Z|anyio\.get_cancelled_exc_class\(\)\Z|trio\.Cancelled\Z"
    r"|builtins\.(?:KeyboardInterrupt|SystemExit|GeneratorExit)\Z"
)
#: Libraries that log, count, declare or schedule: what an ``except`` clause is around is not theirs.
_AT_EASE = frozenset({
    "logging", "structlog", "loguru", "sentry_sdk", "prometheus_client", "opentelemetry", "statsd", "datadog", "rich",
    "click", "tqdm", "fastapi", "starlette", "sqlalchemy", "sqlmodel", "celery", "apscheduler", "arq", "taskiq",
    "dramatiq", "rq", "anyio", "attr", "attrs", "pytz", "typing_extensions", "dateutil", "psutil",
})  # fmt: skip
#: Modules of the standard library that read, decode or run what others have written.
_OUTSIDE = frozenset({
    "json", "tomllib", "pickle", "marshal", "csv", "xml", "zipfile", "tarfile", "gzip", "bz2", "lzma", "zlib",
    "subprocess", "configparser", "plistlib", "shelve", "ast", "imaplib", "poplib", "ftplib", "socket", "ssl",
})  # fmt: skip
_FILES = ("read_text", "read_bytes", "write_text", "write_bytes", "open", "iterdir", "rename", "symlink_to")
_COPIES = ("copy", "copy2", "copyfile", "copytree", "move", "make_archive", "unpack_archive")
#: What opens something else than a file.
_NO_FILES = frozenset({"webbrowser", "dbm", "shelve"})
#: Tidying up: what stays behind is nobody's result.
_TIDYING = (
    "close",
    "aclose",
    "shutdown",
    "stop",
    "cancel",
    "terminate",
    "kill",
    "cleanup",
    "disconnect",
    "unlink",
    "clear",
)


def can_raise(event: Event) -> bool:
    """Whether an event may raise of its own accord: a library's function, one of the project that does."""
    return throws(event) or next(_raised_below(event), None) is not None


def throws(event: Event) -> bool:
    """Whether an event calls a library's function that works with what it is given, and may find it wrong."""
    if event.kind != "external" or event.name in network.SLEEPS:
        return False
    library, _, rest = event.name.partition(".")
    method = rest.rpartition(".")[2]
    if not method or not method[0].islower() or method in _TIDYING:
        return False
    if library == "pathlib":
        return method in _FILES
    if library == "shutil":
        return method in _COPIES
    return event.name == "builtins.open" or library in _OUTSIDE or library not in _AT_EASE | sys.stdlib_module_names


def first_raise(function: FunctionInfo, own: bool = False) -> Event | None:
    """The first call in a function of one of the project that raises, with no ``except`` around it.

    Its ``own`` raise is what it says to whom it concerns, and counts only where its caller asks.
    """
    told = told_blocks(function)
    for event in _uncaught(function):
        raises = (own and _is_raise(event)) or any(_is_raise(e) and not is_said(e) for e in _raised_below(event))
        if raises and "handler" not in event.flags and not any(is_within(event.span, block) for block in told):
            return event
    return None


def first_file(function: FunctionInfo) -> Event | None:
    """The first thing in a function that opens, reads or copies files with no ``except`` around it, calls followed."""
    told = told_blocks(function)
    for event in _uncaught(function):
        if "handler" in event.flags or any(is_within(event.span, block) for block in told):
            continue
        if _needs_file(event) or any(_needs_file(e) for e in _raised_below(event)):
            return event
    return None


def _needs_file(event: Event) -> bool:
    """Whether an event calls what fails for want of a file, of the right to it or of space."""
    if not throws(event):
        return False
    library, _, rest = event.name.partition(".")
    if library in ("pathlib", "shutil"):
        return True
    return rest.rpartition(".")[2] == "open" and "()" not in rest and library not in _NO_FILES


def _raised_below(event: Event) -> Iterator[Event]:
    """What raises in the functions that an event calls, and in those they call."""
    seen: set[FunctionInfo] = set()
    pending = [event]
    for _ in range(_MAX_NESTING):
        callees = {e.callee for e in pending if e.kind == "call" and e.callee is not None} - seen
        seen |= callees
        # a block that an ``except`` clause enters is how it records: it lets through what comes from inside the block
        pending = [e for callee in callees for e in _uncaught(callee) if not e.flags >= _RECORDING]
        yield from (e for e in pending if _is_raise(e) or throws(e))


def _uncaught(function: FunctionInfo) -> list[Event]:
    caught = {e.span for h in function.events if h.kind == "handler" for e in body_of(h)}
    found = [e for e in function.events if e.kind in ("raise", "call", "external") and e.span not in caught]
    # what was recorded before it is raised again is not lost
    told = recorded_clauses(function) if any(e.kind == "raise" and "handler" in e.flags for e in found) else []
    return [e for e in found if not any(is_within(e.span, clause) for clause in told)] if told else found


def _is_raise(event: Event) -> bool:
    """Whether an event is a ``raise`` of an error."""
    if event.kind != "raise" or (event.expr is not None and ir.text_of(event.expr).startswith(_MEANT)):
        return False
    return "handler" not in event.flags or not _lets_end(event)


def _lets_end(event: Event) -> bool:
    """Whether a ``raise`` in an ``except`` clause lets through what it has caught, and that is no failure: the end."""
    around = [h for h in event.function.events if h.kind == "handler" and is_within(event.span, h.span)]
    clause = max(around, key=lambda h: h.span[:2], default=None)
    if clause is None or "bare" in clause.flags:
        return False
    caught = list(types_of(clause))
    if not caught or not all(a.tag == "ext" and _ENDING.match(a.name) for a in caught):
        return False
    named = (c[2] for node in tries(ir.body_of(event.function.facts)) for c in node[3] if c[0] == clause.span)
    # ``raise``, ``raise error`` of what the clause calls so
    return event.expr is None or (event.expr[0] == "n" and event.expr[2] == next(named, None))
