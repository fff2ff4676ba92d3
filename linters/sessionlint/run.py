"""One run: files in, report out. Every adapter calls :func:`run` and adds nothing to what it finds.

The engine and the rules are imported only when something changed since the last run.
"""

from __future__ import annotations

import dataclasses
import datetime
import linecache
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sessionlint.collector import without_collector
from sessionlint.discovery import Discovery, discover
from sessionlint.fingerprint import fingerprint, identity
from sessionlint.placing import placed
from sessionlint.policy_model import Policy
from sessionlint.pytest_settings import pytest_settings
from sessionlint.report import Checked, CheckError, Finding, Report
from sessionlint.report_cache import ReportCache, cache_folder, run_key

if TYPE_CHECKING:
    from sessionlint.gate.baseline import Known
    from sessionlint.program.api import Program
    from sessionlint.rules.catalogue import RuleModule

Progress = Callable[[int, int], None]
"""Called with the number of files read so far and the number of all files."""

_INFERRED = "inferred"
# Files that could not be read are errors of the report, and comments are judged when it is settled.
_NOT_RUN = frozenset({"TXN901", "TXN902", "TXN903", "TXN904"})
_NOT_WRITTEN = frozenset({_INFERRED, "default"})
#: What says that something is opened, or made, past the session module.
_OF_OPENING = ("TXN101", "TXN102", "TXN103", "TXN104", "TXN105")
#: What is said of the policy as a whole is said once.
_OF_POLICY = ("TXN905",)


def run(
    root: Path,
    policy: Policy | None,
    *,
    paths: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
    use_cache: bool = True,
    baseline: Known | None = None,
    today: datetime.date | None = None,
) -> Report:
    """Checks the program under ``root``; without a ``policy`` one is inferred and the report's notes say so.

    ``paths`` (files or folders relative to ``root``; ``"."`` is everything) restrict what is reported,
    never what is read; a file among them is read even when something excludes it. ``select`` and
    ``ignore`` are code prefixes that override the policy. Findings that ``baseline`` knows are absorbed.
    ``today`` decides which suppressions have expired. What goes wrong with a file or a rule is an error of the
    report; the rest of the run goes on.
    """
    from sessionlint.gate.baseline_file import defines_on_disk
    from sessionlint.gate.settling import settle

    settings = (policy or Policy(root=root)).with_overrides(select, ignore)
    named = tuple(sorted({path for path in paths if path.endswith(".py") and (root / path).is_file()}))
    discovery = discover(root, settings, named)
    folder = cache_folder(root, settings.cache_dir) if use_cache else None
    # what is inferred also rests on where pytest looks for tests
    told = "" if policy else pytest_settings(root, discovery.files)
    digest = settings.cache_digest if policy else f"{_INFERRED}-{settings.cache_digest}-{told}"
    cache = ReportCache(folder, settings.cache_digest) if folder else None
    key = run_key(discovery, digest) if cache else ""
    checked = cache.load(key) if cache else None
    if checked is None:
        with without_collector():
            checked, complete = _checked(root, policy, settings, discovery, folder, progress, select, ignore)
        if cache and complete:
            cache.store(key, checked)
    report = settle(checked, settings, baseline, today or datetime.date.today(), defines_on_disk(root))
    return restrict(report, paths)


def _checked(
    root: Path,
    policy: Policy | None,
    settings: Policy,
    discovery: Discovery,
    folder: Path | None,
    progress: Progress | None,
    select: Sequence[str],
    ignore: Sequence[str],
) -> tuple[Checked, bool]:
    """What the rules and the comments say, and whether every rule did its work."""
    from sessionlint.gate.suppression_comments import read_comments

    if policy is None:
        report, complete = _checked_by_inference(root, settings, discovery, folder, progress, select, ignore)
    else:
        report, complete = _checked_in_parts(root, settings, discovery, folder, progress)
    comments = read_comments(root, report.files, forbid=settings.suppressions == "forbid")
    return Checked(report, comments), complete


def _checked_in_parts(
    root: Path, policy: Policy, discovery: Discovery, folder: Path | None, progress: Progress | None
) -> tuple[Report, bool]:
    """The report on a program that may fall apart, and whether every rule did its work."""
    from sessionlint.apart import check_apart, check_together
    from sessionlint.program.build import build_parts

    files = [path for path in discovery.files if not policy.is_excluded(path)]
    linecache.clearcache()
    built = build_parts(root, files, policy, cache_dir=folder, progress=progress)
    if len(built.parts) > 1:

        def judge(program: Program, part: frozenset[str], first: bool, before: Sequence[Finding] | None) -> Examination:
            return check_program(program, policy, sorted(part), leave=() if first else _OF_POLICY, before=before)

        report, complete = check_apart(root, built, policy, folder, judge)
    else:

        def judge_all(program: Program, before: Sequence[Finding] | None, judged: str) -> Examination:
            return check_program(program, policy, files, before=before, judged=judged)

        examined = check_together(root, built.reading, policy, folder, judge_all, built.names)
        report, complete = examined.report, examined.complete
    report = dataclasses.replace(report, notes=(*report.notes, *_names_none(policy, report)))
    return _with_discovery(report, discovery), complete


