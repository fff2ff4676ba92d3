"""Engines of programs in one repository that do not know of each other, and of two that do."""

from __future__ import annotations

import pytest

from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules

BAKERY = {
    "bakery/main.py": "from fastapi import FastAPI\n\nfrom bakery.oven import engine\n\napp = FastAPI()\n",
    "bakery/oven.py": "from sqlalchemy import create_engine\n\nengine = create_engine('postgresql://db/bakery')\n",
    "stall/till.py": "from sqlalchemy import create_engine\n\nengine = create_engine('postgresql://db/stall')\n",
}
POLICY: dict[str, object] = {"session-modules": ["bakery/oven.py", "stall/till.py"]}


def engines_too_many(files: dict[str, str]) -> list[str]:
    """Where TXN507 finds another engine."""
    program = examples.program_for(files, examples.policy_for(POLICY, files))
    rule = next(r for r in all_rules() if r.META.code == "TXN507")
    return [f"{f.path}:{f.span.line}" for f in rule.check(program)]


def test_an_engine_of_a_program_that_no_import_joins_is_no_second_one():
    assert engines_too_many(BAKERY | {"stall/counter.py": "from stall.till import engine\n\nprint(engine)\n"}) == []


@pytest.mark.parametrize(
    "counter",
    [
        "from bakery.oven import engine as ovens\nfrom stall.till import engine\n\nprint(engine, ovens)\n",
        "import os\n\nprint(os)\n",
    ],
    ids=["joined", "used by nobody in sight"],
)
def test_an_engine_beside_one_that_the_same_program_takes_is(counter):
    assert engines_too_many(BAKERY | {"stall/counter.py": counter}) == ["stall/till.py:3"]
