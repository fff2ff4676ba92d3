"""What changed between snapshots: pure functions over the findings that came and went."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sessionlint_reports.history.model import Diff, Life, SnapshotInfo
from sessionlint_reports.snapshot import State, StoredFinding

Findings = Mapping[int, Sequence[StoredFinding]]
"""Findings by the id of the file version that holds them."""


def pairs(
    before: Iterable[StoredFinding], after: Iterable[StoredFinding]
) -> Iterator[tuple[StoredFinding | None, StoredFinding | None]]:
    """Every finding of either side, with its counterpart on the other if it has one.

    Counterparts have one identity; those in the same file and state find each other first, then those in the same
    file, then any. Of twins the last ones stay alone.
    """
    left: dict[str, list[StoredFinding]] = defaultdict(list)
    for stored in before:
        left[stored.identity].append(stored)
    unmatched = list(after)
    for same in (_same_place_and_state, _same_place, _any):
        rest = []
        for stored in unmatched:
            candidates = left.get(stored.identity, [])
            found = next((c for c in candidates if same(c, stored)), None)
            if found is None:
                rest.append(stored)
            else:
                # By identity of the object: twins are equal but for their lines.
                candidates.pop(next(i for i, c in enumerate(candidates) if c is found))
                yield found, stored
        unmatched = rest
    yield from ((None, stored) for stored in unmatched)
    yield from ((stored, None) for candidates in left.values() for stored in candidates)


def _same_place_and_state(one: StoredFinding, other: StoredFinding) -> bool:
    return one.finding.path == other.finding.path and one.state == other.state


def _same_place(one: StoredFinding, other: StoredFinding) -> bool:
    return one.finding.path == other.finding.path


def _any(_one: StoredFinding, _other: StoredFinding) -> bool:
    return True


def difference(before: Iterable[StoredFinding], after: Iterable[StoredFinding], comparable: bool) -> Diff:
    """The diff between two sets of findings; findings of files that are equal on both sides may be left out."""
    groups: dict[str, list[StoredFinding]] = defaultdict(list)
    for old, new in pairs(before, after):
        if old is None and new is not None and new.is_debt:
            groups["new"].append(new)
        elif new is None and old is not None and old.is_debt:
            groups["fixed"].append(old)
        elif old is not None and new is not None and old.state != new.state:
            groups["reopened" if new.state == "open" else new.state].append(new)
    ordered = {name: tuple(sorted(found, key=lambda s: s.finding.sort_key)) for name, found in groups.items()}
    return Diff(**ordered, comparable=comparable)


def lives(
    timeline: Sequence[tuple[SnapshotInfo, frozenset[int]]], findings: Findings, states: Collection[State]
) -> tuple[Life, ...]:
    """The life of every finding in ``states``, in order of appearance; ended ones and living ones.

    ``timeline`` is oldest first; each snapshot comes with the ids of its file versions.
    """
    tracker = _Tracker(findings, states)
    for info, versions in timeline:
        tracker.step(info, versions)
    return tracker.result()


class _Tracker:
    """Walks a timeline; looks only at the file versions that came or went."""

    def __init__(self, findings: Findings, states: Collection[State]) -> None:
        self._findings = findings
        self._states = states
        self._versions: frozenset[int] = frozenset()
        self._before: SnapshotInfo | None = None
        # Lives by the object that is their last form: twins are told apart by it.
        self._open: dict[tuple[int, int], int] = {}
        self._lives: list[Life] = []

    def step(self, info: SnapshotInfo, versions: frozenset[int]) -> None:
        """Moves on to the next snapshot."""
        same = self._before is None or self._before.yardstick == info.yardstick
        gone = self._of(self._versions - versions)
        come = self._of(versions - self._versions)
        keys = {id(stored): key for key, stored in (*gone, *come)}
        for old, new in pairs([s for _, s in gone], [s for _, s in come]):
            life = self._open.pop(keys[id(old)], None) if old is not None else None
            tracked = new is not None and new.state in self._states
            if life is not None and tracked and new is not None:
                self._lives[life] = dataclasses.replace(self._lives[life], stored=new)
                self._open[keys[id(new)]] = life
            elif life is not None:
                # Whoever silences a finding has not fixed it.
                author = info.revision.author if same and new is None else ""
                self._lives[life] = dataclasses.replace(self._lives[life], gone=info, fixed_by=author)
            elif tracked and new is not None:
                self._open[keys[id(new)]] = len(self._lives)
                self._lives.append(Life(new, info, by_code=same))
        self._versions, self._before = versions, info

    def _of(self, versions: Iterable[int]) -> list[tuple[tuple[int, int], StoredFinding]]:
        return [
            ((version, position), stored)
            for version in sorted(versions)
            for position, stored in enumerate(self._findings.get(version, ()))
        ]

    def result(self) -> tuple[Life, ...]:
        """All lives so far."""
        return tuple(self._lives)
