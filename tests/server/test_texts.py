"""Columns, drifting lines, edits, and where suppressions go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from sessionlint.report import Finding, Span, TraceStep
from sessionlint.server.buffers import Buffer, Drift, drafted, drifted
from sessionlint.server.editing import insertion, lines_of, text_edits
from sessionlint.server.positions import Units
from sessionlint.server.suppressing import suppression


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)])
def test_a_column_is_counted_in_the_units_agreed_on(encoding: str, expected: int) -> None:
    units = Units(encoding)
    assert units.to_client("é🦆a = b", 4) == expected
    assert units.from_client("é🦆a = b", expected) == 4


def test_a_place_inside_a_character_is_that_character() -> None:
    assert Units("utf-16").from_client("a🦆b", 2) == 2
    assert Units("utf-8").from_client("a🦆b", 3) == 2


def test_a_place_behind_the_line_is_its_end() -> None:
    assert Units().from_client("ab", 99) == 3
    assert Units().from_client("🦆", 99) == 2


@given(st.text(st.characters(exclude_characters="\r\n")), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_every_column_comes_back_as_it_went(line: str, encoding: str) -> None:
    units = Units(encoding)
    for column in range(1, len(line) + 2):
        assert units.from_client(line, units.to_client(line, column)) == column


def test_lines_above_a_change_stay_and_those_below_move() -> None:
    drift = Drift.between(["a", "b", "c", "d"], ["a", "x", "y", "c", "d"])
    assert [drift.line(number) for number in (1, 2, 3, 4)] == [1, None, 4, 5]


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_a_line_that_is_said_to_have_moved_is_the_same_there(parsed: list[str], typed: list[str]) -> None:
    drift = Drift.between(parsed, typed)
    for number, line in enumerate(parsed, start=1):
        now = drift.line(number)
        assert now is None or typed[now - 1] == line


def test_a_finding_in_a_line_that_is_being_changed_is_left_out() -> None:
    drift = Drift.between(["a", "b", "c"], ["a", "b(", "c"])
    trace = (TraceStep("x.py", 2, 1, "here"), TraceStep("x.py", 3, 1, "there"))
    below = Finding("TXN201", "n", Span("x.py", 3, 1, 3, 2), "", trace=trace)
    assert drifted(Finding("TXN201", "n", Span("x.py", 2, 1, 2, 2), ""), {"x.py": drift}) is None
    assert drifted(below, {"x.py": drift}) == below


def test_the_last_text_that_parses_stands_for_one_that_does_not() -> None:
    draft = drafted("x.py", Buffer("", "a = (\n"), b"a = 1\n")
    assert draft.parsed == b"a = 1\n"
    assert draft.error
    assert (draft.error.line, draft.error.path) == (1, "x.py")


def test_where_nothing_ever_parsed_the_program_says_so_itself() -> None:
    assert drafted("x.py", Buffer("", "a = (\n"), b"a = [\n").error is None
    assert drafted("x.py", Buffer("", "a = (\n"), None).parsed == b"a = (\n"


def test_a_text_is_held_in_the_encoding_it_declares() -> None:
    assert Buffer("", "# coding: latin-1\né\n").data == "# coding: latin-1\né\n".encode("latin-1")
    assert Buffer("", "# coding: latin-1\n€\n").data == "# coding: latin-1\n€\n".encode()


LINES = st.lists(st.text("ab🦆\f", max_size=2), max_size=5)


@given(LINES, LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_edits_make_one_text_the_other(old: list[str], new: list[str], end: str, ends: bool, ended: bool) -> None:
    before = end.join(old) + (end if ends and old else "")
    after = end.join(new) + (end if ended and new else "")
    units = Units("utf-32")
    made = before
    lines = lines_of(before)

    def offset(position: types.Position) -> int:
        return sum(map(len, lines[: position.line])) + position.character

    for edit in reversed(text_edits(before, after, units)):
        made = made[: offset(edit.range.start)] + edit.new_text + made[offset(edit.range.end) :]
    assert made == after


def test_a_line_goes_in_with_the_line_end_of_its_neighbour() -> None:
    assert insertion("a\r\nb\r\n", 2, "x").new_text == "x\r\n"
    assert insertion("a\nb", 2, "x").new_text == "x\n"


def at(source: str, needle: str, code: str = "TXN201") -> Finding:
    """A finding at the first ``needle`` of a source."""
    line = source[: source.index(needle)].count("\n") + 1
    return Finding(code, "n", Span("x.py", line, 1, line, 2), "")


@pytest.mark.parametrize(
    ("source", "needle", "expected"),
    [
        ("def f():\n    a()\n", "a()", (2, "    # sessionlint: ignore[TXN201] -- why")),
        ("def f():\n    a(\n        b,\n    )\n", "b,", (2, "    # sessionlint: ignore[TXN201] -- why")),
        ("@one\n@two\ndef f():\n    pass\n", "@two", (1, "# sessionlint: ignore[TXN201] -- why")),
        ("with a(\n    b\n):\n    c\n", "b", (1, "# sessionlint: ignore[TXN201] -- why")),
        ('a = """\nb\n"""\n', "b\n", (1, "# sessionlint: ignore[TXN201] -- why")),
        ("try:\n    a\nexcept E:\n    b\n", "except", (3, "# sessionlint: ignore[TXN201] -- why")),
    ],
    ids=["a line", "inside a call", "a decorator", "a header", "a string", "an except"],
)
def test_a_suppression_goes_above_the_statement(source: str, needle: str, expected: tuple[int, str]) -> None:
    made = suppression(at(source, needle), source.encode(), "why")
    assert made
    assert (made.line, made.text) == expected


def test_what_is_about_the_gate_itself_cannot_be_suppressed() -> None:
    assert suppression(at("a\n", "a", "TXN903"), b"a\n", "why") is None
    assert suppression(at("a\n", "a", "policy"), b"a\n", "why") is None


def test_code_that_does_not_parse_takes_no_suppression() -> None:
    assert suppression(at("a(\n", "a"), b"a(\n", "why") is None
