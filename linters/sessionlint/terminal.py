"""What only a terminal shows: colours and progress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TextIO

import click

from sessionlint.formats.text import Style, plain

_STYLES: dict[str, Callable[[str], str]] = {
    "path": lambda text: click.style(text, bold=True),
    "code": lambda text: click.style(text, fg="red", bold=True),
    "error": lambda text: click.style(text, fg="red", bold=True),
    "warning": lambda text: click.style(text, fg="yellow", bold=True),
    "info": lambda text: click.style(text, fg="cyan"),
    "caret": lambda text: click.style(text, fg="red"),
    "dim": lambda text: click.style(text, dim=True),
    "good": lambda text: click.style(text, fg="green", bold=True),
}

_PATIENCE = 1.0
_INTERVAL = 0.1


def colours(choice: str, stream: TextIO | None) -> Style:
    """The marking for ``choice``: ``always``, ``never`` or ``auto`` (on a terminal, unless NO_COLOR is set)."""
    automatic = stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
    if choice == "never" or (choice == "auto" and not automatic):
        return plain
    return lambda text, role: _STYLES[role](text)


class Progress:
    """A counter that rewrites one line of a terminal, once a run takes longer than a second."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._active = stream.isatty()
        self._next = clock() + _PATIENCE
        self._width = 0

    def __call__(self, done: int, total: int) -> None:
        """Shows that ``done`` of ``total`` files are read."""
        now = self._clock()
        if not self._active or now < self._next:
            return
        self._next = now + _INTERVAL
        text = f"Reading files: {done} of {total}"
        self._stream.write(f"\r{text:<{self._width}}")
        self._stream.flush()
        self._width = len(text)

    def clear(self) -> None:
        """Takes the counter off the terminal."""
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._stream.flush()
            self._width = 0
