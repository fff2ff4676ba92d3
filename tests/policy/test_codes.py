"""The table of codes, and what a mistyped code is taken for."""

import pytest

from sessionlint.codes import CODES, FAMILIES, is_code_prefix, nearest_code, resolve_code


def test_every_code_belongs_to_a_family_and_names_are_unique():
    assert {code[:4] for code in CODES} == set(FAMILIES)
    assert len(set(CODES.values())) == len(CODES) == 52


@pytest.mark.parametrize("text", ["TXN", "TXN2", "TXN20", "TXN201"])
def test_a_code_and_its_beginnings_are_prefixes(text):
    assert is_code_prefix(text)


@pytest.mark.parametrize("text", ["", "T", "TX", "txn201", "TXN0", "TXN299", "TXN2011", "TXN201\n", "explicit-commit"])
def test_anything_else_is_no_prefix(text):
    assert not is_code_prefix(text)


@pytest.mark.parametrize("text", ["TXN201", "txn201", " explicit-commit ", "EXPLICIT-COMMIT"])
def test_a_rule_is_found_by_code_or_name(text):
    assert resolve_code(text) == "TXN201"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("TXN1O1", "TXN101"), ("explicit-comit", "TXN201"), ("comit", "TXN201"), ("raw_sql", "TXN802"), ("zebra", None)],
)
def test_the_nearest_rule_is_what_was_meant(typed, meant):
    assert nearest_code(typed) == meant
