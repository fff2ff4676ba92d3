"""The service keeps the rules it is the example of."""

from __future__ import annotations

import tomllib

from sessionlint.policy_file import locate
from sessionlint.run import run
from tests.reference_app.conftest import ROOT

POLICY = ROOT / "sessionlint.toml"


def test_no_rule_finds_anything_in_the_service():
    policy = locate(ROOT).policy
    assert policy is not None
    report = run(ROOT, policy, use_cache=False)
    assert [f"{finding.path}:{finding.span.line} {finding.code}" for finding in report.findings] == []
    assert (report.errors, report.suppressed, report.absorbed) == ((), (), ())
    assert len([path for path in report.files if path.startswith("reference_app/")]) > 90


def test_the_policy_has_every_rule_on_and_makes_no_exception():
    policy = tomllib.loads(POLICY.read_text())
    assert policy["preset"] == "scrapersky"
    assert policy["allow-unprotected"] == ["/health/live", "/health/ready"]
    assert not {"select", "ignore", "per-file-ignores", "severity", "tenant-policy", "baseline"} & policy.keys()


def test_nothing_in_the_service_is_suppressed():
    marks = ("noqa: TXN", "sessionlint: ignore")
    sources = (ROOT / "reference_app").rglob("*.py")
    assert [path for path in sources if any(mark in path.read_text() for mark in marks)] == []
