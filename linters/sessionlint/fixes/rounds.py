"""Rounds of fixes: every fixer is asked about one state, what fits together is made and proven together.

A round whose changes do not stand the proof is taken apart until those that do are found. The rounds end with a
state in which nothing more can be mended; every change on the way lowered the number of findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sessionlint.fixable import FIXERS
from sessionlint.fixes.bench import Bench, State
from sessionlint.fixes.catalogue import propose
from sessionlint.fixes.encoding import encoded
from sessionlint.fixes.layout import relaid
from sessionlint.fixes.merging import LineEdit, conflict, line_edits, merged
from sessionlint.fixes.model import CannotFixError, Proposal, Refusal, Safety
from sessionlint.fixes.origins import Origins
from sessionlint.fixes.proof import Problem, prove
from sessionlint.fixes.tidying import tidied, without_unused
from sessionlint.report import Finding

Answer = Literal["yes", "no", "all", "quit"]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One change and all findings it is meant to mend: what is made whole or not at all."""

    targets: tuple[Finding, ...]
    title: str
    safety: Safety
    edits: Mapping[str, tuple[LineEdit, ...]]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files it changes, sorted."""
        return tuple(sorted(self.edits))


@dataclass(frozen=True, slots=True)
class Options:
    """What may be mended: ``wanted`` findings, unsafe changes too or not, only files without an ``obstacle``.

    ``obstacle(path)`` says why a file must not be changed ("" otherwise). ``ask`` sees every proven change with the
    texts before and after, and decides; without it all are made. What the baseline absorbs or a comment suppresses
    stays as it is unless asked for.
    """

    wanted: Callable[[Finding], bool] = lambda _: True
    unsafe: bool = False
    obstacle: Callable[[str], str] = lambda _: ""
    ask: Callable[[Change, State, State], Answer] | None = None
    include_absorbed: bool = False
    include_suppressed: bool = False

    def candidates(self, state: State) -> list[Finding]:
        """The findings of a state that are to be mended, with or without a fixer, in order."""
        report = state.report
        found = [*report.findings]
        found += report.absorbed if self.include_absorbed else ()
        found += (entry.finding for entry in report.suppressed) if self.include_suppressed else ()
        return sorted((finding for finding in found if self.wanted(finding)), key=lambda finding: finding.sort_key)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last state and how it came about.

    ``applied`` in order, about findings as they were ``before``; ``refused`` and ``held`` (unsafe, and not asked for)
    are about findings of the last state.
    """

    before: State
    after: State
    applied: tuple[Change, ...] = ()
    refused: tuple[Refusal, ...] = ()
    held: tuple[Proposal, ...] = ()
    declined: tuple[Finding, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """The files that have other bytes now."""
        return tuple(p for p, data in sorted(self.after.sources.items()) if self.before.sources[p] != data)


def repair(bench: Bench, state: State, options: Options | None = None) -> Outcome:
    """Mends what can be mended, starting from ``state``; reads and writes no file."""
    rounds = _Rounds(bench, state, options or Options(), first=state)
    rounds.run()
    return Outcome(
        state, rounds.state, tuple(rounds.applied), tuple(rounds.refused), tuple(rounds.held), tuple(rounds.declined)
    )


@dataclass
class _Rounds:
    bench: Bench
    state: State
    options: Options
    first: State
    applied: list[Change] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    held: list[Proposal] = field(default_factory=list)
    declined: list[Finding] = field(default_factory=list)
    _failed: dict[object, Problem] = field(default_factory=dict)
    stopped: bool = False

    def run(self) -> None:
        tried_afresh_on = self.state
        while not self.stopped:
            judged = len(self._failed), len(self.declined)
            round_ = _Round(self, self._asked())
            made = round_.run()
            # what waited for a change that is not made is next
            if made or (round_.deferred and judged != (len(self._failed), len(self.declined))):
                continue
            if self.state is tried_afresh_on:
                break
            # what failed before may stand the proof now that the program is another
            self._failed.clear()
            tried_afresh_on = self.state

    def _asked(self) -> list[Change]:
        """The changes the fixers propose for this state, each with all findings it is meant for."""
        self.refused, self.held = [], []
        grouped: dict[tuple[tuple[str, str], ...], list[Proposal]] = {}
        for finding in self._candidates():
            answer = propose(self.state.context, finding)
            if isinstance(answer, Refusal):
                self.refused.append(answer)
            elif answer.safety == "unsafe" and not self.options.unsafe:
                self.held.append(answer)
            elif obstacle := next((o for path in sorted(answer.changes) if (o := self.options.obstacle(path))), ""):
                self.refused.append(Refusal(finding, obstacle))
            else:
                grouped.setdefault(tuple(sorted(answer.changes.items())), []).append(answer)
        return [self._change(group) for group in grouped.values()]

    def _candidates(self) -> list[Finding]:
        unwelcome = Counter(finding.fingerprint for finding in self.declined)
        found = []
        for finding in self.options.candidates(self.state):
            if finding.code not in FIXERS:
                continue
            if unwelcome[finding.fingerprint]:
                unwelcome[finding.fingerprint] -= 1
                continue
            found.append(finding)
        return found

    def _change(self, group: Sequence[Proposal]) -> Change:
        texts = self.state.texts
        edits = {path: line_edits(texts.text(path), text) for path, text in group[0].changes.items()}
        safety: Safety = "unsafe" if any(proposal.safety == "unsafe" for proposal in group) else "safe"
        return Change(tuple(proposal.finding for proposal in group), group[0].title, safety, edits)

    def failure(self, change: Change) -> Problem | None:
        """Why a change of the same lines failed in an earlier round."""
        return self._failed.get(_mark(change))

    def failed(self, change: Change, problem: Problem) -> None:
        """Remembers why a change does not stand the proof."""
        self._failed[_mark(change)] = problem

    def refuse(self, change: Change, problem: Problem) -> None:
        """Says so for each of its findings."""
        for finding in change.targets:
            if problem.path not in change.edits:
                self.refused.append(Refusal(finding, problem.reason, problem.path, problem.line))
            else:
                # the line is one of a text that nobody will see
                inside = "" if problem.path == finding.path else f" in {problem.path}"
                self.refused.append(Refusal(finding, problem.reason + inside))


class _Round:
    """Changes against one state: which of them can be made together."""

    def __init__(self, rounds: _Rounds, changes: Sequence[Change]) -> None:
        self._rounds = rounds
        self._base = rounds.state
        self._changes = changes
        self._made: list[Change] = []
        self._state = rounds.state
        #: whether a change has to wait for another round, because it touches the lines of one of this round
        self.deferred = False

    def run(self) -> bool:
        """Whether any change was made."""
        chosen: list[Change] = []
        for change in self._changes:
            problem = self._rounds.failure(change)
            if problem:
                self._rounds.refuse(change, problem)
            elif any(_clash(change, other) for other in chosen):
                self.deferred = True
            else:
                chosen.append(change)
        if self._rounds.options.ask:
            self._one_by_one(chosen, self._rounds.options.ask)
        else:
            self._settle(chosen)
        self._rounds.state = self._state
        self._rounds.applied += map(self._first_told, self._made)
        return bool(self._made)

    def _settle(self, changes: Sequence[Change]) -> None:
        """Makes as many of the changes as stand the proof together."""
        if not changes:
            return
        problems = self._try(changes)
        if not problems:
            return
        if len(changes) == 1:
            self._fail(changes[0], problems[0])
            return
        blamed = [change for change in changes if any(_to_blame(change, problem) for problem in problems)]
        if 0 < len(blamed) < len(changes):
            self._settle([change for change in changes if change not in blamed])
        else:
            blamed = list(changes)
        half = (len(blamed) + 1) // 2
        self._settle(blamed[:half])
        self._settle(blamed[half:])

    def _one_by_one(self, changes: Sequence[Change], ask: Callable[[Change, State, State], Answer]) -> None:
        for index, change in enumerate(changes):
            before, made = self._state, len(self._made)
            problems = self._try([change])
            if problems:
                self._fail(change, problems[0])
                continue
            answer = ask(self._first_told(change), before, self._state)
            if answer in ("no", "quit"):
                self._state = before
                del self._made[made:]
                self._rounds.declined += change.targets
            if answer == "quit":
                self._rounds.stopped = True
                return
            if answer == "all":
                self._rounds.options = replace(self._rounds.options, ask=None)
                self._settle(changes[index + 1 :])
                return

    def _try(self, changes: Sequence[Change]) -> Sequence[Problem]:
        """Makes changes on top of those made; they stay when nothing stands against them."""
        made = [*self._made, *changes]
        try:
            sources = self._sources(made)
        except CannotFixError as error:
            return (Problem(error.path, error.line, error.reason),)
        targets = [target for change in made for target in change.targets]
        after, problems = prove(self._rounds.bench, self._base, sources, targets)
        if problems and after is not None:
            tidy = without_unused(self._base, after)
            if tidy != sources:
                after, problems = prove(self._rounds.bench, self._base, tidy, targets)
        if not problems and after is not None:
            self._made, self._state = made, after
        return problems

    def _sources(self, changes: Sequence[Change]) -> dict[str, bytes]:
        """All files with the changes made. Raises :class:`CannotFixError`."""
        known = self._base.texts
        edits: dict[str, list[LineEdit]] = {}
        for change in changes:
            for path, lines in change.edits.items():
                edits.setdefault(path, []).extend(lines)
        texts = {path: merged(known.text(path), lines) for path, lines in edits.items()}
        sources = dict(self._base.sources)
        raw = {**sources, **{path: text.encode(errors="surrogatepass") for path, text in texts.items()}}
        for path, text in texts.items():
            old = known.text(path)
            made = relaid(old, tidied(known, path, text, raw), known.line_lengths.of(path, old))
            sources[path] = encoded(made, sources[path], path)
        return sources

    def _first_told(self, change: Change) -> Change:
        """The change with its findings as they were before the first round: nobody sees the states between."""
        return Origins(self._rounds.first, self._base).change(change)

    def _fail(self, change: Change, problem: Problem) -> None:
        self._rounds.failed(change, problem)
        self._rounds.refuse(change, problem)


def _clash(one: Change, other: Change) -> bool:
    shared = one.edits.keys() & other.edits.keys()
    return any(conflict(one.edits[path], other.edits[path]) for path in shared)


def _to_blame(change: Change, problem: Problem) -> bool:
    if problem.target is not None:
        return any(target is problem.target for target in change.targets)
    return problem.path in change.edits


def _mark(change: Change) -> object:
    """Equal for changes of the same lines for the same findings, wherever the lines are."""
    edits = tuple((path, tuple(edit.lines for edit in change.edits[path])) for path in change.paths)
    return (tuple(target.fingerprint for target in change.targets), edits)
