"""Audits a small project held in memory with the real rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

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
        found, crashes = check_rules(program, [rule for rule in all_rules() if policy.enabled(rule.META.code)])
        assert crashes == []
        return build_inventory(program, collect(found, policy, program.source_line))

    return run
