"""Text of unknown content made harmless."""

import pytest

from sessionlint.formats.escaping import encodable, shortened, visible
from tests.formats.samples import HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\x1b[0m\x00", "a\\nb\\r\\x1b[0m\\x00"),
        ("\u202eevil\u200f", "\\u202eevil\\u200f"),
        ("\ud800\udce9", "\\ud800\\udce9"),
        ("größer 数据 \U0001d518 \"'`", "größer 数据 \U0001d518 \"'`"),
    ],
)
def test_what_hides_or_cannot_be_encoded_is_written_out(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_out_is_one_printable_line_of_utf_8(text):
    assert visible(text).isprintable()
    assert encodable(text).encode()


def test_names_stay_what_they_are_but_for_lone_surrogates():
    assert encodable("src/größer\u202e\n.py") == "src/größer\u202e\n.py"
    assert encodable("caf\udce9.py") == "caf?.py"


def test_long_texts_end_in_an_ellipsis_within_the_limit():
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
