"""Known and new findings: counted per file, function and statement."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sessionlint.gate.baseline import compare, entries_of, grown
from sessionlint.report import BaselineEntry, Finding, Span


def finding(path: str = "a.py", line: int = 1, what: str = "commit", qualname: str = "save") -> Finding:
    span = Span(path, line, 1, line, 9)
    return Finding("TXN201", "explicit-commit", span, "m", qualname=qualname, identity=f"{qualname} {what}")


def outcome(before, after, files=("a.py", "b.py"), defined=lambda path, qualname: True):
    """(path, line) of new findings, and (path, count) of stale entries."""
    found = compare(after, entries_of(before), files, defined)
    assert len(found.new) + len(found.absorbed) == len(after)
    return [(f.path, f.span.line) for f in found.new], [(e.path, e.count) for e in found.stale]


def test_findings_that_moved_within_their_file_are_known():
    assert outcome([finding(line=1)], [finding(line=90)]) == ([], [])


def test_of_more_twins_than_are_known_the_last_ones_are_new():
    assert outcome([finding(line=1), finding(line=2)], [finding(line=n) for n in (1, 2, 3, 4)]) == (
        [("a.py", 3), ("a.py", 4)],
        [],
    )


def test_fixing_never_fails_and_leaves_a_stale_count():
    assert outcome([finding(line=1), finding(line=2), finding(line=3)], [finding(line=3)]) == ([], [("a.py", 2)])


def test_another_statement_function_or_rule_is_new():
    assert outcome([finding()], [finding(what="s.commit")])[0] == [("a.py", 1)]
    assert outcome([finding()], [finding(qualname="other")])[0] == [("a.py", 1)]


def test_the_same_statement_in_another_file_is_new_although_the_old_one_is_gone():
    assert outcome([finding("a.py")], [finding("b.py")]) == ([("b.py", 1)], [("a.py", 1)])


def test_a_file_that_was_renamed_keeps_its_findings_and_gets_no_more():
    before = [finding("a.py", 1), finding("a.py", 2)]
    after = [finding("b.py", 5), finding("b.py", 6), finding("b.py", 7)]
    assert outcome(before, after, files=("b.py",)) == ([("b.py", 7)], [])


def test_a_file_that_was_copied_brings_new_findings():
    assert outcome([finding("a.py")], [finding("a.py"), finding("b.py")]) == ([("b.py", 1)], [])


def test_a_function_that_moved_to_another_file_keeps_its_findings():
    gone = lambda path, qualname: (path, qualname) != ("a.py", "save")  # noqa: E731
    assert outcome([finding("a.py")], [finding("b.py")], defined=gone) == ([], [])


def test_findings_of_a_module_do_not_follow_while_the_module_is_there():
    before, after = [finding("a.py", qualname="")], [finding("b.py", qualname="")]
    assert outcome(before, after, defined=lambda path, qualname: False) == ([("b.py", 1)], [("a.py", 1)])


def entry(path: str, count: int, what: str = "x") -> BaselineEntry:
    return BaselineEntry(path, "TXN201", "save", what, count)


def test_a_baseline_grows_by_counts_wherever_its_files_lie():
    assert grown([entry("a.py", 2)], [entry("b.py", 2)]) == ()
    assert grown([entry("a.py", 2)], [entry("a.py", 2), entry("b.py", 1)]) == (entry("b.py", 1),)
    assert grown([entry("a.py", 2)], [entry("a.py", 1, "y")]) == (entry("a.py", 1, "y"),)
    assert grown([entry("a.py", 2)], []) == ()


_findings = st.lists(
    st.builds(
        finding,
        path=st.sampled_from(["a.py", "b.py", "c.py"]),
        line=st.integers(1, 9),
        what=st.sampled_from(["commit", "flush"]),
        qualname=st.sampled_from(["", "save"]),
    ),
    max_size=12,
).map(lambda findings: sorted(findings, key=lambda f: f.sort_key))


@given(_findings, _findings, st.sets(st.sampled_from(["a.py", "b.py", "c.py"])), st.booleans())
def test_what_is_absorbed_was_known_and_never_more(before, after, files, defined):
    known = entries_of(before)
    found = compare(after, known, files, lambda path, qualname: defined)
    assert Counter((*found.new, *found.absorbed)) == Counter(after)
    assert grown(known, entries_of(found.absorbed)) == ()
    assert len(found.absorbed) + sum(e.count for e in found.stale) == len(before)
    kinds = Counter(f.identity for f in found.absorbed)
    assert kinds <= Counter(f.identity for f in before)


@given(_findings)
def test_a_project_compared_with_itself_has_nothing_new_or_stale(findings):
    found = compare(findings, entries_of(findings), ["a.py", "b.py", "c.py"], lambda path, qualname: True)
    assert (found.new, found.stale) == ((), ())
