"""A plan: fixes in steps that can be reviewed one by one, each a service with its owners, or one file.

Every step leaves the program lawful: it is a repair of its own, proven against the state the steps before it left.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sessionlint.fixes.bench import Bench, State
from sessionlint.fixes.origins import Origins
from sessionlint.fixes.rounds import Change, Options, Outcome, repair
from sessionlint.program.model import FunctionInfo
from sessionlint.report import Finding

_OWNERS = frozenset({"endpoint", "router", "background", "dependency"})


@dataclass(frozen=True, slots=True)
class Step:
    """One reviewable step: what it is about, how it went, and its changes with their places before the first step."""

    subject: str
    outcome: Outcome
    planned: tuple[Change, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that were made, in order, with their places before this step."""
        return self.outcome.applied


@dataclass(frozen=True, slots=True)
class _Unit:
    """Functions (path, qualified name) that belong together; ``path`` is a file that belongs to it whole."""

    subject: str
    path: str
    owners: frozenset[tuple[str, str]] = frozenset()

    def holds(self, finding: Finding) -> bool:
        if finding.path == self.path:
            return True
        return any(
            finding.path == path and (finding.qualname == name or finding.qualname.startswith(f"{name}."))
            for path, name in self.owners
        )


def planned(bench: Bench, state: State, options: Options) -> tuple[tuple[Step, ...], Outcome]:
    """The steps that change something, and the outcome of all of them together."""
    steps: list[Step] = []
    current = state
    for unit in (*_units(state, options), None):
        wanted = options.wanted if unit is None else _both(options.wanted, unit)
        outcome = repair(bench, current, dataclasses.replace(options, wanted=wanted))
        if outcome.applied:
            changes = tuple(map(Origins(state, current).change, outcome.applied))
            steps.append(Step(unit.subject if unit else "the rest", outcome, changes))
            current = outcome.after
    whole = dataclasses.replace(
        outcome, before=state, applied=tuple(change for step in steps for change in step.planned)
    )
    return tuple(steps), whole


def _both(wanted: Callable[[Finding], bool], unit: _Unit) -> Callable[[Finding], bool]:
    return lambda finding: wanted(finding) and unit.holds(finding)


def _units(state: State, options: Options) -> Iterator[_Unit]:
    """Services with the functions that call them first, then what findings lie in, file by file."""
    program = state.context.program
    concerned = [finding for finding in state.findings if options.wanted(finding)]
    owners: dict[str, set[tuple[str, str]]] = {}
    for event in program.events("call"):
        callee = event.callee
        if callee is None or program.role(callee) != "service" or program.role(event.function) not in _OWNERS:
            continue
        owners.setdefault(callee.path, set()).add((event.path, _outermost(event.function).qualname))
    for service in sorted(owners):
        unit = _Unit(_subject(service, owners[service]), service, frozenset(owners[service]))
        if any(unit.holds(finding) for finding in concerned):
            yield unit
    for path in sorted({finding.path for finding in concerned}):
        yield _Unit(path, path)


def _outermost(function: FunctionInfo) -> FunctionInfo:
    while function.parent is not None and function.parent.name != "<module>":
        function = function.parent
    return function


def _subject(service: str, owners: Iterable[tuple[str, str]]) -> str:
    files = sorted({path for path, _ in owners})
    return f"{service} and its owners in {', '.join(files)}"
