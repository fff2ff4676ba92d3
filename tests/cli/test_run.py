"""One run: what it remembers, and what makes it forget."""

import dataclasses
import json
import os

import pytest

from sessionlint.discovery import Discovery, discover
from sessionlint.errors import UsageError
from sessionlint.fingerprint import fingerprint
from sessionlint.policy import Policy, load_policy
from sessionlint.report import Checked, Finding, Report, Span, Suppression, TraceStep
from sessionlint.report_cache import ReportCache, cache_folder, run_key
from sessionlint.run import collect, run

POLICY = {"sessionlint.toml": ""}


@pytest.fixture
def project(tree, engine):
    return tree({**POLICY, "a.py": "commit\n", "b.py": "Session\n"})


def check(root, **options) -> Report:
    return run(root, load_policy(root), **options)


def test_a_second_run_over_unchanged_files_reads_nothing_and_says_the_same(project, engine):
    first = check(project)
    assert check(project) == first
    assert len(engine.built) == 1
    assert [finding.code for finding in first.findings] == ["TXN201", "TXN101"]


@pytest.mark.parametrize("change", ["edit", "add", "remove", "touch", "policy"])
def test_any_change_is_seen(project, engine, change):
    check(project)
    if change == "edit":
        (project / "a.py").write_text("comm1t\n")
    elif change == "add":
        (project / "c.py").write_text("")
    elif change == "remove":
        (project / "b.py").unlink()
    elif change == "touch":
        os.utime(project / "a.py", ns=(1, 1))
    else:
        (project / "sessionlint.toml").write_text('tls = "off"\n')
    check(project)
    assert len(engine.built) == 2


def test_other_rules_are_another_memory_and_restricted_paths_the_same(project, engine):
    check(project)
    assert [finding.code for finding in check(project, select=["TXN1"]).findings] == ["TXN101"]
    assert [finding.path for finding in check(project, paths=["a.py"]).findings] == ["a.py"]
    assert len(check(project).findings) == 2
    assert len(engine.built) == 2


