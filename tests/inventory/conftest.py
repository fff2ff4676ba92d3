"""Audits a small project held in memory with the real rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from sessionlint.gate.suppressing import COMMENT_CODES
from sessionlint.inventory import Inventory, build_inventory
from sessionlint.rules.catalogue import all_rules
from sessionlint.rules.examples import policy_for, program_for
from sessionlint.run import check_rules, collect

Audit = Callable[..., Inventory]


@pytest.fixture
def audit() -> Audit:
    """The inventory of the files, next to the session module every example has."""

    def run(files: Mapping[str, str], **overrides: object) -> Inventory:
        policy = policy_for({key.replace("_", "-"): value for key, value in overrides.items()})
        program = program_for(files, policy)
        rules = [r for r in all_rules() if r.META.code not in COMMENT_CODES and policy.enabled(r.META.code)]
        found, crashes = check_rules(program, rules)
        assert crashes == []
        return build_inventory(program, collect(found, policy, program.source_line))

    return run
