"""States of the program being fixed, each solved, checked and settled as ``check`` would do it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sessionlint.engine import Engine
from sessionlint.fixes.context import Context
from sessionlint.fixes.line_lengths import LineLengths
from sessionlint.fixes.requirements import Requirements
from sessionlint.fixes.texts import Texts, Trees
from sessionlint.gate.definitions import defined_in
from sessionlint.gate.settling import settle
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.placing import placed
from sessionlint.policy_model import Policy
from sessionlint.report import Checked, CheckError, Finding, Report, Suppression
from sessionlint.run import check_program

if TYPE_CHECKING:
    from sessionlint.facts.cache import FactsCache
    from sessionlint.gate.baseline import Known


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One state: the texts of all files, and the report with what comments and baseline excuse."""

    texts: Texts
    report: Report
    #: what the rules said, before anything was made of it; None when not every rule did its work
    found: Sequence[Finding] | None = field(repr=False)
    _context_of: Callable[[State], Context] = field(repr=False)

    @property
    def sources(self) -> Mapping[str, bytes]:
        """The bytes of all files."""
        return self.texts.sources

    @property
    def context(self) -> Context:
        """What may be asked about the program until the bench makes, or is asked about, another state."""
        return self._context_of(self)

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
        #: the state whose program was solved last, and what its rules said
        self._current: tuple[State, Context] | None = None
        self._found: Sequence[Finding] | None = None
        self._requirements = Requirements(root)
        self._line_lengths = LineLengths(root)
        self._comments: dict[str, tuple[bytes, Sequence[Suppression]]] = {}

    def state(self, sources: Mapping[str, bytes], *, unread: frozenset[str] = frozenset(), edit: bool = False) -> State:
        """The state in which the files (all of them, but for those ``unread``) have these bytes.

        ``edit`` as for :meth:`Engine.solve`.
        """
        files = sorted(sources)
        before, self._found, self._current = self._found, None, None
        program = self._engine.solve(sources, edit=edit)
        examined = check_program(program, self.policy, files, before=before)
        checked = examined.report
        comments = tuple(comment for path in files for comment in self._comments_of(path, sources[path]))

        def defines(path: str, qualname: str) -> bool:
            return path in sources and defined_in(sources[path], path, qualname)

        report = settle(Checked(checked, comments), self.policy, self._known, self._today, defines)
        known = (self._trees, self._requirements, self._line_lengths)
        texts = Texts(sources, program.policy, program.solver.names, *known, unread)
        found = examined.found if examined.complete else None
        state = State(texts, report, found and placed(found, program.numberings), self._context_of)
        self._found = found
        if not program.numberings:
            # what fixers ask about places is where the lines have their own numbers
            self._current = (state, Context(program, texts, state.findings))
        return state

    def _context_of(self, state: State) -> Context:
        """The program of a state; solved again when another was since, for programs share their functions."""
        if self._current is None or self._current[0] is not state:
            self._found, self._current = None, None
            program = self._engine.solve(state.sources)
            self._found, self._current = state.found, (state, Context(program, state.texts, state.findings))
        return self._current[1]

    def error_in(self, path: str, data: bytes) -> CheckError | None:
        """What is wrong with a file of these bytes, if anything."""
        return self._engine.error_in(path, data)

    def _comments_of(self, path: str, data: bytes) -> Sequence[Suppression]:
        known = self._comments.get(path)
        if known is None or known[0] != data:
            found = tuple(comments_of(path, data, forbid=self.policy.suppressions == "forbid"))
            known = self._comments[path] = (data, found)
        return known[1]