def _names_none(policy: Policy, report: Report) -> Iterator[str]:
    """A word on a written policy that approves no way to a session, where sessions are opened."""
    named = policy.session_modules or policy.session_dependencies or policy.session_contexts
    if named or policy.source in _NOT_WRITTEN or not any(f.code.startswith(_OF_OPENING) for f in report.findings):
        return
    yield (
        f"no session module: {policy.source} names none, and nothing is inferred where a policy is written, so all "
        "that opens sessions is told. Name it in session-modules, or run 'sessionlint init --force' to have the policy "
        "inferred and written anew."
    )


def _checked_by_inference(
    root: Path,
    settings: Policy,
    discovery: Discovery,
    folder: Path | None,
    progress: Progress | None,
    select: Sequence[str],
    ignore: Sequence[str],
) -> tuple[Report, bool]:
    """The same by the policy that the program itself suggests."""
    from sessionlint.apart import check_together
    from sessionlint.program.build import build_parts

    files = [path for path in discovery.files if not settings.is_excluded(path)]
    linecache.clearcache()
    built = build_parts(root, files, settings, cache_dir=folder, progress=progress)

    def judge(program: Program, before: Sequence[Finding] | None, judged: str) -> Examination:
        return check_program(program, None, files, select=select, ignore=ignore, before=before, judged=judged)

    # what is inferred is inferred of all of it
    examined = check_together(root, built.reading, settings, folder, judge, built.names)
    return _with_discovery(examined.report, discovery), examined.complete


def _with_discovery(report: Report, discovery: Discovery) -> Report:
    return dataclasses.replace(
        report,
        errors=_in_order((*discovery.errors, *report.errors)),
        notes=(*report.notes, *discovery.notes),
        statistics={**discovery.stats, **report.statistics},
    )


def infer(root: Path, files: Sequence[str]) -> tuple[Policy, tuple[str, ...]]:
    """The policy the project itself suggests, and remarks on how it was found."""
    from sessionlint.infer import infer_policy

    policy, notes = infer_policy(root, files)
    return policy, tuple(notes)


def restrict(report: Report, paths: Sequence[str]) -> Report:
    """The part of ``report`` about ``paths``; errors stay, because what was not read may matter anywhere."""
    wanted = [path.strip("/").removeprefix("./") for path in paths]
    if not wanted or "." in wanted or "" in wanted:
        return report
    folders = tuple(f"{path}/" for path in wanted)
    names = frozenset(wanted)

    def kept(path: str) -> bool:
        return path in names or path.startswith(folders)

    return dataclasses.replace(
        report,
        findings=tuple(finding for finding in report.findings if kept(finding.path)),
        suppressed=tuple(suppressed for suppressed in report.suppressed if kept(suppressed.finding.path)),
        absorbed=tuple(finding for finding in report.absorbed if kept(finding.path)),
        stale=tuple(entry for entry in report.stale if kept(entry.path)),
        files=tuple(path for path in report.files if kept(path)),
    )


class Examination(NamedTuple):
    """A solved program, the report on it, whether every rule did its work, and what the rules said.

    ``judged`` stands for the policy that they went by.
    """

    program: Program
    report: Report
    complete: bool
    found: tuple[Finding, ...]
    judged: str


def examine(
    root: Path,
    policy: Policy | None,
    discovery: Discovery,
    cache_dir: Path | None,
    progress: Progress | None,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    families: Sequence[str] = ("TXN",),
) -> Examination:
    """Builds the program of the discovered files once, infers its policy if there is none, and runs the rules.

    ``families`` are code prefixes; only enabled rules among them run.
    """
    from sessionlint.program.build import build_program

    settings = (policy or Policy(root=root)).with_overrides(select, ignore)
    files = [path for path in discovery.files if not settings.is_excluded(path)]
    # In a process that lives on, files may have changed since their lines were last asked for.
    linecache.clearcache()
    program = build_program(root, files, settings, cache_dir=cache_dir, progress=progress)
    examined = check_program(program, policy, files, select=select, ignore=ignore, families=families)
    return examined._replace(report=_with_discovery(examined.report, discovery))


