"""Everything the pages of one project are made of, gathered before any page is built."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sessionlint.rules.base import Rule
from sessionlint_reports.history.model import Diff, Life, SnapshotInfo
from sessionlint_reports.snapshot import Snapshot
from sessionlint_reports.targets import Target

#: Beginning of the names of the documents that hold source texts; the rest of the name is the path.
SOURCE = "source/"
#: Name of the document that holds the session map (JSON).
MAP = "map"
#: Name of the document that holds suggested fixes (JSON: list of path, line, column, code, title, safety, diff).
FIXES = "fixes"
#: Name of the document that holds the policy (JSON).
POLICY = "policy"


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule as readers see it: its texts and one example of each sort (Python source)."""

    rule: Rule
    bad: str
    good: str


@dataclass(frozen=True)
class Subject:
    """The newest snapshot of a project, what came before it, and what people promised.

    ``diff`` compares with the snapshot ``earlier``; both are None for the first one. ``timeline`` is oldest
    first and ends with this snapshot. ``lives`` are those of debt, ``suppressed_lives`` those of excused
    findings. ``today`` is what ages and target dates are measured against.
    """

    snapshot: Snapshot
    today: datetime
    rules: tuple[RulePage, ...] = ()
    timeline: tuple[SnapshotInfo, ...] = ()
    lives: tuple[Life, ...] = ()
    suppressed_lives: tuple[Life, ...] = ()
    earlier: SnapshotInfo | None = None
    diff: Diff | None = None
    targets: tuple[Target, ...] = ()

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """Source text by path, for the files whose text was stored."""
        documents = self.snapshot.documents
        return {name[len(SOURCE) :]: text for name, text in documents.items() if name.startswith(SOURCE)}

    @cached_property
    def session_map(self) -> Mapping[str, Any]:
        """The stored session map, empty when there is none."""
        return self._document(MAP, {"nodes": [], "edges": []})

    @cached_property
    def policy(self) -> Mapping[str, Any]:
        """The stored policy, empty when there is none."""
        return self._document(POLICY, {})

    @cached_property
    def fixes(self) -> Mapping[tuple[str, int, int, str], Mapping[str, Any]]:
        """Suggested fixes (title, safety and unified diff) by path, line, column and code of the finding."""
        listed: Sequence[Mapping[str, Any]] = json.loads(self.snapshot.documents.get(FIXES, "[]"))
        return {(row["path"], row["line"], row["column"], row["code"]): row for row in listed}

    def _document(self, name: str, default: Mapping[str, Any]) -> Mapping[str, Any]:
        text = self.snapshot.documents.get(name)
        loaded: Mapping[str, Any] = json.loads(text) if text else default
        return loaded


def rule_pages() -> tuple[RulePage, ...]:
    """The pages of all rules of this version."""
    from sessionlint.rules.catalogue import all_rules
    from sessionlint.rules.markers import without_markers

    return tuple(
        RulePage(rule.META, without_markers(rule.BAD[0].source), without_markers(rule.GOOD[0].source))
        for rule in all_rules()
    )
