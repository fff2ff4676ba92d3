"""Findings that were there before: counted per file, function and statement, never by line.

An entry follows its file when that is moved or renamed, and its function when that moves to another file. It
never pays for a finding in another place: the same statement in another file that is still there is new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sessionlint.report import BaselineEntry, Finding

#: Findings about the gate are mended at once; a baseline that held them would make exceptions permanent.
NEVER_ABSORBED = "TXN9"

Defines = Callable[[str, str], bool]
"""Whether a file (by path) still defines a function or class (by qualified name)."""

_Place = tuple[str, str, str, str]
_Kind = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """Findings known before, and the name of what knows them."""

    entries: tuple[BaselineEntry, ...]
    name: str

    @property
    def total(self) -> int:
        """The number of findings the entries stand for."""
        return sum(entry.count for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Comparison:
    """New findings, known ones, and the entries (with what is left of their counts) nothing answers to."""

    new: tuple[Finding, ...]
    absorbed: tuple[Finding, ...]
    stale: tuple[BaselineEntry, ...]


def entries_of(findings: Iterable[Finding]) -> tuple[BaselineEntry, ...]:
    """The entries that stand for ``findings``, sorted."""
    counts = Counter(_place(finding) for finding in findings)
    return tuple(sorted(BaselineEntry(*place, count) for place, count in counts.items()))


def compare(
    findings: Sequence[Finding], known: Iterable[BaselineEntry], files: Collection[str], defines: Defines
) -> Comparison:
    """Parts findings into known and new ones. Of more twins than are known the last ones are new.

    ``files`` are all files of the project; ``defines`` is asked about functions that seem to have moved.
    """
    left: Counter[_Place] = Counter()
    for entry in known:
        left[entry.path, entry.rule, entry.qualname, entry.fingerprint] += entry.count
    unknown: list[Finding] = []
    absorbed: list[Finding] = []
    for finding in findings:
        if left[_place(finding)] > 0:
            left[_place(finding)] -= 1
            absorbed.append(finding)
        else:
            unknown.append(finding)
    moved = _moved(left, unknown, frozenset(files), defines)
    new: list[Finding] = []
    for finding in unknown:
        source = next((place for place in moved.get(_kind(_place(finding)), ()) if left[place] > 0), None)
        if source is None:
            new.append(finding)
        else:
            left[source] -= 1
            absorbed.append(finding)
    stale = tuple(sorted(BaselineEntry(*place, count) for place, count in left.items() if count > 0))
    return Comparison(tuple(new), tuple(sorted(absorbed, key=lambda finding: finding.sort_key)), stale)


def grown(before: Iterable[BaselineEntry], after: Iterable[BaselineEntry]) -> tuple[BaselineEntry, ...]:
    """What ``after`` tolerates beyond ``before``, wherever the files lie now: entries with the surplus as count."""
    room: Counter[_Kind] = Counter()
    for entry in before:
        room[entry.rule, entry.qualname, entry.fingerprint] += entry.count
    surplus = []
    for entry in sorted(after):
        kind = (entry.rule, entry.qualname, entry.fingerprint)
        beyond = max(0, entry.count - room[kind])
        room[kind] -= entry.count - beyond
        if beyond:
            surplus.append(BaselineEntry(entry.path, *kind, beyond))
    return tuple(surplus)


def _moved(
    left: Counter[_Place], unknown: Sequence[Finding], files: frozenset[str], defines: Defines
) -> dict[_Kind, list[_Place]]:
    """By kind of finding, the entries whose file or function is no longer where it was."""
    kinds = {_kind(_place(finding)) for finding in unknown}
    moved: dict[_Kind, list[_Place]] = defaultdict(list)
    for place in sorted(place for place, count in left.items() if count > 0):
        path, _, qualname, _ = place
        if _kind(place) in kinds and (path not in files or (qualname and not defines(path, qualname))):
            moved[_kind(place)].append(place)
    return moved


def _place(finding: Finding) -> _Place:
    return (finding.path, finding.code, finding.qualname, finding.identity)


def _kind(place: _Place) -> _Kind:
    return place[1:]
