"""Judged file by file, with the whole program to ask, a rule finds what it finds when it goes through all files."""

import pytest

from sessionlint.program.focus import focused
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules

_RULES = [rule for rule in all_rules() if not rule.META.program_wide and not rule.META.code.startswith("TXN9")]


@pytest.mark.parametrize("rule", _RULES, ids=[rule.META.code for rule in _RULES])
def test_a_rule_finds_the_same_file_by_file(rule):
    for example in rule.BAD:
        files = examples.split(example.source, example.path)
        program = examples.program_for(files, examples.policy_for(dict(example.policy), files))
        whole = set(rule.check(program))
        paths = {module.path for module in program.modules}
        parts = {path: set(rule.check(focused(program, frozenset({path})))) for path in paths}
        for path, part in parts.items():
            assert {f for f in part if f.path == path} == {f for f in whole if f.path == path}
