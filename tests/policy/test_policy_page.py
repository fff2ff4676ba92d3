"""docs/policy.md tells of every key that a policy may hold, and of no other."""

import re
from pathlib import Path

from sessionlint.policy_schema import KEYS, TABLES

_PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
_ROW = re.compile(r"^\| (`[^|]*`) \|", re.MULTILINE)


def test_every_key_has_a_row() -> None:
    told = [key for cell in _ROW.findall(_PAGE.read_text(encoding="utf-8")) for key in re.findall(r"`([^`]+)`", cell)]
    assert sorted(told) == sorted([*KEYS, *TABLES])
