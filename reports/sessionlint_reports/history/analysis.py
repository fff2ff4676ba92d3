"""A program that changes from commit to commit, checked after every change."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sessionlint.engine import Engine
from sessionlint.gate.definitions import defined_in
from sessionlint.gate.settling import settle
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.inventory import Inventory, build_inventory
from sessionlint.policy import Policy
from sessionlint.report import Checked, Report, Suppression
from sessionlint.run import check_program

#: Not asked of past commits: today's policy may name what came later.
NOT_OF_THE_PAST = ("TXN905",)


class State(NamedTuple):
    """What is found in one state of a program."""

    report: Report
    inventory: Inventory


class PastProgram:
    """One program in memory, moved from state to state; each state costs what changed since the one before."""

    def __init__(self, root: Path, policy: Policy) -> None:
        self._policy = policy.with_overrides(ignore=NOT_OF_THE_PAST)
        self._engine = Engine(root, self._policy)
        self._sources: dict[str, bytes] = {}
        self._comments: dict[str, tuple[Suppression, ...]] = {}

    def check(self, changed: Mapping[str, bytes | None], today: datetime.date) -> State:
        """Takes new contents by path (None: gone) and checks the program they make, as of ``today``."""
        forbid = self._policy.suppressions == "forbid"
        for path, data in changed.items():
            self._sources.pop(path, None)
            self._comments.pop(path, None)
            if data is not None:
                self._sources[path] = data
                self._comments[path] = tuple(comments_of(path, data, forbid=forbid))
        program = self._engine.solve(self._sources)
        files = sorted(self._sources)
        found = check_program(program, self._policy, files)
        comments = tuple(comment for path in files for comment in self._comments[path])
        report = settle(Checked(found.report, comments), self._policy, None, today, self._defines)
        return State(report, build_inventory(found.program, report.findings))

    def _defines(self, path: str, qualname: str) -> bool:
        return defined_in(self._sources[path], path, qualname)


def inferred(root: Path, settings: Policy, sources: Mapping[str, bytes]) -> Policy:
    """The policy that a program suggests, which is given by its files."""
    from sessionlint.infer import infer_from

    return infer_from(Engine(root, settings).solve(sources))[0]
