"""Suppression comments in whole runs: what counts, what the cache may remember, what a policy forbids."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionlint.errors import PolicyError
from sessionlint.policy import load_policy
from sessionlint.policy_file import policy_in
from sessionlint.run import run
from tests.gate.support import COMMIT, places

LEDGER = "app/services/ledger.py"
DAY = datetime.date(2026, 11, 21)


def excuse(repo, comment: str) -> None:
    repo.edit(LEDGER, "rollback()\n", f"rollback()  # {comment}\n")


def codes(report) -> list[tuple[str, int]]:
    return [(finding.code, finding.span.line) for finding in report.findings]


def test_a_suppressed_finding_does_not_count_and_is_in_the_report_with_its_reason(repo, call):
    excuse(repo, "sessionlint: ignore[TXN202] until=2999-12-31 -- the driver needs it")
    report = run(repo.root, load_policy(repo.root), today=DAY)
    assert codes(report) == [("TXN201", 6), ("TXN201", 7)]
    ((finding, by),) = [(item.finding, item.by) for item in report.suppressed]
    assert (finding.code, by.reason, by.until, by.line) == ("TXN202", "the driver needs it", "2999-12-31", 11)
    assert "the driver needs it" in call("check", "--show-suppressed").out
    assert "1 suppressed" in call("check").out


def test_the_day_counts_even_when_everything_comes_from_the_cache(repo, monkeypatch):
    excuse(repo, "sessionlint: ignore[TXN202] until=2026-11-21 -- until the driver is new")
    policy = load_policy(repo.root)
    assert len(run(repo.root, policy, today=DAY).findings) == 2
    monkeypatch.setattr("sessionlint.program.build.build_program", None)
    assert len(run(repo.root, policy, today=DAY).findings) == 2
    tomorrow = run(repo.root, policy, today=DAY + datetime.timedelta(days=1))
    assert codes(tomorrow)[2:] == [("TXN202", 11), ("TXN904", 11)]


def test_the_baseline_counts_even_when_everything_comes_from_the_cache(repo, call, monkeypatch):
    call("baseline", "create")
    monkeypatch.setattr("sessionlint.program.build.build_program", None)
    assert call("check").status == 0
    assert call("check", "--no-baseline").status == 1


def test_an_unused_comment_is_a_finding_unless_its_rule_did_not_run(repo, call):
    repo.edit(LEDGER, "rollback()", "flush()  # sessionlint: ignore[TXN202] -- the driver needs it")
    assert places(call("check"))[2:] == [f"{LEDGER}:11: TXN903"]
    assert call("check", "--select", "TXN1,TXN9").status == 0
    assert call("check", "--ignore", "TXN201,TXN202").status == 0


def test_while_a_file_cannot_be_read_no_comment_is_called_unused(repo, call):
    repo.edit(LEDGER, "rollback()", "flush()  # sessionlint: ignore[TXN202] -- the driver needs it")
    repo.write({"app/broken.py": "def (\n"})
    assert [place for place in places(call("check")) if "TXN903" in place] == []


def test_a_policy_that_forbids_suppressions_reports_each_and_obeys_none(repo, call):
    repo.edit("pyproject.toml", "[tool.sessionlint]", '[tool.sessionlint]\nsuppressions = "forbid"')
    excuse(repo, "sessionlint: ignore[TXN202] -- the driver needs it")
    repo.edit(LEDGER, COMMIT, COMMIT.rstrip() + "  # noqa: TXN201\n")
    done = call("check")
    assert places(done)[-4:] == [
        f"{LEDGER}:6: TXN902",
        f"{LEDGER}:7: TXN201",
        f"{LEDGER}:11: TXN202",
        f"{LEDGER}:11: TXN902",
    ]
    assert "the policy forbids suppressions, so it has no effect" in done.out


def test_noqa_does_not_count_outside_flake8(repo, call):
    excuse(repo, "noqa: TXN202")
    assert len(places(call("check"))) == 3


def test_the_gates_own_rules_obey_the_policy(repo, call):
    excuse(repo, "sessionlint: ignore[TXN202]")
    assert f"{LEDGER}:11: TXN902" in places(call("check"))
    repo.edit(
        "pyproject.toml",
        "[tool.sessionlint.layers]",
        '[tool.sessionlint.severity]\nTXN902 = "warning"\n[tool.sessionlint.layers]',
    )
    report = json.loads(call("check", "--format", "json").out)
    assert [item["severity"] for item in report["findings"] if item["code"] == "TXN902"] == ["warning"]
    repo.edit("pyproject.toml", "[tool.sessionlint]", '[tool.sessionlint]\nignore = ["TXN902"]')
    assert len(places(call("check"))) == 3


_KEYS = [
    "preset", "src", "session-modules", "select", "ignore", "suppressions", "baseline", "tls", "pool-min", "layers",
    "root", "per-file-ignores", "severity", "output-format", "layers.router", "nothing", '"ü"', "allow-unprotected",
]  # fmt: skip
_VALUES = [
    '"forbid"', '"scrapersky"', '"../x.json"', '"x.json"', '"x"', "[]", '["TXN2"]', '["a/**"]', "1", "-1", "true",
    "{}", '{a="b"}', '""', '["/abs", 1]', "nan", "1979-05-27", '["**"]', '["\\u0000"]', '"""\nkey = 1\n"""',
]  # fmt: skip
_LINES = st.builds("{} = {}".format, st.sampled_from(_KEYS), st.sampled_from(_VALUES))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_LINES, max_size=6).map("\n".join) | st.text())
def test_whatever_a_policy_file_holds_it_is_read_or_refused_with_its_mistakes(text):
    for name, head in (("sessionlint.toml", ""), ("pyproject.toml", "[tool.sessionlint]\n")):
        said = ["something."]
        try:
            policy = policy_in((head + text).encode("utf-8", "replace"), name, Path("/project"))
        except PolicyError as error:
            said = error.problems
        else:
            assert policy is None or policy.digest
        assert all(problem.rstrip() for problem in said)
        assert said


@pytest.mark.parametrize("value", ['"/abs.json"', '"../up.json"', '"a\\\\b.json"', '"known.txt"', "1", '""'])
def test_a_baseline_path_that_cannot_be_is_refused(repo, call, value):
    repo.edit("pyproject.toml", "[tool.sessionlint]", f"[tool.sessionlint]\nbaseline = {value}")
    done = call("check")
    assert done.status == 2
    assert "line 2: baseline: " in done.err
