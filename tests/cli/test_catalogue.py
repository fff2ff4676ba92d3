"""A rule module that is not one stops everything: a rule left out would look like a clean project."""

import sys
from types import ModuleType

import pytest

from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.catalogue import BrokenRuleError, load_rules


@pytest.fixture
def module(monkeypatch):
    """Makes an importable rule module; ``without`` names what it lacks."""

    def make(name: str, code: str = "TXN101", rule: str = "session-created-directly", without: str = "", **changed):
        made = ModuleType(name)
        members = {
            "META": Rule(code, rule, "s", "r", "m", "n"),
            "BAD": [Bad("x")],
            "GOOD": [Good("y")],
            "check": lambda _program: iter(()),
            **changed,
        }
        members.pop(without, None)
        vars(made).update(members)
        monkeypatch.setitem(sys.modules, name, made)
        return name

    return make


def test_rules_come_in_the_order_of_their_codes(module):
    names = [module("txn102_b", "TXN102", "engine-created-outside"), module("txn101_a")]
    assert [rule.META.code for rule in load_rules(names)] == ["TXN101", "TXN102"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "rule101_x"}, "a rule module is called txnNNN_<slug>"),
        ({"name": "txn102_x"}, "META.code is TXN101, the module's name says TXN102"),
        ({"name": "txn101_x", "rule": "other"}, "META.name is 'other', the table of codes says 'session-created-"),
        ({"name": "txn101_x", "without": "check"}, "lacks check"),
        ({"name": "txn101_x", "BAD": []}, "BAD and GOOD need an example each"),
    ],
)
def test_a_broken_rule_module_stops_the_run(module, options, message):
    with pytest.raises(BrokenRuleError, match=message):
        load_rules([module(**options)])


def test_two_rules_with_one_code_stop_the_run(module):
    with pytest.raises(BrokenRuleError, match="TXN101 is already the code of txn101_a"):
        load_rules([module("txn101_a"), module("txn101_b")])
