"""What a run has to say to another program."""

from sessionlint.fingerprint import fingerprint
from sessionlint.formats.entries import by_importance, entries, most_important
from sessionlint.report import CheckError, Report, Span
from tests.formats.samples import FULL, finding, many


def test_errors_come_first_and_twins_are_numbered():
    assert [(entry.code, entry.file, entry.line, entry.key) for entry in entries(FULL)] == [
        ("TXN901", "src/broken.py", 7, fingerprint("TXN901", "src/broken.py", "", "invalid syntax")),
        ("TXN901", "", 1, fingerprint("TXN901", "TXN303", "", "the rule TXN303 failed")),
        ("TXN105", "src/a.py", 10, "TXN105-src/a.py"),
        ("TXN201", "src/a.py", 12, "twin"),
        ("TXN201", "src/a.py", 14, "twin:2"),
        ("TXN605", "src/d.py", 1, "TXN605-src/d.py"),
    ]


def test_the_first_of_every_rule_comes_before_the_second_of_any_within_a_severity():
    report = Report(
        findings=(
            finding("TXN605", "a.py", severity="info"),
            finding("TXN201", "a.py", 1),
            finding("TXN201", "b.py", 1),
            finding("TXN303", "c.py", severity="warning"),
            finding("TXN101", "d.py"),
            finding("TXN101", "f.py"),
        ),
        errors=(CheckError("e.py", 1, "unreadable"),),
    )
    order = [(entry.code, entry.file) for entry in by_importance(entries(report))]
    assert order == [
        ("TXN901", "e.py"),
        ("TXN101", "d.py"),
        ("TXN201", "a.py"),
        ("TXN101", "f.py"),
        ("TXN201", "b.py"),
        ("TXN303", "c.py"),
        ("TXN605", "a.py"),
    ]


def test_a_cut_list_keeps_the_most_important_in_their_own_order():
    mixed = entries(Report(findings=(*many(3, severity="info"), *many(2, "TXN201"))))
    assert [entry.code for entry in most_important(mixed, 3)] == ["TXN105", "TXN201", "TXN201"]
    assert most_important(mixed, 5) == list(mixed)


def test_positions_are_never_below_one_and_ends_never_before_starts():
    odd = finding()
    odd = type(odd)("TXN101", "n", Span("a.py", 0, 0, 0, 0), "m")
    (entry,) = entries(Report(findings=(odd,)))
    assert (entry.line, entry.column, entry.end_line, entry.end_column) == (1, 1, 1, 1)
