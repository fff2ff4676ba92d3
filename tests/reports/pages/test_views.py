"""What the pages say, before they are pages: numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sessionlint.errors import UsageError
from sessionlint.report import Finding, Span
from sessionlint_reports import badge, summary
from sessionlint_reports.code import spelled_out, stretches, visible
from sessionlint_reports.history.model import Diff, Life, SnapshotInfo
from sessionlint_reports.snapshot import FileRecord, Revision, Snapshot, StoredFinding, Yardstick
from sessionlint_reports.subject import Subject
from sessionlint_reports.targets import Target, read_targets, target_for
from sessionlint_reports.views import overview, progress, risk
from sessionlint_reports.views.page import Rows, file_page

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def finding(path: str, line: int = 1, code: str = "TXN201", identity: str = "", **more) -> StoredFinding:
    span = Span(path, line, 1, line, 9)
    name = identity or f"{path}{line}{code}"
    return StoredFinding(Finding(code, "some-rule", span, "Says `why`.", identity=name, **more))


def info(number: int, days_ago: int, snapshot: Snapshot, author: str = "Ada") -> SnapshotInfo:
    at = NOW - timedelta(days=days_ago)
    revision = Revision(f"{number:040d}", "main", at, author)
    return SnapshotInfo(number, "p", revision, snapshot.yardstick, snapshot.totals, at)


def snapshot(*records: FileRecord) -> Snapshot:
    return Snapshot("p", Revision("c" * 40, "main", NOW, "Ada"), Yardstick("d", "0.1.0"), records)


def record(path: str, *found: StoredFinding, lines: int = 10, owners: tuple[str, ...] = ()) -> FileRecord:
    return FileRecord(path, lines, "", owners, found)


def test_only_the_last_of_twins_is_new() -> None:
    twins = [finding("a.py", line, identity="same") for line in (3, 5, 8)]
    taken = snapshot(record("a.py", *twins))
    subject = Subject(taken, NOW, diff=Diff(new=(twins[2],)))
    assert [(row["line"], row["new"]) for row in Rows(subject).all] == [(3, False), (5, False), (8, True)]
    assert len({row["id"] for row in Rows(subject).all}) == 3


def test_a_finding_is_as_old_as_its_first_snapshot() -> None:
    one = finding("a.py")
    taken = snapshot(record("a.py", one))
    life = Life(one, info(1, 40, taken, author="Grace"))
    [row] = Rows(Subject(taken, NOW, lives=(life,))).all
    assert (row["since"], row["age_days"], row["author"]) == ("2026-04-22", 40, "Grace")


def test_lone_folders_are_joined_in_the_treemap_and_folders_sum_up() -> None:
    taken = snapshot(
        record("src/app/deep/a.py", finding("src/app/deep/a.py"), lines=30), record("src/app/deep/b.py", lines=12)
    )
    [folder] = overview.treemap(taken.checked, Rows(Subject(taken, NOW)))
    assert (folder["name"], folder["value"], folder["debt"]) == ("src/app/deep/", 42, 1)
    assert (folder["files"], folder["compliant"]) == (2, 1)
    assert [leaf["name"] for leaf in folder["children"]] == ["a.py", "b.py"]


def test_progress_follows_from_what_went_and_what_is_left() -> None:
    left, gone = finding("half.py", 1), finding("half.py", 2)
    fresh, over = finding("fresh.py"), finding("over.py")
    taken = snapshot(record("fresh.py", fresh), record("half.py", left, owners=("@team",)), record("over.py"))
    first, last = info(1, 60, taken), info(2, 5, taken)
    lives = (
        Life(left, first), Life(gone, first, last, fixed_by="Grace"), Life(fresh, last),
        Life(over, first, last, fixed_by="Grace"),
    )  # fmt: skip
    targets = (Target("*.py", date(2026, 5, 1)), Target("fresh.py", date(2026, 7, 1), "@ada", "later"))
    subject = Subject(taken, NOW, timeline=(first, last), lives=lives, targets=targets)
    data = progress.progress_page(subject, Rows(subject)).data
    told = [(row["path"], row["status"], row["percent"], row["assigned"], row["overdue"]) for row in data["modules"]]
    assert told == [
        ("half.py", "in progress", 50, ["@team"], True),
        ("fresh.py", "not started", 0, ["@ada"], False),
        ("over.py", "done", 100, [], False),
    ]
    assert data["overdue"] == 1
    assert data["months"] == [{"month": "2026-05", "new": 1, "fixed": 2}]
    assert data["people"] == [{"name": "Grace", "fixed": 2, "added": 0}, {"name": "Ada", "fixed": 0, "added": 1}]


def test_the_risk_of_a_file_is_harm_times_reach_times_motion() -> None:
    grave, light = finding("a.py", 1, "TXN209"), finding("a.py", 2, "TXN201", severity="warning")
    taken = snapshot(record("a.py", grave, light))
    node = {"line": 1, "name": "f", "layer": "", "approved": False, "does": [], "routes": []}
    nodes = [
        {**node, "key": "e", "path": "web.py", "kind": "endpoint"},
        {**node, "key": "j", "path": "jobs.py", "kind": "job"},
        {**node, "key": "s", "path": "a.py", "kind": "service"},
    ]
    edges = [{"source": key, "target": "s", "kind": "carries", "line": 1} for key in "ej"]
    first, last = info(1, 200, taken), info(2, 10, taken)
    subject = Subject(taken, NOW, timeline=(first, last), lives=(Life(grave, first), Life(light, last)))
    subject.__dict__["session_map"] = {"nodes": nodes, "edges": edges}
    [row] = risk.risk_page(subject, Rows(subject)).data["files"]
    # 3 twice for the grave error and 1 for the warning; two entry points; one finding came lately
    assert (row["harm"], row["reach"], row["motion"]) == (7.0, 1.2, 1.1)
    assert (row["score"], row["level"]) == (9.2, "low")


@pytest.mark.parametrize(("score", "level"), [(9.9, "low"), (10, "medium"), (29.9, "medium"), (30, "high")])
def test_the_level_of_a_risk_begins_at_its_bound(score: float, level: str) -> None:
    assert risk.level(score) == level


def test_reach_and_motion_have_a_ceiling() -> None:
    assert (risk.reach(0), risk.reach(10), risk.reach(500)) == (1.0, 2.0, 2.0)
    assert (risk.motion(0), risk.motion(5), risk.motion(500)) == (1.0, 1.5, 1.5)


def test_the_last_matching_target_counts() -> None:
    wide, narrow = Target("src/**", date(2026, 1, 1)), Target("src/tasks/", date(2026, 2, 2))
    assert target_for("src/tasks/a.py", (wide, narrow)) is narrow
    assert target_for("src/web.py", (wide, narrow)) is wide
    assert target_for("lib/web.py", (wide, narrow)) is None


def test_targets_are_read(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('[[target]]\npath = "src/**"\ndue = 2026-12-31\nassigned = "@ada"\n')
    assert read_targets(file) == (Target("src/**", date(2026, 12, 31), "@ada"),)


def test_all_mistakes_in_the_targets_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(
        'title = 1\n[[target]]\npath = 3\ndue = "soon"\n[[target]]\npath = "x"\ndue = 2026-01-01\nwho = 1\n'
    )
    with pytest.raises(UsageError) as caught:
        read_targets(file)
    assert str(caught.value) == (
        f"{file}: unknown key 'title'; targets are written as [[target]]; "
        'target 1: needs path = "pattern"; target 1: needs due = YYYY-MM-DD, without quotes; '
        "target 2: unknown key 'who' (known: path, due, assigned, note)."
    )


def test_a_targets_file_that_is_no_toml_says_where(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text("[[target\n")
    with pytest.raises(UsageError, match=r"t.toml: is no TOML: .*line 1"):
        read_targets(file)


def test_pages_of_different_files_never_share_a_name() -> None:
    paths = ["a/b.py", "a-b.py", "a/b_.py", "ä.py", "ö.py", "x" * 300 + ".py", "x" * 301 + ".py", "../a.py", "A/b.py"]
    names = [file_page(path) for path in paths]
    assert len(set(names)) == len(paths)
    assert all(name.isascii() and name.count("/") == 1 and len(name) < 90 for name in names)


def test_lines_near_a_finding_are_coloured_and_the_rest_is_folded() -> None:
    source = "".join(f"x{n} = {n}\n" for n in range(1, 41))
    found = stretches(source, [20], single=[30], context=2)
    told = [(part.first, part.last, part.folded) for part in found]
    assert told == [(1, 17, True), (18, 22, False), (23, 29, True), (30, 30, False), (31, 40, True)]
    assert found[1].lines[0] == 'x18 = <span class="mi">18</span>'
    assert found[0].lines[0] == "x1 = 1"


def test_a_string_of_several_lines_keeps_its_colour_where_it_is_cut() -> None:
    source = 'def f():\n    """One.\n\n    import this\n    """\n    return 1\n'
    lines = stretches(source, [4], context=0)[1].lines
    assert lines[0] == '<span class="sd">    import this</span>'


def test_a_quote_in_a_comment_begins_no_string() -> None:
    source = "a = 1  # don't\nimport os\n# '''\nb = 2\n"
    assert stretches(source, [2], context=0)[1].lines[0].startswith('<span class="kn">import</span>')


def test_invisible_characters_are_spelled_out_and_markup_is_escaped() -> None:
    assert visible("a<b\u202e\u200b") == (
        'a&lt;b<span class="invisible">U+202E</span><span class="invisible">U+200B</span>'
    )
    assert spelled_out("a\u2066b\x1b") == "aU+2066bU+001B"
    assert visible("grüße 文 \t") == "grüße 文 \t"


def test_the_summary_tells_what_changed() -> None:
    new, fixed = finding("src/a.py", 7), finding("src/b.py", 2)
    taken, before = snapshot(record("src/a.py", new), record("src/b.py")), snapshot(record("src/b.py", fixed))
    subject = Subject(taken, NOW, earlier=info(1, 3, before), diff=Diff(new=(new,), fixed=(fixed,)))
    assert summary.markdown(subject) == (
        "## Session and transaction compliance\n\n"
        "**50%** of 2 files compliant (+50 points): 1 finding to mend in 1 file.\n\n"
        "| new | fixed | absorbed | suppressed |\n|---:|---:|---:|---:|\n| 1 | 1 | 0 | 0 |\n\n"
        "### New\n\n- **TXN201** `src/a.py:7` Says `why`.\n\n"
        "### Fixed\n\n- **TXN201** `src/b.py` Says `why`.\n\n"
        "### Files with the most findings\n\n| file | findings |\n|---|---:|\n| `src/a.py` | 1 |\n"
    )


def test_the_summary_warns_of_what_was_not_checked_and_of_another_yardstick() -> None:
    from sessionlint.report import CheckError

    taken = dataclasses.replace(snapshot(record("a.py")), errors=(CheckError("b.py", 3, "broken"),))
    subject = Subject(taken, NOW, earlier=info(1, 3, taken), diff=Diff(comparable=False))
    text = summary.markdown(subject)
    assert "**1 thing could not be checked.**" in text
    assert "The policy or the version of sessionlint changed in between" in text


@pytest.mark.parametrize(
    ("percent", "colour"), [(100.0, "#0a5fa8"), (99.9, "#7a5200"), (80.0, "#7a5200"), (79.9, "#a33a00")]
)
def test_the_badge_says_the_number_and_changes_its_colour(percent: float, colour: str) -> None:
    text = badge.svg(percent)
    assert f"<title>sessions: {percent:g}% compliant</title>" in text
    assert colour in text
