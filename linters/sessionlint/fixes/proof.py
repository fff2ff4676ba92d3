"""Whether a changed program is sound: it parses, its names are bound, the findings meant are gone, none is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sessionlint.facts.source import SourceError, parse
from sessionlint.fixes.bench import Bench, State
from sessionlint.fixes.names import import_problem, lost_names, names_in
from sessionlint.program.modules import ModuleNames
from sessionlint.report import Finding

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands against a change, at ``path:line``; ``target`` is the finding that would stay, if that is it."""

    path: str
    line: int
    reason: str
    target: Finding | None = None


def prove(
    bench: Bench, before: State, sources: Mapping[str, bytes], targets: Sequence[Finding]
) -> tuple[State | None, tuple[Problem, ...]]:
    """The state after a change that is meant to mend ``targets``, and what stands against it (nothing: it is proven).

    ``sources`` are all files after the change. There is no state when the change does not get as far as the rules.
    """
    changed = sorted(path for path, data in sources.items() if before.sources.get(path) != data)
    problems = tuple(_unsound(before, sources, changed))
    if problems:
        return None, problems
    after = bench.state(sources, unread=before.texts.unread)
    return after, (*_unread(before, after), *_unmended(before, after, targets), *_new(before, after))


def _unsound(before: State, sources: Mapping[str, bytes], changed: Sequence[str]) -> Iterator[Problem]:
    """What can be said of the texts alone."""
    names = before.texts.names
    for path in changed:
        try:
            parse(sources[path], path)
        except SourceError as error:
            yield Problem(path, error.line, f"the result would not be valid: {error.message}")
            continue
        yield from _unbound(path, before.sources[path], sources[path])
        yield from _imports(names, sources, before.sources[path], path)


def _unbound(path: str, old_data: bytes, new_data: bytes) -> Iterator[Problem]:
    old, new = names_in(path, old_data), names_in(path, new_data)
    if old is None or new is None:
        return
    for name in sorted(new.unbound - old.unbound):
        yield Problem(path, new.line_of(name), f"the result would use {name}, which nothing binds")


def _imports(names: ModuleNames, sources: Mapping[str, bytes], before: bytes, path: str) -> Iterator[Problem]:
    wrong = import_problem(names, sources, before, path)
    if wrong:
        yield Problem(path, wrong[0], f"the result would not import: {wrong[1]}")
    for other, line, name in lost_names(names, sources, before, path):
        yield Problem(path, 1, f"{other}:{line} needs {name}, which the result no longer has")


def _unread(before: State, after: State) -> Iterator[Problem]:
    for error in after.report.errors:
        if error not in before.report.errors:
            yield Problem(error.path, error.line, f"the result could not be checked: {error.message}")


def _unmended(before: State, after: State, targets: Sequence[Finding]) -> Iterator[Problem]:
    """Findings that were to be mended and are still there, perhaps in other words."""
    was, now = _counts(before.findings), _counts(after.findings)
    for key, meant in _counts(targets).items():
        left = now[key] - (was[key] - meant)
        for target in [t for t in targets if _key(t) == key][: max(0, left)]:
            yield Problem(target.path, target.span.line, "the finding would still be there", target)


def _new(before: State, after: State) -> Iterator[Problem]:
    """Findings that were not there, and those that were excused and would now count."""
    seen: set[_Key] = set()
    for was, now in ((before.findings, after.findings), (before.report.findings, after.report.findings)):
        known = Counter(finding.identity for finding in was)
        grown = _counts(now) - _counts(was)
        for key in sorted(grown.keys() - seen):
            seen.add(key)
            candidates = [finding for finding in now if _key(finding) == key]
            fresh = [finding for finding in candidates if not known[finding.identity]] or candidates
            finding = fresh[-1]
            reason = f"the result would have a new finding, {finding.code}: {finding.message.rstrip('.')}"
            yield Problem(finding.path, finding.span.line, reason)


def _counts(findings: Iterable[Finding]) -> Counter[_Key]:
    return Counter(_key(finding) for finding in findings)


def _key(finding: Finding) -> _Key:
    """What a finding shares with itself after other code of its function changed."""
    return (finding.path, finding.code, finding.qualname)