def check_program(
    program: Program,
    policy: Policy | None,
    files: Sequence[str],
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    families: Sequence[str] = ("TXN",),
    leave: Sequence[str] = (),
    before: Sequence[Finding] | None = None,
    judged: str = "",
) -> Examination:
    """Runs the rules on a program of ``files`` that was solved under ``policy``; without one, infers it first.

    Enabled rules of ``families`` run, but for those that ``leave`` names.
    ``before`` is what the rules said of the program that this one differs from in ``program.changed`` only, when they
    went by the policy that ``judged`` stands for (``""``: by this one).
    """
    from sessionlint.facts.source import with_deep_stack
    from sessionlint.rules.catalogue import all_rules

    settings = program.policy
    notes: tuple[str, ...] = ()
    if policy is None:
        from sessionlint.infer import infer_from, under

        inferred, notes = infer_from(program)
        settings = inferred.with_overrides(select, ignore)
        program = under(program, settings)
    codes = tuple(families)
    wanted = [rule for rule in all_rules() if rule.META.code.startswith(codes) and settings.enabled(rule.META.code)]
    wanted = [rule for rule in wanted if rule.META.code not in _NOT_RUN and rule.META.code not in leave]
    # Rules walk the same deeply nested code that had to be read on a deep stack.
    with without_collector():
        if before is None or program.changed is None or judged not in ("", settings.digest):
            findings, crashes = with_deep_stack(lambda: check_rules(program, wanted))
        else:
            known, changed = before, program.changed | program.above
            findings, crashes = with_deep_stack(lambda: recheck_rules(program, wanted, known, changed))
    report = Report(
        findings=collect(placed(findings, program.numberings), settings, program.source_line),
        errors=_in_order((*program.errors, *crashes)),
        files=tuple(files),
        notes=tuple(notes),
        statistics=dict(program.statistics),
    )
    return Examination(program, report, not crashes, tuple(findings), settings.digest)


def _in_order(errors: Iterable[CheckError]) -> tuple[CheckError, ...]:
    return tuple(sorted(set(errors), key=lambda error: (error.path, error.line, error.message)))


def check_rules(program: Program, rules: Iterable[RuleModule]) -> tuple[list[Finding], list[CheckError]]:
    """What the rules find; a rule that fails is an error that names it, and the others still run."""
    findings: list[Finding] = []
    crashes: list[CheckError] = []
    for rule in rules:
        try:
            findings.extend(rule.check(program))
        except Exception as error:
            where = _innermost(error)
            problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            message = (
                f"the rule {rule.META.code} {rule.META.name} failed ({problem}, {where}); its findings are incomplete. "
                f"Report this, or go on without it: --ignore {rule.META.code}"
            )
            crashes.append(CheckError(rule.META.code, 1, message))
    return findings, crashes


def recheck_rules(
    program: Program, rules: Iterable[RuleModule], before: Sequence[Finding], changed: frozenset[str]
) -> tuple[list[Finding], list[CheckError]]:
    """What the rules find, when they found ``before`` in a program that differed in ``changed`` files only.

    Those above the files that differ are among them: rules look into what is called.
    """
    from sessionlint.program.focus import focused

    rules = list(rules)
    wide = frozenset(rule.META.code for rule in rules if rule.META.program_wide)
    # a trace through a changed file names lines of it
    paths = changed | {f.path for f in before if any(step.path in changed for step in f.trace)}
    kept = [finding for finding in before if finding.path not in paths and finding.code not in wide]
    local = check_rules(focused(program, paths), [rule for rule in rules if rule.META.code not in wide])
    whole = check_rules(program, [rule for rule in rules if rule.META.code in wide])
    # what a rule finds from these files in others has been found there before
    found = [finding for finding in local[0] if finding.path in paths]
    return [*kept, *found, *whole[0]], [*local[1], *whole[1]]


def _innermost(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"


def collect(findings: Iterable[Finding], policy: Policy, source_line: Callable[[str, int], str]) -> tuple[Finding, ...]:
    """The findings to report: without twins and ignored files, with severity and fingerprint, in order."""
    unique: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(findings, key=lambda finding: finding.sort_key):
        unique.setdefault((finding.code, finding.path, finding.span.line, finding.span.column), finding)
    kept = (finding for finding in unique.values() if not policy.ignored_in_file(finding.path, finding.code))
    return tuple(_identified(finding, policy, _snippet(finding, source_line)) for finding in kept)


def _identified(finding: Finding, policy: Policy, snippet: str) -> Finding:
    return dataclasses.replace(
        finding,
        severity=policy.severity_of(finding.code, finding.severity),
        fingerprint=fingerprint(finding.code, finding.path, finding.qualname, snippet),
        identity=identity(finding.code, finding.qualname, snippet),
    )


def _snippet(finding: Finding, source_line: Callable[[str, int], str]) -> str:
    span = finding.span
    lines = [source_line(span.path, number) for number in range(span.line, span.end_line + 1)]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)
