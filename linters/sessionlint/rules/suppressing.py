"""The suppression comments of a solved program, judged as a run judges them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from sessionlint.gate.suppressing import COMMENT_CODES, judge
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.program.api import Program
from sessionlint.report import Finding, Suppression

_OTHERS = (*COMMENT_CODES, "TXN901")


def remarks(program: Program, code: str) -> Iterator[Finding]:
    """What rule ``code`` has to say about the comments of ``program``. A run gets the same without asking twice."""
    from sessionlint.rules.catalogue import all_rules

    policy = program.policy
    rules = [rule for rule in all_rules() if rule.META.code not in _OTHERS and policy.enabled(rule.META.code)]
    findings = [finding for rule in rules for finding in rule.check(program)]
    verdict = judge(findings, _comments(program), datetime.date.today(), lambda _, code: policy.enabled(code))
    return (remark for remark in verdict.remarks if remark.code == code)


def _comments(program: Program) -> Iterator[Suppression]:
    forbid = program.policy.suppressions == "forbid"
    for path in sorted(program.solver.names.primary):
        yield from comments_of(path, _text(program, path).encode(), forbid=forbid)


def _text(program: Program, path: str) -> str:
    """The file up to its last line with text, as far as a program knows its lines."""
    lines: list[str] = []
    empty = 0
    while empty < 100:
        line = program.source_line(path, len(lines) + 1)
        empty = 0 if line else empty + 1
        lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
