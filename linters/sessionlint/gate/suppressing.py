"""Which findings a comment excuses, and which comments are findings themselves (TXN902 to TXN904)."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sessionlint.codes import CODES
from sessionlint.fingerprint import fingerprint, identity
from sessionlint.report import Finding, Span, Suppressed, Suppression

MALFORMED, UNUSED, EXPIRED = "TXN902", "TXN903", "TXN904"
COMMENT_CODES = (MALFORMED, UNUSED, EXPIRED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Findings that count, those that comments excuse, and what is to be said about the comments; each in order."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    remarks: tuple[Finding, ...]


def judge(
    findings: Sequence[Finding],
    comments: Iterable[Suppression],
    today: datetime.date,
    ran: Callable[[str, str], bool],
) -> Verdict:
    """Matches findings and comments. A comment holds up to and including its last day.

    ``ran(path, code)`` tells whether the findings of a rule in a file are all there: only then a comment
    nothing answers to is unused.
    """
    by_file: dict[str, list[Suppression]] = defaultdict(list)
    remarks: list[Finding] = []
    for comment in sorted(comments, key=lambda comment: (comment.path, comment.line, comment.column)):
        if comment.problem:
            remarks.append(_remark(MALFORMED, comment, f"This suppression does not count: {comment.problem}."))
        else:
            by_file[comment.path].append(comment)
    counted: list[Finding] = []
    suppressed: list[Suppressed] = []
    used: set[tuple[Suppression, str]] = set()
    for finding in findings:
        matching = [comment for comment in by_file.get(finding.path, ()) if _covers(comment, finding)]
        valid = next((comment for comment in matching if not _expired(comment, today)), None)
        if valid:
            suppressed.append(Suppressed(finding, valid))
            used.add((valid, finding.code))
        else:
            counted.append(finding)
            used.update((comment, finding.code) for comment in matching)
    for comment in (comment for listed in by_file.values() for comment in listed):
        remarks += _remarks(comment, used, today, ran)
    remarks.sort(key=lambda remark: remark.sort_key)
    return Verdict(tuple(counted), tuple(suppressed), tuple(remarks))


def _covers(comment: Suppression, finding: Finding) -> bool:
    if finding.code not in comment.codes:
        return False
    span = finding.span
    return comment.first <= span.line <= comment.last or comment.first <= span.end_line <= comment.last


def _expired(comment: Suppression, today: datetime.date) -> bool:
    return bool(comment.until) and comment.until < today.isoformat()


def _remarks(
    comment: Suppression,
    used: set[tuple[Suppression, str]],
    today: datetime.date,
    ran: Callable[[str, str], bool],
) -> list[Finding]:
    found = []
    unused = [code for code in comment.codes if (comment, code) not in used and ran(comment.path, code)]
    if unused:
        names = " and ".join(f"{code} ({CODES[code]})" for code in unused)
        found.append(_remark(UNUSED, comment, f"Nothing here is {names}; remove it from the suppression."))
    answered = [code for code in comment.codes if (comment, code) in used]
    if answered and _expired(comment, today):
        names = " and ".join(answered)
        message = (
            f"The suppression of {names} ended on {comment.until}. Mend the code, or give a new date and a reason."
        )
        found.append(_remark(EXPIRED, comment, message))
    return found


def _remark(code: str, comment: Suppression, message: str) -> Finding:
    text = f"{','.join(comment.codes)} {comment.until} {comment.problem}"
    return Finding(
        code=code,
        name=CODES[code],
        span=Span(comment.path, comment.line, comment.column, comment.line, comment.end_column),
        message=message,
        fingerprint=fingerprint(code, comment.path, "", text),
        identity=identity(code, "", text),
    )
