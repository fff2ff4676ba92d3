"""Merging two branches' baselines: reductions of both apply, nothing real gets lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionlint.gate.baseline_merge import merge
from sessionlint.report import BaselineEntry

KIND = ("TXN201", "save", "f" * 24)


def entries(counts: dict[str, int]) -> list[BaselineEntry]:
    """One kind of finding in several files."""
    return [BaselineEntry(path, *KIND, count) for path, count in counts.items() if count]


def merged(base: dict[str, int], ours: dict[str, int], theirs: dict[str, int]) -> dict[str, int]:
    result = merge(entries(base), entries(ours), entries(theirs))
    assert merge(entries(base), entries(theirs), entries(ours)) == result
    return {entry.path: entry.count for entry in result}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ({"a": 3}, {"a": 3}, {"a": 3}, {"a": 3}),
        ({"a": 3}, {"a": 1}, {"a": 3}, {"a": 1}),
        ({"a": 3}, {"a": 1}, {"a": 2}, {"a": 1}),
        ({"a": 3}, {}, {"a": 2}, {}),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 3}, {"a": 2}, {"a": 4}),
        ({"a": 2}, {"a": 1}, {"a": 3}, {"a": 2}),
        ({}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}),
    ],
    ids=["same", "one mends", "both mend", "one mends all", "each mends one", "both add", "one mends, one adds", "new"],
)
def test_counts_of_both_sides_come_together(base, ours, theirs, result):
    assert merged(base, ours, theirs) == result


def test_a_file_that_both_branches_moved_is_not_counted_twice():
    assert merged({"a": 2}, {"b": 2}, {"b": 2}) == {"b": 2}


def test_a_finding_mended_in_one_branch_stays_mended_where_the_other_moved_the_file():
    assert merged({"a": 2}, {"a": 1}, {"b": 2}) == {"b": 1}


# A branch mends findings of the base or adds some of its own (to do both to twins leaves no trace in counts), and
# may move files; a finding is (path, number).
_base = st.sets(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=6)
_added = st.integers(0, 2)


def _branch(data: st.DataObject, base: set[tuple[str, int]], name: str) -> tuple[set[tuple[str, int]], dict, set]:
    """Findings of the base that are left, the files that moved, and findings of the branch's own."""
    adds = data.draw(st.booleans())
    left = data.draw(st.sets(st.sampled_from(sorted(base)))) if base and not adds else base
    moves = {path: data.draw(st.sampled_from([path, f"{path}2"])) for path in "ab"}
    own = {(data.draw(st.sampled_from("ab")), f"{name}{n}") for n in range(data.draw(_added) if adds else 0)}
    return left, moves, own


@given(st.data(), _base)
def test_what_is_there_after_a_merge_is_always_tolerated(data, base):
    left1, moves1, own1 = _branch(data, base, "ours")
    left2, moves2, own2 = _branch(data, base, "theirs")
    count = lambda items, moves: Counter(moves[path] for path, _ in items)  # noqa: E731
    ours, theirs = count(left1 | own1, moves1), count(left2 | own2, moves2)
    truth = len((left1 & left2) | own1 | own2)
    result = merged(Counter(path for path, _ in base), ours, theirs)
    assert sum(result.values()) >= truth
    if moves1 == moves2 == {"a": "a", "b": "b"}:
        assert count((left1 & left2) | own1 | own2, moves1) <= Counter(result)


@given(st.data())
def test_an_entry_both_sides_took_out_never_comes_back(data):
    base = dict.fromkeys(data.draw(st.sets(st.sampled_from("abcdef"), min_size=1)), 1)
    gone = data.draw(st.sets(st.sampled_from(sorted(base)), min_size=1))
    rest = {path: 1 for path in base if path not in gone}
    assert merged(base, rest, rest) == rest
