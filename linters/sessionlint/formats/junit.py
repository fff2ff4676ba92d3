"""JUnit XML: a failed case for every finding, a passed one for every clean file, a skipped one for what is known.

There is no standard; one suite with these attributes is what Jenkins, GitLab ("Unit test reports", which shows
``file`` as a link) and Azure read alike. A case's name never holds the number of a line, so that a server can
follow the case from run to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from sessionlint.formats.context import RenderContext
from sessionlint.formats.entries import Entry, entries, of_finding
from sessionlint.formats.escaping import visible
from sessionlint.formats.text import summary
from sessionlint.report import Report


class _Case(NamedTuple):
    """One case: ``outcome`` is ``failure``, ``error``, ``skipped`` or ``""`` for a file that is clean."""

    file: str
    line: int
    name: str
    outcome: str = ""
    code: str = ""
    message: str = ""
    detail: str = ""


def render(report: Report, context: RenderContext) -> str:
    """The report as one XML document, ending in a newline."""
    cases = sorted(_cases(report, context.prefix))
    outcomes = Counter(case.outcome for case in cases)
    totals = {
        "tests": str(len(cases)),
        "failures": str(outcomes["failure"]),
        "errors": str(outcomes["error"]),
        "skipped": str(outcomes["skipped"]),
        "time": "0",
    }
    root = ElementTree.Element("testsuites", {"name": "sessionlint", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "sessionlint", **totals})
    seen: Counter[tuple[str, str]] = Counter()
    for case in cases:
        seen[case.file, case.name] += 1
        _append(suite, case, seen[case.file, case.name])
    ElementTree.SubElement(suite, "system-out").text = visible(summary(report))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(report: Report, prefix: str) -> Iterator[_Case]:
    found = entries(report)
    unclean = {entry.file for entry in found} | {finding.path for finding in report.absorbed}
    for file in report.files:
        if file not in unclean:
            yield _Case(visible(prefix + file), 1, "no findings")
    for entry in found:
        yield _case(entry, prefix, "error" if entry.is_error else "failure", visible(entry.message))
    for suppressed in report.suppressed:
        reason = f"suppressed: {suppressed.by.reason}"
        yield _case(of_finding(suppressed.finding), prefix, "skipped", visible(reason))
    for finding in report.absorbed:
        reason = f"known: absorbed by {report.compared_with}"
        yield _case(of_finding(finding), prefix, "skipped", visible(reason))


def _case(entry: Entry, prefix: str, outcome: str, message: str) -> _Case:
    file = visible(prefix + entry.file) if entry.file else "sessionlint"
    name = f"{entry.title} in {visible(entry.qualname)}" if entry.qualname else entry.title
    lines = [f"{file}:{entry.line}:{entry.column}: {entry.code} {visible(entry.message)}"]
    for number, step in enumerate(entry.trace, start=1):
        where = f"{visible(prefix + step.path)}:{step.line}:{step.column}"
        lines.append(f"  {number}. {where}  {visible(step.note)}")
    return _Case(file, entry.line, name, outcome, entry.code, message, "\n".join(lines))


def _append(suite: ElementTree.Element, case: _Case, number: int) -> None:
    name = case.name if number == 1 else f"{case.name} #{number}"
    attributes = {"classname": case.file, "name": name, "file": case.file, "line": str(case.line), "time": "0"}
    element = ElementTree.SubElement(suite, "testcase", attributes)
    if case.outcome == "skipped":
        ElementTree.SubElement(element, "skipped", {"message": f"{case.code} {case.message}"})
    elif case.outcome:
        found = ElementTree.SubElement(element, case.outcome, {"type": case.code, "message": case.message})
        found.text = case.detail
