"""The identity of a finding: what a formatter changes does not count, everything else does."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionlint.fingerprint import fingerprint, identity, normalise


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s.add(x)", "s.add(\n    x,\n)"),
        ("s.add(x)", "s.add( x )  # now"),
        ("text('a b')", 'text("a b")'),
        ("f(r'a', b'c')", 'f(r"a", b"c")'),
        ("a + b", "a + \\\n    b"),
        ("[1, 2]", "[\n    1,\n    2,  # two\n]"),
    ],
)
def test_what_a_formatter_changes_does_not_count(before, after):
    assert normalise(before) == normalise(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("text('a b')", "text('a  b')"),
        ("text('#a')", "text('#b')"),
        ("s.commit()", "s2.commit()"),
        ("notin", "not in"),
        ("f(a, b)", "f(a b)"),
        ("'it\"s'", '"it\'s"'),
    ],
)
def test_what_means_something_else_counts(before, after):
    assert normalise(before) != normalise(after)


def test_an_identity_is_the_same_in_every_file_and_differs_by_rule_function_and_code():
    here = identity("TXN201", "save", "s.commit()")
    others = [
        identity("TXN202", "save", "s.commit()"),
        identity("TXN201", "f", "s.commit()"),
        identity("TXN201", "save", "s"),
    ]
    assert len({here, *others}) == 4
    assert fingerprint("TXN201", "a.py", "save", "x") != fingerprint("TXN201", "b.py", "save", "x")


def test_identities_are_the_same_on_every_python():
    assert identity("TXN201", "save", "f\"{a['b']}\" + '''c'''") == "9aacc4b17241f08f7c83de60"


@given(st.text())
def test_blanks_around_any_text_do_not_count(text):
    assert normalise(f"  {text}\n") == normalise(text)


@pytest.mark.parametrize("source", ["a(b)[c].d(e, f=g)", "await s.execute(text('x'), {'a': 1})", "x if y else (z,)"])
def test_the_normal_form_of_an_expression_is_that_of_its_unparsed_tree(source):
    assert normalise(ast.unparse(ast.parse(source))) == normalise(source)
