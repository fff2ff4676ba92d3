"""A repository of several programs: each is solved and judged by a process of its own, and remembered by itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.collector import without_collector
from sessionlint.forked import results_of
from sessionlint.policy_model import Policy
from sessionlint.program.api import Program
from sessionlint.program.build import Divided, Reading, lines_under, solve_part
from sessionlint.program.memo_store import solving_digest
from sessionlint.program.modules import ModuleNames
from sessionlint.program.parts import merged
from sessionlint.program.resuming import keep, resume
from sessionlint.program.solution_store import SolutionStore
from sessionlint.report import Finding, Report
from sessionlint.report_cache import PartCache, tool_digest

if TYPE_CHECKING:
    from sessionlint.run import Examination

Judge = Callable[[Program, frozenset[str], bool, "Sequence[Finding] | None"], "Examination"]
"""Has the rules judge the program of some files; the flag says whether they judge the policy itself, too.

The findings are those of the program before, where this one differs from it in some files only.
"""

JudgeWhole = Callable[[Program, "Sequence[Finding] | None", str], "Examination"]
"""The same for a whole program; the text stands for the policy that the findings go by."""

Part = frozenset[str]


class _Said(NamedTuple):
    """The report on a part, whether every rule did its work, and which files beyond the part were read for it."""

    report: Report
    complete: bool
    left: frozenset[str]
    demanded: dict[str, tuple[bytes, bytes]]


def check_apart(root: Path, divided: Divided, policy: Policy, folder: Path | None, judge: Judge) -> tuple[Report, bool]:
    """The report on all parts, and whether every rule did its work. What did not change is taken from ``folder``."""
    parts = divided.parts
    said: dict[tuple[Part, bool], _Said] = {}
    while True:
        wanted = [(part, part is parts[0]) for part in parts]
        said = {one: said[one] for one in wanted if one in said}
        _remember(divided, policy, folder, [one for one in wanted if one not in said], said)
        missing = [one for one in wanted if one not in said]
        missing.sort(key=lambda one: -sum(len(divided.reading.blobs.get(path, b"")) for path in one[0]))
        tasks = [partial(_judged, root, divided, policy, folder, judge, *one) for one in missing]
        found = results_of(tasks, meanwhile=divided.reading.cache.save)
        said |= zip(missing, found, strict=True)
        _keep(divided, policy, folder, {one: said[one] for one in missing})
        united = merged(parts, {part: said[part, first].left for part, first in wanted})
        if united == parts:
            break
        parts = united
    divided.reading.cache.save()
    return _together(divided, list(said.values())), all(one.complete for one in said.values())


def _remember(
    divided: Divided, policy: Policy, folder: Path | None, wanted: list[tuple[Part, bool]], said: dict[Any, _Said]
) -> None:
    """Adds what earlier runs said of parts that are the same."""
    cache = PartCache(folder, policy.cache_digest) if folder else None
    for one in wanted if cache else ():
        known = cache.load(min(one[0]), _key(divided, policy, *one), divided.content) if cache else None
        if known is not None:
            said[one] = _Said(known[0], True, known[1], {})


def _keep(divided: Divided, policy: Policy, folder: Path | None, said: dict[tuple[Part, bool], _Said]) -> None:
    """Stores what was said of parts, and what had to be read for it."""
    cache = PartCache(folder, policy.cache_digest) if folder else None
    for one, (report, complete, left, demanded) in said.items():
        for key, blob in demanded.values():
            if key:
                divided.reading.cache.keep(key, blob)
        if cache and complete:
            contents = {path: divided.content(path) for path in left}
            cache.store(min(one[0]), _key(divided, policy, *one), report, contents)


def _judged(
    root: Path, divided: Divided, policy: Policy, folder: Path | None, judge: Judge, part: Part, first: bool
) -> _Said:
    reading = divided.reading

    by = f"{policy.digest} {first}"

    def judged(program: Program, before: Sequence[Finding] | None, by_then: str) -> Examination:
        examined = judge(program, part, first, before if by_then == by else None)
        return examined._replace(judged=by)

    store = SolutionStore(folder, solving_digest(policy), min(part)) if folder else None
    examined, modules = solved_and_judged(root, reading, policy, folder, store, judged, part, divided.names)
    return _Said(examined.report, examined.complete, modules - part, reading.demanded)


def check_together(
    root: Path,
    reading: Reading,
    policy: Policy,
    folder: Path | None,
    judge: JudgeWhole,
    names: ModuleNames,
) -> Examination:
    """The report on a program that is solved as a whole."""
    store = SolutionStore(folder, solving_digest(policy)) if folder else None
    examined, _ = solved_and_judged(root, reading, policy, folder, store, judge, None, names)
    reading.cache.save()
    return examined


def solved_and_judged(
    root: Path,
    reading: Reading,
    policy: Policy,
    folder: Path | None,
    store: SolutionStore | None,
    judge: JudgeWhole,
    part: Part | None = None,
    names: ModuleNames | None = None,
) -> tuple[Examination, frozenset[str]]:
    """Has the rules ``judge`` what was read: the solution in ``store`` with what changed since, or a new one.

    ``judge`` is given the findings of that earlier solution, and what stands for the policy that they go by. The files
    are those that solving read.
    """
    with without_collector():
        resumed = resume(root, reading, policy, store, part, names) if store else None
        if resumed is not None:
            examined = judge(resumed.program, resumed.found, resumed.judged)
            if examined.complete:
                return examined, resumed.modules
        solver = solve_part(reading, policy, folder, part, names)
        modules = frozenset(solver.modules)  # what rules ask for may be in others
        program = Program(policy, solver, reading.errors, lines_under(root))
        examined = judge(program, None, "")
        if store is not None and examined.complete and solver.remembers:
            keep(root, reading, solver, program, store, examined.found, examined.judged, modules, part)
        return examined, modules


def _key(divided: Divided, policy: Policy, part: Part, first: bool) -> str:
    """A hash of everything the report on a part depends on."""
    hasher = hashlib.sha256(f"{tool_digest()} {policy.cache_digest} {first}\n".encode())
    hasher.update(divided.names.identity)
    for path in sorted(part):
        hasher.update(f"{path}\0{divided.content(path)}\n".encode(errors="surrogatepass"))
    return hasher.hexdigest()


def _together(divided: Divided, said: list[_Said]) -> Report:
    reports = [one.report for one in said]
    statistics: Counter[str] = Counter()
    for report in reports:
        statistics.update(report.statistics)
    findings = sorted((f for report in reports for f in report.findings), key=lambda finding: finding.sort_key)
    errors = {*divided.reading.errors, *(error for report in reports for error in report.errors)}
    return Report(
        findings=tuple(findings),
        errors=tuple(sorted(errors, key=lambda error: (error.path, error.line, error.message))),
        files=divided.files,
        notes=(),
        statistics=dict(sorted(statistics.items())),
    )
