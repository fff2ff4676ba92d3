"""The baseline as text: what is written is read, and every mistake in it is named with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionlint.gate.baseline_text import BaselineError, ConflictError, parse, render
from sessionlint.report import BaselineEntry

PRINT = "0123456789abcdef01234567"
ONE = BaselineEntry("app/a.py", "TXN201", "save", PRINT, 2)
TWO = BaselineEntry("app/ä \u2028 b.py", "TXN101", "", PRINT, 1)


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(BaselineError) as caught:
        parse(text.encode() if isinstance(text, str) else text, "b.json")
    return caught.value.problems


def row(**changes: object) -> str:
    made: dict[str, object] = {"rule": "TXN201", "path": "a.py", "qualname": "f", "fingerprint": PRINT, "count": 1}
    made.update(changes)
    return json.dumps({key: value for key, value in made.items() if value is not ...})


def document(*rows: str, version: object = 1) -> str:
    return f'{{"version": {json.dumps(version)},\n"entries": [\n' + ",\n".join(rows) + "\n]}"


def test_what_is_written_is_sorted_one_entry_a_line():
    assert render([TWO, ONE]) == (
        '{\n  "version": 1,\n  "entries": [\n'
        f'    {{"rule": "TXN201", "path": "app/a.py", "qualname": "save", "fingerprint": "{PRINT}", "count": 2}},\n'
        f'    {{"rule": "TXN101", "path": "app/ä \u2028 b.py", "qualname": "", "fingerprint": "{PRINT}", "count": 1}}\n'
        "  ]\n}\n"
    )


@pytest.mark.parametrize("entries", [(), (ONE,), (ONE, TWO)])
def test_what_is_written_is_read(entries):
    assert parse(render(entries).encode(), "b.json") == tuple(sorted(entries))
    assert parse(b"\xef\xbb\xbf" + render(entries).replace("\n", "\r\n").encode(), "b.json") == tuple(sorted(entries))


def test_a_file_that_another_program_reformatted_is_read():
    text = json.dumps(json.loads(render([ONE, TWO])), indent=8, sort_keys=True)
    assert parse(text.encode(), "b.json") == (ONE, TWO)


def test_all_mistakes_are_named_at_once_each_with_its_line():
    text = document(
        row(rule="TXN20l"),
        row(path="/etc/passwd", count=0),
        row(fingerprint="xyz", qualname=None),
        row(),
        row(count=..., extra=1),
        "3",
        row(),
        row(rule="TXN903"),
        row(count=True),
    )
    assert problems(text) == [
        'line 3: "rule" is "TXN20l", which is no rule; remove the entry. Did you mean TXN201?',
        'line 4: "path" is "/etc/passwd", which is no path relative to the project with \'/\'; correct it.',
        'line 4: "count" is 0, which is not a whole number from 1 to 1000000; correct it or remove the entry.',
        'line 5: "qualname" is null, which is no text; correct it or remove the entry.',
        'line 5: "fingerprint" is "xyz", which is not 24 hexadecimal digits; remove the entry.',
        'line 7: "count" is missing; add it or remove the entry.',
        'line 7: "extra" is no key of an entry; remove it.',
        "line 8: 3 is no entry; an entry has rule, path, qualname, fingerprint, count.",
        "line 9: is about the same findings as line 6; keep one of the two.",
        'line 10: "rule" is "TXN903", which is about the gate itself and never belongs in a baseline; '
        "remove the entry.",
        'line 11: "count" is true, which is not a whole number from 1 to 1000000; correct it or remove the entry.',
    ]


def test_the_lines_of_a_reformatted_file_are_those_where_entries_begin():
    rows = [json.loads(row()), json.loads(row(qualname="g", count=-1))]
    assert problems(json.dumps({"version": 1, "entries": rows}, indent=2))[0].startswith('line 11: "count" is -1')


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs", "||||||| base", "=======\r"])
def test_the_markers_of_a_merge_conflict_are_recognised(marker):
    with pytest.raises(ConflictError) as caught:
        parse(f"{{\n{marker}\n}}".encode(), "b.json")
    assert str(caught.value).startswith("b.json: line 2: git left a merge conflict here. 'sessionlint baseline merge' ")


def test_a_file_of_a_newer_version_is_refused_and_nothing_else_said():
    assert problems('{"version": 2, "entries": {"new": "shape"}}') == [
        "line 1: was written by a newer sessionlint (format 2, this one reads 1); upgrade sessionlint."
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: is not valid JSON: Expecting value."),
        ('{"version": 1,\n"entries": [,]}', "line 2: is not valid JSON"),
        ("[]", "line 1: is not a baseline: an object with version and entries."),
        ('{"entries": []}', 'line 1: "version" is null; a baseline of this format says 1.'),
        ('{"version": true, "entries": []}', 'line 1: "version" is true'),
        ('{"version": 1}', 'line 1: "entries" is null; it must be a list.'),
        ('{"version": 1, "entries": [], "entries": []}', 'line 1: an object has the key "entries" twice.'),
        ('{"version": 1, "entries": [], "more": 1}', 'line 1: "more" is no key of a baseline; remove it.'),
        ("[" * 100_000, "line 1: is not a baseline: it nests too deeply, or a number is too long."),
        ("9" * 10_000, "line 1: is not a baseline: it nests too deeply, or a number is too long."),
        (b'{"version": 1,\n\xff}', "line 2: is not UTF-8; save the file as UTF-8."),
    ],
)
def test_what_is_no_baseline_is_refused_with_the_remedy(text, said):
    assert problems(text)[0].startswith(said)


def test_many_mistakes_are_counted_rather_than_listed():
    with pytest.raises(BaselineError) as caught:
        parse(document(*["1"] * 50).encode(), "b.json")
    assert str(caught.value).splitlines()[-1] == "b.json: 30 more mistakes."
    assert len(caught.value.problems) == 50


_entries = st.lists(
    st.builds(
        BaselineEntry,
        path=st.text(st.characters(exclude_characters="\\\0/", exclude_categories=["Cs"]), min_size=1).filter(
            lambda path: path != ".." and not path.startswith("/")
        ),
        rule=st.sampled_from(["TXN101", "TXN201", "TXN802"]),
        qualname=st.text(st.characters(exclude_categories=["Cs"])),
        fingerprint=st.text("0123456789abcdef", min_size=24, max_size=24),
        count=st.integers(1, 1_000_000),
    ),
    unique_by=lambda entry: (entry.path, entry.rule, entry.qualname, entry.fingerprint),
)


@given(_entries)
def test_any_entries_survive_being_written_and_read(entries):
    assert parse(render(entries).encode(), "b.json") == tuple(sorted(entries))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["version", "entries", "rule", "path"]), inner),
    max_leaves=8,
)


@given(
    st.binary()
    | _json.map(lambda value: json.dumps(value).encode())
    | _json.map(lambda value: json.dumps({"version": 1, "entries": [value]}).encode())
    | st.tuples(st.integers(0, 300), st.binary(max_size=4)).map(
        lambda cut: render([ONE, TWO]).encode()[: cut[0]] + cut[1] + render([ONE, TWO]).encode()[cut[0] + 1 :]
    )
)
def test_whatever_a_file_holds_it_is_read_or_refused_with_lines(data):
    said: list[str] = []
    try:
        parse(data, "b.json")
    except BaselineError as error:
        said = error.problems
    assert all(problem.startswith("line ") for problem in said)
