"""What a history may forget, and what goes with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sessionlint_reports.history.database import HistoryError
from sessionlint_reports.history.pruning import Rule
from sessionlint_reports.history.store import History
from tests.reports.history.samples import START, found, snapshot
from tests.reports.history.test_store import _rows


def test_old_snapshots_go_and_what_they_share_with_others_stays(history: History) -> None:
    old, new = found("TXN101", "old"), found("TXN101", "new", path="b.py")
    kept = snapshot(5, [new], documents={"policy": "new"})
    history.record_all([snapshot(1, [old], documents={"policy": "old"}), snapshot(2, [old, new]), kept])
    plan = history.prune("shop", Rule(before=START + timedelta(days=5)))
    assert ([info.revision.commit for info in plan.deleted], plan.kept) == (["c1", "c2"], 1)
    (info,) = history.snapshots("shop")
    assert history.load(info.id) == kept
    assert [_rows(history, t) for t in ("snapshot", "file_version", "finding", "document")] == [1, 2, 1, 1]


def test_a_dry_run_deletes_nothing(history: History) -> None:
    history.record_all([snapshot(1), snapshot(2)])
    plan = history.prune("shop", Rule(before=START + timedelta(days=9)), dry_run=True)
    assert (len(plan.deleted), len(history.snapshots("shop"))) == (1, 2)


def test_the_newest_snapshot_of_a_branch_is_kept_unless_the_branch_is_named(history: History) -> None:
    history.record_all([snapshot(1), snapshot(2), snapshot(3, branch="topic", commit="t")])
    history.prune("shop", Rule(before=START + timedelta(days=99)))
    assert [info.revision.commit for info in history.snapshots("shop")] == ["c2", "t"]
    history.prune("shop", Rule(branch="topic"))
    assert [info.revision.commit for info in history.snapshots("shop")] == ["c2"]


def test_one_snapshot_a_week_can_be_spared(history: History) -> None:
    # the start is a Sunday
    history.record_all([snapshot(day) for day in range(15)])
    history.prune("shop", Rule(keep="week"))
    assert [info.revision.commit for info in history.snapshots("shop")] == ["c0", "c7", "c14"]


def test_snapshots_of_dirty_work_trees_can_go_alone(history: History) -> None:
    history.record_all([snapshot(1), snapshot(2, dirty=True), snapshot(3)])
    history.prune("shop", Rule(dirty_only=True))
    assert [info.revision.commit for info in history.snapshots("shop")] == ["c1", "c3"]


def test_other_projects_are_not_touched(history: History) -> None:
    history.record_all([snapshot(1), snapshot(2)])
    history.record(snapshot(1, [found("TXN101", "x")], project="bank"))
    history.prune("shop", Rule(before=START + timedelta(days=99)))
    assert [info.totals.debt for info in history.snapshots("bank")] == [1]
    assert len(history.load(history.snapshots("bank")[0].id).findings) == 1


def test_an_unknown_project_is_an_error(history: History) -> None:
    with pytest.raises(HistoryError, match="knows no project 'shop'"):
        history.prune("shop", Rule(dirty_only=True))
