"""The history of projects: record snapshots, and ask what changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Connection, func, select

from sessionlint_reports.history import changes, pruning, reading
from sessionlint_reports.history.database import Database, HistoryError, open_database, shown
from sessionlint_reports.history.model import Diff, Life, ProjectInfo, Recorded, SnapshotInfo
from sessionlint_reports.history.pruning import Plan, Rule
from sessionlint_reports.history.schema import project as project_table
from sessionlint_reports.history.schema import snapshot as snapshot_table
from sessionlint_reports.history.schema import storable
from sessionlint_reports.history.writing import Writer, project_id
from sessionlint_reports.snapshot import DEBT, Snapshot, State

FOLDER = ".sessionlint"
FILE = "history.db"


def _now() -> datetime:
    return datetime.now(UTC)


class History:
    """An open history; use it as a context manager. Every method raises :class:`HistoryError` when it cannot work."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, place: str | Path, *, create: bool = True, clock: Callable[[], datetime] = _now) -> History:
        """Opens the SQLite file or PostgreSQL URL ``place``; without ``create`` it must be there."""
        return cls(open_database(place, create=create), clock)

    @staticmethod
    def default_place(root: Path) -> Path:
        """The file a project's history lies in unless told otherwise; its folder is ignored by git."""
        folder = root / FOLDER
        try:
            folder.mkdir(exist_ok=True)
            marker = folder / ".gitignore"
            if not marker.exists():
                marker.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise HistoryError(f"the folder {folder} cannot be made: {error.strerror}; pass --history.") from error
        return folder / FILE

    @property
    def place(self) -> str:
        """Where the history lies, for people: without a password."""
        return shown(self._database.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    # writing

    def record(self, snapshot: Snapshot) -> Recorded:
        """Adds a snapshot; one of the same commit, branch and yardstick is left as it is."""
        return self.record_all([snapshot])[0]

    def record_all(self, snapshots: Iterable[Snapshot]) -> tuple[Recorded, ...]:
        """Adds snapshots of one project in one transaction: all of them or none."""
        everything = list(snapshots)
        if not everything:
            return ()
        if len({snapshot.project for snapshot in everything}) > 1:
            raise ValueError("snapshots of several projects in one batch")
        with self._database.writing() as connection:
            number = project_id(connection, everything[0].project)
            self._database.lock_project(connection, number)
            writer = Writer(connection, number, self._clock())
            return tuple(writer.write(snapshot) for snapshot in everything)

    def prune(self, project: str, rule: Rule, *, dry_run: bool = False) -> Plan:
        """Deletes the snapshots ``rule`` does not keep, and what only they needed; ``dry_run`` only says which."""
        with self._database.writing() as connection:
            number = self._project(connection, project)
            self._database.lock_project(connection, number)
            found = reading.infos(connection, snapshot_table.c.project_id == number)
            plan = pruning.plan(found, rule)
            if not dry_run:
                pruning.delete_snapshots(connection, number, [info.id for info in plan.deleted])
        if plan.deleted and not dry_run:
            self._database.shrink()
        return plan

    # reading

    def stamp(self) -> str:
        """A text that changes whenever something was recorded or pruned."""
        table = snapshot_table.c
        with self._database.reading() as connection:
            numbers = connection.execute(select(func.count(), func.max(table.id), func.max(table.recorded_at))).one()
        return "-".join(str(number or 0) for number in numbers)

    def projects(self) -> tuple[ProjectInfo, ...]:
        """All projects that have snapshots, by name."""
        with self._database.reading() as connection:
            everything = reading.infos(connection)
        by_name: dict[str, list[SnapshotInfo]] = {}
        for info in everything:
            by_name.setdefault(info.project, []).append(info)
        found = []
        for name, of_project in sorted(by_name.items()):
            branches = reading.branches_of(of_project)
            newest = _timeline(of_project, branches[0])[-1]
            found.append(ProjectInfo(name, branches, len(of_project), newest))
        return tuple(found)

    def snapshots(self, project: str) -> tuple[SnapshotInfo, ...]:
        """Every snapshot of a project, of all branches and yardsticks, oldest first."""
        with self._database.reading() as connection:
            return tuple(reading.infos(connection, _named(project)))

    def timeline(self, project: str, branch: str | None = None) -> tuple[SnapshotInfo, ...]:
        """The snapshots that make the trend of a branch (None: the one with most snapshots), oldest first.

        One a commit, the last recorded; none of commits that came in through a merge; a dirty work tree only
        when it is the newest.
        """
        return _timeline(self.snapshots(project), branch)

    def latest(self, project: str, branch: str | None = None) -> SnapshotInfo | None:
        """The newest snapshot of :meth:`timeline`."""
        found = self.timeline(project, branch)
        return found[-1] if found else None

    def load(self, number: int) -> Snapshot:
        """The whole snapshot with id ``number``."""
        with self._database.reading() as connection:
            return reading.load(connection, number)

    def diff(self, earlier: int | None, later: int) -> Diff:
        """What changed between two snapshots, by id; without ``earlier`` everything is new."""
        with self._database.reading() as connection:
            ids = [number for number in (earlier, later) if number is not None]
            versions = reading.versions_of(connection, ids)
            yardsticks = {info.yardstick for info in reading.infos(connection, snapshot_table.c.id.in_(ids))}
            before = versions[earlier] if earlier is not None else frozenset()
            findings = reading.findings_of(connection, before ^ versions[later])
        old = [stored for version in sorted(before - versions[later]) for stored in findings.get(version, ())]
        new = [stored for version in sorted(versions[later] - before) for stored in findings.get(version, ())]
        return changes.difference(old, new, comparable=len(yardsticks) == 1)

    def lives(self, project: str, branch: str | None = None, states: Collection[State] = DEBT) -> tuple[Life, ...]:
        """When each finding appeared, and when and by whom it was mended, along the timeline of a branch."""
        with self._database.reading() as connection:
            timeline = _timeline(reading.infos(connection, _named(project)), branch)
            versions = reading.versions_of(connection, [info.id for info in timeline])
            needed = frozenset[int]().union(*versions.values())
            findings = reading.findings_of(connection, needed)
        return changes.lives([(info, versions[info.id]) for info in timeline], findings, states)

    def keys(self, project: str) -> frozenset[str]:
        """The keys of all snapshots of a project (see :func:`~sessionlint_reports.history.writing.snapshot_key`)."""
        query = select(snapshot_table.c.key).join(project_table, project_table.c.id == snapshot_table.c.project_id)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query.where(_named(project))).scalars())

    def _project(self, connection: Connection, name: str) -> int:
        query = select(project_table.c.id).where(project_table.c.name == storable(name))
        number = connection.execute(query).scalar_one_or_none()
        if number is None:
            raise HistoryError(f"{self.place} knows no project {name!r}; 'sessionlint history list' shows them.")
        return int(number)


def _named(project: str) -> ColumnElement[bool]:
    return project_table.c.name == storable(project)


def _timeline(found: Sequence[SnapshotInfo], branch: str | None) -> tuple[SnapshotInfo, ...]:
    if branch is None:
        branches = reading.branches_of(found)
        branch = branches[0] if branches else ""
    return reading.timeline_of([info for info in found if info.revision.branch == branch])
