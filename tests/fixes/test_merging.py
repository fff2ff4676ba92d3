"""Changes of several fixes to one text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessionlint.fixes.merging import conflict, line_edits, merged

BASE = "import a\n\nx = 1\ny = 2\nz = 3\n"
_TEXTS = st.lists(st.sampled_from(["", "a", "b", "  c"]), max_size=8).map("\n".join)


@given(_TEXTS, _TEXTS)
def test_the_edits_between_two_texts_lead_from_one_to_the_other(one, other):
    assert merged(one, line_edits(one, other)) == other


def test_edits_of_different_lines_are_made_together():
    one, other = line_edits(BASE, BASE.replace("x = 1", "x = 5")), line_edits(BASE, BASE.replace("z = 3\n", ""))
    assert not conflict(one, other)
    assert merged(BASE, (*one, *other)) == "import a\n\nx = 5\ny = 2\n"


def test_neighbouring_lines_can_both_change():
    one, other = line_edits(BASE, BASE.replace("x = 1", "x = 5")), line_edits(BASE, BASE.replace("y = 2", "y = 6"))
    assert not conflict(one, other)
    assert merged(BASE, (*one, *other)) == "import a\n\nx = 5\ny = 6\nz = 3\n"


def test_the_same_edit_wanted_twice_is_made_once():
    with_import = BASE.replace("import a\n", "import a\nimport b\n")
    one = line_edits(BASE, with_import.replace("x = 1", "x = b"))
    other = line_edits(BASE, with_import.replace("z = 3", "z = b"))
    assert not conflict(one, other)
    assert merged(BASE, (*one, *other)) == "import a\nimport b\n\nx = b\ny = 2\nz = b\n"


def test_different_edits_of_one_line_conflict():
    assert conflict(line_edits(BASE, BASE.replace("x = 1", "x = 5")), line_edits(BASE, BASE.replace("x = 1", "x = 6")))


def test_different_lines_put_in_one_place_conflict():
    one = line_edits(BASE, BASE.replace("x = 1\n", "x = 1\nb = 1\n"))
    assert conflict(one, line_edits(BASE, BASE.replace("x = 1\n", "x = 1\nc = 1\n")))
    assert conflict(one, line_edits(BASE, BASE.replace("x = 1\n", "x = 7\n")))