def test_without_the_cache_nothing_is_remembered_or_written(project, engine):
    check(project, use_cache=False)
    check(project, use_cache=False)
    assert len(engine.built) == 2
    assert sorted(path.name for path in project.iterdir()) == ["a.py", "b.py", "sessionlint.toml"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_cache_heals_itself(project, engine, damage):
    first = check(project)
    (stored,) = (project / ".sessionlint_cache").glob("report-*.json")
    stored.write_bytes(damage)
    assert check(project) == first
    assert check(project) == first
    assert len(engine.built) == 2


def test_a_damaged_report_under_the_right_key_heals_itself(project, engine):
    first = check(project)
    (stored,) = (project / ".sessionlint_cache").glob("report-*.json")
    content = json.loads(stored.read_text())
    content["report"]["findings"] = [["TXN101"]]
    stored.write_text(json.dumps(content))
    assert check(project) == first


def test_the_cache_keeps_itself_out_of_version_control_and_leaves_no_rubbish(project):
    check(project)
    folder = project / ".sessionlint_cache"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert sorted(path.suffix for path in folder.iterdir()) == ["", ".json"]


def test_a_cache_folder_that_cannot_be_made_is_no_problem(project, engine):
    (project / ".sessionlint_cache").write_text("in the way")
    assert len(check(project).findings) == 2
    assert cache_folder(project, ".sessionlint_cache") is None


def test_old_memories_are_thrown_away(tmp_path):
    for number in range(20):
        ReportCache(tmp_path, f"{number:032}"[::-1]).store("key", Checked(Report()))
    assert len(list(tmp_path.glob("report-*.json"))) == 12


def test_a_report_survives_the_cache_whole(tmp_path):
    finding = Finding(
        "TXN105", "unapproved-session-source", Span("ä.py", 1, 2, 3, 4), "\udcff é", "info", True, "f", "abc",
        (TraceStep("b.py", 5, 6, "note"),), "def",
    )  # fmt: skip
    comment = Suppression("ä.py", 1, 2, 30, ("TXN105", "TXN201"), "because", "2027-01-01", 1, 4, "a problem")
    checked = Checked(Report((finding,), (), ("ä.py",), ("note",), {"unknown": 3}), (comment,))
    cache = ReportCache(tmp_path, "0" * 32)
    cache.store("key", checked)
    assert cache.load("key") == checked
    assert cache.load("other") is None


def test_a_failed_rule_is_not_remembered(tree, engine):
    root = tree({**POLICY, "a.py": "commit crash\n"})
    assert check(root).exit_status == 2
    assert check(root).exit_status == 2
    assert len(engine.built) == 2


def line_of(text):
    lines = text.split("\n")
    return lambda _path, number: lines[number - 1]


def finding(line: int, column: int = 1, end_column: int = 7, message: str = "m") -> Finding:
    return Finding("TXN201", "explicit-commit", Span("a.py", line, column, line, end_column), message, qualname="f")


def test_twins_are_reported_once_and_in_order():
    given = [finding(2), finding(1), finding(2), finding(2, message="other")]
    found = collect(given, Policy(), line_of("commit\ncommit\n"))
    assert [(item.span.line, item.message) for item in found] == [(1, "m"), (2, "m")]


def test_a_fingerprint_stays_when_the_finding_moves_and_changes_with_what_it_is():
    (here,) = collect([finding(1)], Policy(), line_of("commit  \n"))
    (moved,) = collect([finding(3, 5, 11)], Policy(), line_of("\n\n    commit\n"))
    (other,) = collect([finding(1)], Policy(), line_of("rollback\n"))
    (elsewhere,) = collect([dataclasses.replace(finding(1), qualname="g")], Policy(), line_of("commit\n"))
    assert here.fingerprint == moved.fingerprint
    assert len({here.fingerprint, other.fingerprint, elsewhere.fingerprint}) == 3
    assert len(here.fingerprint) == 24


def test_layout_does_not_change_a_fingerprint():
    assert fingerprint("TXN101", "a.py", "f", "s.add(\n    x\n)") == fingerprint("TXN101", "a.py", "f", "s.add( x )")


def test_parts_of_a_fingerprint_do_not_run_together():
    assert fingerprint("TXN101", "a", "bc", "x") != fingerprint("TXN101", "ab", "c", "x")


def test_links_in_the_cache_folder_are_not_written_through(project, engine, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    check(project)
    folder = project / ".sessionlint_cache"
    (report,) = folder.glob("report-*.json")
    for name in (report.name, ".gitignore"):
        (outside / name).write_text("precious")
        (folder / name).unlink()
        (folder / name).symlink_to(outside / name)
    (project / "a.py").write_text("comm1t\n")
    assert check(project) == check(project, use_cache=False)
    assert [path.read_text() for path in sorted(outside.iterdir())] == ["precious", "precious"]


def test_a_marker_that_a_full_disk_left_empty_is_written_again(tmp_path):
    folder = cache_folder(tmp_path, "kept")
    assert folder is not None
    (folder / ".gitignore").write_text("")
    cache_folder(tmp_path, "kept")
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_folder_with_other_files_is_no_cache(project, engine):
    (project / "shop").mkdir()
    (project / "shop" / "orders.py").write_text("x = 1\n")
    (project / "sessionlint.toml").write_text('cache-dir = "shop"\n')
    with pytest.raises(UsageError, match="cache-dir names 'shop', which holds files of another kind"):
        check(project)
    assert [path.name for path in (project / "shop").iterdir()] == ["orders.py"]


def test_files_that_change_places_are_another_program(project, engine):
    """Two files of one size may have been written in one tick of the clock."""
    (project / "b.py").write_text("Commit\n")
    for name in ("a.py", "b.py"):
        os.utime(project / name, ns=(1, 1))
    stamps = discover(project, Policy(root=project)).stamps
    assert len({stamp.inode for stamp in stamps}) == len(stamps)
    same = [dataclasses.replace(stamp, ctime_ns=1) for stamp in stamps]
    one = Discovery(("a.py", "b.py"), stamps=tuple(same))
    other = Discovery(("a.py", "b.py"), stamps=tuple(reversed(same)))
    assert run_key(one, "policy") != run_key(other, "policy")


def test_the_name_of_the_root_belongs_to_what_is_remembered(tmp_path):
    here, there = Policy(root=tmp_path / "backend"), Policy(root=tmp_path / "srv")
    assert here.digest == there.digest
    assert here.cache_digest != there.cache_digest


@pytest.mark.parametrize(
    ("policy", "told"),
    [("", True), ("session-modules = ['c.py']\n", False), ("session-contexts = ['lib.opened']\n", False)],
    ids=["nothing", "a session module", "a way of a library"],
)
def test_a_written_policy_that_approves_nothing_where_sessions_are_opened_is_spoken_of(tree, engine, policy, told):
    root = tree({"sessionlint.toml": policy, "a.py": "commit\n", "b.py": "Session\n", "c.py": ""})
    note = (
        "no session module: sessionlint.toml names none, and nothing is inferred where a policy is written, so all "
        "that opens sessions is told. Name it in session-modules, or run 'sessionlint init --force' to have the policy "
        "inferred and written anew."
    )
    assert check(root).notes == ((note,) if told else ())
    (root / "b.py").unlink()
    assert check(root).notes == ()
