"""Fixes for one finding or one file, proven before anybody sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sessionlint.fixable import FIXERS
from sessionlint.fixes.bench import Bench, State
from sessionlint.fixes.catalogue import propose
from sessionlint.fixes.model import Proposal, Refusal
from sessionlint.fixes.rounds import Answer, Change, Options, Outcome, repair
from sessionlint.report import Finding


class OutdatedError(Exception):
    """The program changed while a fix was being proven."""


@dataclass(frozen=True, slots=True)
class Mended:
    """New contents of files (path to bytes before and after); ``reason`` says why there are none."""

    contents: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    reason: str = ""


def proposal(state: State, finding: Finding) -> Proposal | Refusal | None:
    """What the rule's fixer says of a finding of ``state``, not proven yet; None when the rule has none."""
    return propose(state.context, finding) if finding.code in FIXERS else None


def mend(bench: Bench, state: State, finding: Finding, outdated: Callable[[], bool]) -> Mended:
    """Mends this one finding. Raises :class:`OutdatedError`."""
    one = _OnlyOne(finding, outdated)
    outcome = repair(bench, state, Options(wanted=one.wanted, unsafe=True, ask=one.answer))
    if outcome.changed:
        return _mended(outcome)
    reasons = (f"{refusal.reason} ({refusal.place})" for refusal in outcome.refused if _is(refusal.finding, finding))
    return Mended(reason=next(reasons, "the fix is not proven to be right"))


def mend_all(bench: Bench, state: State, wanted: Callable[[Finding], bool], outdated: Callable[[], bool]) -> Mended:
    """Mends what is ``wanted`` and safe. Raises :class:`OutdatedError`."""

    def still_wanted(finding: Finding) -> bool:
        if outdated():
            raise OutdatedError
        return wanted(finding)

    outcome = repair(bench, state, Options(wanted=still_wanted))
    return _mended(outcome) if outcome.changed else Mended(reason="nothing here can be fixed safely")


def _mended(outcome: Outcome) -> Mended:
    before, after = outcome.before.sources, outcome.after.sources
    return Mended({path: (before[path], after[path]) for path in outcome.changed})


def _is(one: Finding, other: Finding) -> bool:
    # the steps of a trace may be shown elsewhere than the program has them
    return (one.code, one.span) == (other.code, other.span)


@dataclass
class _OnlyOne:
    """Takes the first change for one finding and no other: its twins stay as they are."""

    finding: Finding
    outdated: Callable[[], bool]
    taken: bool = False

    def wanted(self, finding: Finding) -> bool:
        if self.outdated():
            raise OutdatedError
        return not self.taken and _is(finding, self.finding)

    def answer(self, change: Change, before: State, after: State) -> Answer:
        self.taken = True
        return "yes"
