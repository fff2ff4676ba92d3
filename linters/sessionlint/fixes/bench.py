"""States of the program being fixed, each solved, checked and settled as ``check`` would do it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sessionlint.engine import Engine
from sessionlint.fixes.context import Context, Trees
from sessionlint.fixes.line_lengths import LineLengths
from sessionlint.fixes.requirements import Requirements
from sessionlint.gate.definitions import defined_in
from sessionlint.gate.settling import settle
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.policy_model import Policy
from sessionlint.report import Checked, CheckError, Finding, Report, Suppression
from sessionlint.run import check_program

if TYPE_CHECKING:
    from sessionlint.facts.cache import FactsCache
    from sessionlint.gate.baseline import Known
    from sessionlint.program.api import Program


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One state: the bytes of all files, the solved program, and the report with what comments and baseline excuse."""

    sources: Mapping[str, bytes]
    program: Program
    report: Report
    context: Context = field(repr=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything the rules say, excused or not."""
        report = self.report
        return (*report.findings, *report.absorbed, *(entry.finding for entry in report.suppressed))


class Bench:
    """Solves states one after another; each costs what changed since the one before."""

    def __init__(
        self,
        root: Path,
        policy: Policy,
        *,
        known: Known | None = None,
        today: datetime.date | None = None,
        cache: FactsCache | None = None,
    ) -> None:
        self.root = root
        self.policy = policy
        self._engine = Engine(root, policy, cache)
        self._known = known
        self._today = today or datetime.date.today()
        self._trees = Trees()
        self._found: Sequence[Finding] | None = None
        self._requirements = Requirements(root)
        self._line_lengths = LineLengths(root)
        self._comments: dict[str, tuple[bytes, Sequence[Suppression]]] = {}

    def state(self, sources: Mapping[str, bytes], *, edit: bool = False) -> State:
        """The state in which the files (all of them) have these bytes.

        ``edit``: nobody will ask the last state's program any more (see :meth:`Engine.solve`).
        """
        files = sorted(sources)
        program = self._engine.solve(sources, edit=edit)
        examined = check_program(program, self.policy, files, before=self._found)
        self._found = examined.found if examined.complete else None
        checked = examined.report
        comments = tuple(comment for path in files for comment in self._comments_of(path, sources[path]))

        def defines(path: str, qualname: str) -> bool:
            return path in sources and defined_in(sources[path], path, qualname)

        report = settle(Checked(checked, comments), self.policy, self._known, self._today, defines)
        known = (self._trees, self._requirements, self._line_lengths)
        context = Context(program, sources, checked.findings, *known)
        return State(sources, program, report, context)

    def error_in(self, path: str, data: bytes) -> CheckError | None:
        """What is wrong with a file of these bytes, if anything."""
        return self._engine.error_in(path, data)

    def _comments_of(self, path: str, data: bytes) -> Sequence[Suppression]:
        known = self._comments.get(path)
        if known is None or known[0] != data:
            found = tuple(comments_of(path, data, forbid=self.policy.suppressions == "forbid"))
            known = self._comments[path] = (data, found)
        return known[1]
