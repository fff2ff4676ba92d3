"""New, fixed, absorbed; when a finding appeared, and who mended it."""

from __future__ import annotations

from sessionlint_reports.history.model import Diff
from sessionlint_reports.history.store import History
from sessionlint_reports.snapshot import Snapshot, State, StoredFinding, Yardstick
from tests.reports.history.samples import found, snapshot


def test_a_diff_tells_new_from_fixed(history: History) -> None:
    stays, goes, comes = found("TXN101", "stays"), found("TXN102", "goes"), found("TXN103", "comes")
    diff = _diff(history, snapshot(1, [stays, goes]), snapshot(2, [stays, comes]))
    assert diff == Diff(new=(comes,), fixed=(goes,))


def test_a_moved_finding_is_neither_new_nor_fixed(history: History) -> None:
    before = found("TXN101", "x", line=3)
    after = found("TXN101", "x", path="moved.py", line=30)
    assert _diff(history, snapshot(1, [before]), snapshot(2, [after])) == Diff()


def test_one_twin_more_is_new_and_one_less_is_fixed(history: History) -> None:
    one, other = found("TXN101", "x", line=1), found("TXN101", "x", line=2)
    assert _diff(history, snapshot(1, [one]), snapshot(2, [one, other])) == Diff(new=(other,))
    assert _diff(history, snapshot(3, [one, other]), snapshot(4, [one])) == Diff(fixed=(other,))


def test_what_is_absorbed_suppressed_or_open_again_is_said(history: History) -> None:
    before = [found("TXN101", "a"), found("TXN101", "b"), found("TXN101", "c", state="absorbed")]
    after = [found("TXN101", "a", state="absorbed"), found("TXN101", "b", state="suppressed"), found("TXN101", "c")]
    diff = _diff(history, snapshot(1, before), snapshot(2, after))
    assert diff == Diff(absorbed=(after[0],), suppressed=(after[1],), reopened=(after[2],))


def test_without_an_earlier_snapshot_everything_is_new(history: History) -> None:
    one = found("TXN101", "x")
    number = history.record(snapshot(1, [one])).id
    assert history.diff(None, number) == Diff(new=(one,))


def test_snapshots_of_two_policies_are_not_comparable(history: History) -> None:
    diff = _diff(history, snapshot(1), snapshot(2, yardstick=Yardstick("stricter", "0.1.0")))
    assert not diff.comparable


def test_a_life_goes_from_the_first_snapshot_to_the_author_who_ended_it(history: History) -> None:
    one = found("TXN101", "x", line=1)
    moved = found("TXN101", "x", path="b.py", line=9)
    for taken in (snapshot(1), snapshot(2, [one]), snapshot(3, [moved]), snapshot(5, author="Grace")):
        history.record(taken)
    (life,) = history.lives("shop")
    assert (life.first.revision.commit, life.gone and life.gone.revision.commit) == ("c2", "c5")
    assert (life.stored, life.fixed_by, life.by_code) == (moved, "Grace", True)
    assert life.age_days(life.first.revision.at) == 3


def test_of_twins_the_one_that_stays_keeps_its_age(history: History) -> None:
    twin = found("TXN101", "x", line=1), found("TXN101", "x", line=2)
    history.record_all([snapshot(1, twin[:1]), snapshot(2, twin), snapshot(3, twin[:1])])
    lives = history.lives("shop")
    assert [(life.first.revision.commit, life.gone is None) for life in lives] == [("c1", True), ("c2", False)]


def test_silencing_a_finding_is_not_fixing_it(history: History) -> None:
    history.record(snapshot(1, [found("TXN101", "x")]))
    history.record(snapshot(2, [found("TXN101", "x", state="suppressed")]))
    (life,) = history.lives("shop")
    assert (life.gone is not None, life.fixed_by) == (True, "")
    states: tuple[State, ...] = ("suppressed",)
    silenced = history.lives("shop", states=states)
    assert [(life.first.revision.commit, life.gone) for life in silenced] == [("c2", None)]


def test_a_baseline_does_not_end_a_life(history: History) -> None:
    history.record(snapshot(1, [found("TXN101", "x")]))
    history.record(snapshot(2, [found("TXN101", "x", state="absorbed")]))
    (life,) = history.lives("shop")
    assert (life.gone, life.stored.state) == (None, "absorbed")


def test_nobody_is_blamed_or_praised_for_a_change_of_policy(history: History) -> None:
    looser = Yardstick("looser", "0.1.0")
    history.record(snapshot(1, [found("TXN101", "goes")]))
    history.record(snapshot(2, [found("TXN102", "comes")], yardstick=looser))
    goes, comes = history.lives("shop")
    assert (goes.fixed_by, comes.by_code) == ("", False)


def _diff(history: History, before: Snapshot, after: Snapshot) -> Diff:
    first, second = history.record_all([before, after])
    return history.diff(first.id, second.id)


def test_findings_are_equal_when_they_come_back(history: History) -> None:
    kept: list[StoredFinding] = [found("TXN101", "x"), found("TXN201", "y", path="b.py", state="absorbed")]
    number = history.record(snapshot(1, kept)).id
    assert list(history.load(number).findings) == kept
