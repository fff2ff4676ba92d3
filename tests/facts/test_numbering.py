"""Lines of an edited file keep the numbers they had; places stay in order and find back to their lines."""

import random

import pytest

from sessionlint.facts.numbering import Numbering, marks


def numbered(before, now, numbering=None):
    found = (numbering or Numbering.plain(len(before))).after(marks("\n".join(before)), marks("\n".join(now)))
    assert found is not None
    return found


def test_lines_below_one_that_was_put_in_keep_their_numbers():
    numbering = numbered(list("abc"), list("axbc"))
    assert [place[0] for place in numbering.places] == [1, 1, 2, 3]
    assert numbering.span((3, 5, 4, 2)) == (2, 5, 3, 2)


def test_a_place_in_a_new_line_is_behind_the_line_above_and_before_the_one_below():
    numbering = numbered(list("abc"), list("axbc"))
    above, new, below = (numbering.span((line, 9, line, 10))[:2] for line in (1, 2, 3))
    assert above < new < below
    assert numbering.real(*new) == (2, 9)


def test_lines_put_in_at_the_top_and_at_the_end():
    numbering = numbered(list("ab"), list("xyabz"))
    assert [place[0] for place in numbering.places] == [0, 0, 1, 2, 3]
    assert numbering.places[-1] == (3, 0)


def test_a_line_that_was_changed_stands_in_the_place_of_the_old_one():
    assert numbered(list("abcd"), list("axcd")).is_plain
    assert [p[0] for p in numbered(list("abcd"), list("axyd")).places] == [1, 2, 3, 4]


def test_taking_back_what_was_put_in_gives_plain_numbers_again():
    more = numbered(list("abc"), list("abxc"))
    assert not more.is_plain
    assert numbered(list("abxc"), list("abc"), more).is_plain


@pytest.mark.parametrize("seed", range(5))
def test_after_any_number_of_edits_places_are_in_order_and_each_finds_back_to_its_line(seed):
    rng = random.Random(seed)
    lines = [str(number) for number in range(40)]
    numbering = Numbering.plain(len(lines))
    for step in range(60):
        now = list(lines)
        at = rng.randrange(len(now))
        if rng.random() < 0.6:
            now[at:at] = [f"new {step} {count}" for count in range(rng.randrange(1, 6))]
        else:
            del now[at : at + rng.randrange(1, 4)]
        now = now or ["one"]
        # where there is no room left, numbers begin anew
        numbering = numbering.after(marks("\n".join(lines)), marks("\n".join(now))) or Numbering.plain(len(now))
        lines = now
        places = [numbering.span((line, 3, line, 4))[:2] for line in range(1, len(lines) + 1)]
        assert places == sorted(set(places))
        assert [numbering.real(*place) for place in places] == [(line, 3) for line in range(1, len(lines) + 1)]


def test_no_room_is_said_so():
    lines = ["a", "b"]
    numbering = Numbering.plain(2)
    for step in range(40):
        found = numbering.after(marks("\n".join(lines)), marks("\n".join([lines[0], f"x{step}", *lines[1:]])))
        if found is None:
            break
        lines, numbering = [lines[0], f"x{step}", *lines[1:]], found
    else:
        pytest.fail("there is always room")
