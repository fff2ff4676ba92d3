"""New text in the form of the file it replaces."""

from __future__ import annotations

import pytest

from sessionlint.fixes.encoding import encoded
from sessionlint.fixes.model import CannotFixError


def test_line_ends_of_unchanged_lines_stay_and_new_ones_take_that_of_the_line_above():
    original = b"a = 1\r\nb = 2\nc = 3\r\nd = 4\r"
    assert encoded("a = 1\nb = 2\nx = 0\nc = 3\nd = 5\n", original, "a.py") == (
        b"a = 1\r\nb = 2\nx = 0\nc = 3\r\nd = 5\r"
    )


def test_lines_that_go_take_their_ends_along():
    assert encoded("a = 1\nc = 3\n", b"a = 1\nb = 2\r\nc = 3\r\n", "a.py") == b"a = 1\nc = 3\r\n"


def test_a_new_first_line_takes_the_end_of_the_one_below():
    assert encoded("import x\na = 1\n", b"a = 1\r\n", "a.py") == b"import x\r\na = 1\r\n"


def test_the_missing_end_of_the_last_line_stays_missing():
    assert encoded("a = 1\nb = 3", b"a = 1\r\nb = 2", "a.py") == b"a = 1\r\nb = 3"


def test_the_byte_order_mark_stays():
    assert encoded("ä = 2\n", "\ufeffä = 1\r\n".encode(), "a.py") == "\ufeffä = 2\r\n".encode()


def test_the_encoding_of_the_coding_comment_is_written():
    text = "# -*- coding: latin-1 -*-\nname = 'é'\n"
    assert encoded(text + "x = 1\n", text.encode("latin-1"), "a.py") == (text + "x = 1\n").encode("latin-1")


def test_a_character_the_encoding_lacks_is_refused():
    text = "# coding: latin-1\n"
    with pytest.raises(CannotFixError, match="the new text holds '…', which iso-8859-1 lacks") as refused:
        encoded(text + "a = '…'\n", text.encode(), "a.py")
    assert (refused.value.path, refused.value.line) == ("a.py", 2)
