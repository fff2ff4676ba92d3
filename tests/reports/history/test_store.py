"""What goes into a history comes out again, in SQLite and in PostgreSQL."""

from __future__ import annotations

import dataclasses

import pytest

from sessionlint_reports.history.database import HistoryError
from sessionlint_reports.history.model import Recorded
from sessionlint_reports.history.store import History
from sessionlint_reports.snapshot import Yardstick
from tests.reports.history.samples import found, hostile, snapshot


def test_a_loaded_snapshot_equals_the_recorded_one(history: History) -> None:
    recorded = history.record(hostile())
    assert history.load(recorded.id) == hostile()


def test_a_clean_snapshot_comes_back_with_its_files(history: History) -> None:
    recorded = history.record(snapshot(1, files=("a.py", "b.py", "c.py")))
    assert [record.path for record in history.load(recorded.id).files] == ["a.py", "b.py", "c.py"]


def test_text_no_database_can_hold_is_replaced(history: History) -> None:
    odd = snapshot(1, author="Nul\0 half\ud800")
    (info,) = _recorded(history, odd)
    assert info.revision.author == "Nul\ufffd half?"


def test_the_same_commit_is_recorded_once(history: History) -> None:
    first = history.record(snapshot(1, [found("TXN101", "x")]))
    assert history.record(snapshot(1, [found("TXN101", "x")])) == Recorded(first.id, False)
    assert len(history.snapshots("shop")) == 1


def test_dirty_work_trees_of_one_commit_are_told_apart_by_content(history: History) -> None:
    one = snapshot(1, [found("TXN101", "x")], dirty=True)
    other = snapshot(1, [found("TXN102", "x")], dirty=True)
    assert [r.is_new for r in (history.record(one), history.record(other), history.record(one))] == [True, True, False]


def test_one_commit_may_be_on_two_branches(history: History) -> None:
    assert [r.is_new for r in history.record_all([snapshot(1), snapshot(1, branch="topic")])] == [True, True]


def test_what_snapshots_have_in_common_is_stored_once(history: History) -> None:
    many = tuple(f"f{number}.py" for number in range(50))
    history.record_all([snapshot(day, files=many, documents={"policy": "{}"}) for day in range(20)])
    assert _rows(history, "file_version") == 50
    assert _rows(history, "document") == 1
    assert _rows(history, "snapshot") == 20


def test_totals_of_the_timeline_are_those_of_the_snapshots(history: History) -> None:
    findings = [found("TXN101", "x"), found("TXN201", "y", state="absorbed"), found("TXN201", "z", state="suppressed")]
    (info,) = _recorded(history, snapshot(1, findings))
    assert info.totals == snapshot(1, findings).totals
    assert (info.totals.debt, info.totals.count("suppressed"), info.totals.compliance_percent) == (2, 1, 50.0)
    assert info.totals.debt_by_family == {"1xx": 1, "2xx": 1}


def test_the_timeline_holds_the_last_snapshot_of_each_mainline_commit_in_order_of_time(history: History) -> None:
    other_policy = Yardstick("stricter", "0.1.0")
    history.record(snapshot(3))
    history.record(snapshot(1))
    history.record(snapshot(2, mainline=False))
    history.record(snapshot(1, yardstick=other_policy))
    history.record(snapshot(2, branch="topic", commit="t"))
    timeline = history.timeline("shop", "main")
    assert [(info.revision.commit, info.yardstick.policy_digest) for info in timeline] == [
        ("c1", "stricter"),
        ("c3", "policy"),
    ]


def test_a_dirty_snapshot_is_in_the_timeline_only_while_it_is_the_newest(history: History) -> None:
    history.record(snapshot(1))
    history.record(snapshot(2, commit="c1", dirty=True))
    assert [info.revision.dirty for info in history.timeline("shop")] == [False, True]
    history.record(snapshot(3))
    assert [info.revision.dirty for info in history.timeline("shop")] == [False, False]


def test_the_branch_with_most_snapshots_is_the_default(history: History) -> None:
    history.record_all([snapshot(1), snapshot(2), snapshot(9, branch="topic")])
    latest = history.latest("shop")
    assert latest is not None
    assert latest.revision.commit == "c2"
    (project,) = history.projects()
    assert (project.name, project.branches, project.snapshots) == ("shop", ("main", "topic"), 3)


def test_projects_share_a_database_and_nothing_else(history: History) -> None:
    history.record(snapshot(1, [found("TXN101", "x")]))
    history.record(snapshot(2, project="bank"))
    assert [p.name for p in history.projects()] == ["bank", "shop"]
    assert [info.totals.debt for info in history.timeline("bank")] == [0]
    assert history.latest("unknown") is None
    assert history.lives("unknown") == ()


def test_the_stamp_changes_with_every_new_snapshot_and_only_then(history: History) -> None:
    empty = history.stamp()
    history.record(snapshot(1))
    one = history.stamp()
    history.record(snapshot(1))
    assert (empty != one, history.stamp() == one) == (True, True)
    history.record(snapshot(2))
    assert history.stamp() != one


def test_a_batch_that_fails_leaves_nothing(history: History) -> None:
    broken = dataclasses.replace(snapshot(2), files=(None,))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        history.record_all([snapshot(1), broken])
    assert history.snapshots("shop") == ()


def test_a_snapshot_that_does_not_exist_is_named(history: History) -> None:
    with pytest.raises(HistoryError, match="there is no snapshot 99"):
        history.load(99)


def _recorded(history: History, *snapshots):
    history.record_all(snapshots)
    return history.snapshots("shop")


def _rows(history: History, table: str) -> int:
    with history._database.reading() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
