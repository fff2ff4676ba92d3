"""What history answers with: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sessionlint_reports.snapshot import Revision, StoredFinding, Totals, Yardstick


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A snapshot without its files: what trends and lists need. ``id`` is unique within one database."""

    id: int
    project: str
    revision: Revision
    yardstick: Yardstick
    totals: Totals
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome of recording: the snapshot's id, and whether it was not there before."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """One project of a database, its branches (the one with most snapshots first) and its newest snapshot.

    ``latest`` is of the first branch.
    """

    name: str
    branches: tuple[str, ...]
    snapshots: int
    latest: SnapshotInfo


@dataclass(frozen=True, slots=True)
class Diff:
    """What lies between two snapshots, by identity and count (a moved finding is neither new nor fixed).

    ``new``: debt that was not there in any state; ``fixed``: debt that is gone; ``absorbed`` and
    ``suppressed``: what was open and is now in that state; ``reopened``: what was absorbed or suppressed and
    is open now. ``comparable`` is false when the two were measured by different yardsticks, so that a
    change of the policy or the tool may be the cause.
    """

    new: tuple[StoredFinding, ...] = ()
    fixed: tuple[StoredFinding, ...] = ()
    absorbed: tuple[StoredFinding, ...] = ()
    suppressed: tuple[StoredFinding, ...] = ()
    reopened: tuple[StoredFinding, ...] = ()
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class Life:
    """One piece of debt from the snapshot it first appeared in to the one in which it was gone.

    ``stored`` is its last known form. ``gone`` is None while it lives; ``by_code`` is false when it appeared,
    and ``fixed_by`` empty when it vanished, under another yardstick than the snapshot before: nobody's doing.
    """

    stored: StoredFinding
    first: SnapshotInfo
    gone: SnapshotInfo | None = None
    by_code: bool = True
    fixed_by: str = ""

    @property
    def identity(self) -> str:
        """The identity of the finding."""
        return self.stored.identity

    def age_days(self, today: datetime) -> int:
        """Whole days from its appearance to its end, or to ``today`` while it lives."""
        end = self.gone.revision.at if self.gone else today
        return max(0, (end - self.first.revision.at).days)
