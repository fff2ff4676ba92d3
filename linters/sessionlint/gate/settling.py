"""From what the rules found to what counts: comments, the calendar and a baseline have their say."""

from __future__ import annotations

import dataclasses
import datetime

from sessionlint.gate.baseline import Defines, Known, compare, entries_of
from sessionlint.gate.suppressing import judge
from sessionlint.policy_model import Policy
from sessionlint.report import BaselineEntry, Checked, Finding, Report

_POLICY_NAMES_NOTHING = "TXN905"


def settle(checked: Checked, policy: Policy, known: Known | None, today: datetime.date, defines: Defines) -> Report:
    """The report on ``checked`` as of ``today``; without ``known`` findings nothing is absorbed.

    ``defines`` tells whether a file of the project still defines a function. Nothing is called unused or stale
    while the report is not conclusive.
    """
    report = checked.report
    whole = is_conclusive(report)

    def ran(path: str, code: str) -> bool:
        return whole and policy.enabled(code) and not policy.ignored_in_file(path, code)

    verdict = judge(report.findings, checked.comments, today, ran)
    remarks = (_rated(remark, policy) for remark in verdict.remarks if _wanted(remark, policy))
    findings = tuple(sorted((*verdict.findings, *remarks), key=lambda finding: finding.sort_key))
    settled = dataclasses.replace(report, findings=findings, suppressed=verdict.suppressed)
    if known is None:
        return settled
    comparison = compare(findings, known.entries, report.files, defines)
    return dataclasses.replace(
        settled,
        findings=comparison.new,
        absorbed=comparison.absorbed,
        stale=tuple(entry for entry in comparison.stale if whole and policy.enabled(entry.rule)),
        compared_with=known.name,
    )


def is_conclusive(report: Report) -> bool:
    """Whether a finding that is not in ``report`` is really gone.

    It is not sure after an error, for what was not read may hold it, nor while the policy names what does not
    exist: after a folder is renamed, its rules are silent until the policy follows.
    """
    return not report.errors and not any(finding.code == _POLICY_NAMES_NOTHING for finding in report.findings)


def remaining(known: Known, report: Report, policy: Policy) -> tuple[BaselineEntry, ...]:
    """The entries of ``known`` that ``report`` still needs, with today's paths; of rules that are off, all of them.

    ``report`` must be a conclusive one on the whole program.
    """
    dormant = (entry for entry in known.entries if not policy.enabled(entry.rule))
    return tuple(sorted((*entries_of(report.absorbed), *dormant)))


def _wanted(remark: Finding, policy: Policy) -> bool:
    return policy.enabled(remark.code) and not policy.ignored_in_file(remark.path, remark.code)


def _rated(remark: Finding, policy: Policy) -> Finding:
    return dataclasses.replace(remark, severity=policy.severity_of(remark.code, remark.severity))
