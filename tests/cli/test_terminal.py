"""Progress and colours: for people at a terminal, for nobody else."""

import io

import pytest

from sessionlint.terminal import Progress, colours


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_short_run_shows_no_progress():
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)
    clock.now = 0.9
    progress(1, 10)
    progress.clear()
    assert stream.getvalue() == ""


def test_a_long_run_counts_in_one_line_and_cleans_up():
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)
    clock.now = 1.1
    progress(5, 10)
    progress(6, 10)
    clock.now = 1.3
    progress(7, 10)
    progress.clear()
    line = "Reading files: 7 of 10"
    assert stream.getvalue() == f"\rReading files: 5 of 10\r{line}\r{' ' * len(line)}\r"


def test_a_pipe_gets_no_progress():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)
    clock.now = 10
    progress(1, 10)
    progress.clear()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("choice", "stream", "no_color", "coloured"),
    [
        ("always", io.StringIO(), "1", True),
        ("never", Terminal(), "", False),
        ("auto", Terminal(), "", True),
        ("auto", Terminal(), "1", False),
        ("auto", io.StringIO(), "", False),
        ("auto", None, "", False),
    ],
)
def test_colour_follows_choice_terminal_and_environment(monkeypatch, choice, stream, no_color, coloured):
    monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[" in colours(choice, stream)("TXN101", "code")) is coloured
