"""Merges two branches' baselines by counts: what either branch mended stays mended, and no entry gets lost.

Which twin a branch mended cannot be told from counts, so the result is the most that may be left. What it
tolerates too much is stale and goes with the next prune; it is never less than what is there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sessionlint.report import BaselineEntry

_Place = tuple[str, str, str, str]
_Kind = tuple[str, str, str]


def merge(
    base: Iterable[BaselineEntry], ours: Iterable[BaselineEntry], theirs: Iterable[BaselineEntry]
) -> tuple[BaselineEntry, ...]:
    """The entries that hold after a merge of ``ours`` and ``theirs``, which both come from ``base``; sorted."""
    before, left, right = _counts(base), _counts(ours), _counts(theirs)
    places = set(before) | set(left) | set(right)
    merged = Counter({place: _merged(before[place], left[place], right[place]) for place in places})
    by_kind: dict[_Kind, list[_Place]] = defaultdict(list)
    for place in sorted(places):
        by_kind[place[1:]].append(place)
    for listed in by_kind.values():
        totals = (sum(counts[place] for place in listed) for counts in (before, left, right))
        _limit(merged, listed, _merged(*totals), left, right)
    return tuple(sorted(BaselineEntry(*place, count) for place, count in merged.items() if count > 0))


def _merged(before: int, left: int, right: int) -> int:
    if left <= before and right <= before:
        return min(left, right)
    return left + right - before


def _limit(
    merged: Counter[_Place], places: list[_Place], limit: int, left: Counter[_Place], right: Counter[_Place]
) -> None:
    """Takes away what would be tolerated twice because a branch, or both, moved it: ``limit`` is all there can be."""
    excess = sum(merged[place] for place in places) - limit
    for place in places:
        if excess > 0:
            twice = min(excess, max(0, merged[place] - max(left[place], right[place])))
            merged[place] -= twice
            excess -= twice
    remaining = [place for place in places if merged[place] > 0]
    if excess > 0 and len(remaining) == 1:
        merged[remaining[0]] = limit


def _counts(entries: Iterable[BaselineEntry]) -> Counter[_Place]:
    counts: Counter[_Place] = Counter()
    for entry in entries:
        counts[entry.path, entry.rule, entry.qualname, entry.fingerprint] += entry.count
    return counts
