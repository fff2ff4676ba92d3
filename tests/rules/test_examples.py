"""Every rule's examples: the marked lines are found, exactly, and look-alikes stay silent for every rule."""

from __future__ import annotations

import re

import pytest

from sessionlint.rules import examples
from sessionlint.rules.base import Bad, Good
from sessionlint.rules.catalogue import all_rules

_RULES = list(all_rules())
_BAD = [(r, i, b) for r in _RULES for i, b in enumerate(r.BAD)]
#: A call of nothing or of something without a name, quotes around nothing.
_NAMELESS = re.compile(r"(?:^|[\s`'])…?\(\)|<lambda>|<module>|(?<!`)``(?!`)|(?<!\w)''(?!\w)")
_GOOD = [(r, i, g) for r in _RULES for i, g in enumerate(r.GOOD)]


def _findings(example: Bad | Good, codes: set[str] | None) -> list[tuple[str, int, int, str]]:
    files = examples.split(example.source, example.path)
    policy = examples.policy_for(dict(example.policy), files)
    program = examples.program_for(files, policy)
    told = [
        f
        for rule in _RULES
        if (codes is None or rule.META.code in codes) and policy.enabled(rule.META.code)
        for f in rule.check(program)
    ]
    nameless = [t for f in told for t in (f.message, *(s.note for s in f.trace)) if not t or _NAMELESS.search(t)]
    assert not nameless, "messages and steps name what they tell of"
    return sorted({(f.path, f.span.line, f.span.column, f.code) for f in told})


@pytest.mark.parametrize(("rule", "index", "bad"), _BAD, ids=[f"{r.META.code}-{i}" for r, i, _ in _BAD])
def test_bad_example_is_flagged_exactly_where_marked(rule, index, bad):
    files = examples.split(bad.source, bad.path)
    wanted = examples.expected(files)
    assert any(code == rule.META.code for _, _, _, code in wanted), "a bad example marks its own rule"
    codes = {code for _, _, _, code in wanted}
    assert _findings(bad, codes) == wanted


@pytest.mark.parametrize(("rule", "index", "good"), _GOOD, ids=[f"{r.META.code}-{i}" for r, i, _ in _GOOD])
def test_good_example_is_silent(rule, index, good):
    assert _findings(good, {rule.META.code}) == []
