"""One program and its policy, checked state after state."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sessionlint.codes import CODES
from sessionlint.discovery import unread_in
from sessionlint.engine import Engine
from sessionlint.errors import PolicyError, UsageError
from sessionlint.facts.cache import FactsCache
from sessionlint.fixes.bench import Bench, State
from sessionlint.gate.baseline import Known, compare
from sessionlint.gate.baseline_file import baseline_path, known
from sessionlint.gate.baseline_text import BaselineError
from sessionlint.gate.definitions import defined_in
from sessionlint.infer import infer_from
from sessionlint.patterns import regex
from sessionlint.policy import Policy, locate
from sessionlint.policy_file import policy_in
from sessionlint.report import CheckError, Finding, Report, Span
from sessionlint.report_cache import cache_folder
from sessionlint.server.buffers import Buffer, Drift, drafted, drifted, error_in
from sessionlint.server.disk import Disk
from sessionlint.sources import SourceLines

POLICY_FILES = ("sessionlint.toml", "pyproject.toml")
NOT_CHECKED = "TXN901"
MISTAKE = "policy"
"""Stands in place of a code where a policy or a baseline is not usable."""

_LINE = regex(r"(?:line (\d+): )|.*\(at line (\d+), column \d+\)", re.S)
_TO_THE_END = 10_000


@dataclass(frozen=True, slots=True)
class Checkup:
    """What there is to say about a project's files.

    ``findings`` (by path) hold mistakes in the policy and files that could not be checked, too. ``state`` is what the
    fixes start from; None when the project cannot be checked. ``notices`` are errors that belong to no file.
    """

    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    line_of: Callable[[str, int], str | None] = lambda _path, _line: None
    state: State | None = None
    notices: tuple[str, ...] = ()


class Project:
    """The project under ``root``; used by one thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.policy: Policy | None = None
        self.bench: Bench | None = None
        self.inferred: tuple[str, ...] = ()
        self._stated = False
        self._disk = Disk(root)
        self._known: Known | None = None
        self._mistakes: tuple[Finding, ...] = ()
        self._parsed: dict[str, bytes] = {}
        self._survey: Engine | None = None
        self._must_infer = True
        self._begun = datetime.date.min

    def rescan(self) -> None:
        """Reads policy, baseline and changed files from the disk; the last policy without mistakes stays in force."""
        self._mistakes = ()
        try:
            policy = locate(self.root).policy
        except PolicyError as error:
            self._mistakes = mistakes_in(error.source, error.problems, self.root)
            if self.policy is None:
                return
        else:
            self._adopt(policy)
        settings = self.policy or Policy(root=self.root)
        self._must_infer |= self._disk.scan(settings)
        try:
            self._known = known(self.root, settings)
        except BaselineError as error:
            name = baseline_path(self.root, settings).relative_to(self.root).as_posix()
            self._mistakes += mistakes_in(name, str(error).splitlines(), self.root)

    def _adopt(self, policy: Policy | None) -> None:
        if policy is None and not self._stated and self.policy is not None:
            return
        self._stated = policy is not None
        if policy != self.policy:
            self.policy, self.bench = policy, None
        self._must_infer = policy is None

    def path_of(self, file: Path) -> str | None:
        """``file`` relative to the root; None when it lies outside."""
        return file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else None

    def check(self, buffers: Mapping[str, Buffer]) -> Checkup:
        """What there is to say with these open files (by path relative to the root) in place of those on disk."""
        line_of = SourceLines(self.root, lambda path: buffers[path].data if path in buffers else self._content(path))
        mistakes = self._mistakes_while_typing(buffers)
        if self.policy is None and self._mistakes:
            return Checkup(_by_path(mistakes), line_of)
        sources, errors, drifts = self._sources(buffers)
        bench = self._bench_for(sources)
        unread = unread_in(self.root, self._disk.errors) - sources.keys()
        state = bench.state(sources, unread=unread, edit=True)
        report = self._settled(state)
        files, notices = _split(errors + state.report.errors + self._disk.errors, {*sources, *buffers}, self.root)
        present = (moved for finding in report.findings if (moved := drifted(finding, drifts)))
        return Checkup(_by_path([*mistakes, *files, *present]), line_of, state, notices)

    def save_cache(self) -> None:
        """Keeps what was read for the next start, and for the command line."""
        self._cache.save()

    @cached_property
    def folder(self) -> Path | None:
        """The project's cache folder; None where nothing can be written."""
        try:
            return cache_folder(self.root, (self.policy or Policy(root=self.root)).cache_dir)
        except UsageError:
            return None  # check says what is wrong with it

    @cached_property
    def _cache(self) -> FactsCache:
        return FactsCache(self.folder)

    def _content(self, path: str) -> bytes:
        content = self._disk.contents.get(path)
        return (self.root / path).read_bytes() if content is None else content

    def _sources(
        self, buffers: Mapping[str, Buffer]
    ) -> tuple[dict[str, bytes], tuple[CheckError, ...], dict[str, Drift]]:
        """All files of the program, what is wrong in open ones, and how far those are from what stands for them."""
        settings = self.policy or Policy(root=self.root)
        sources = dict(self._disk.contents)
        errors: list[CheckError] = []
        drifts: dict[str, Drift] = {}
        parsed: dict[str, bytes] = {}
        for path, buffer in buffers.items():
            if not self._disk.takes(path, settings):
                continue
            last = self._parsed.get(path, self._disk.contents.get(path))
            # the program reads the file next, and what was read is not read again
            draft = drafted(path, buffer, last, self.bench.error_in if self.bench else error_in)
            sources[path] = parsed[path] = draft.parsed
            if draft.error:
                errors.append(draft.error)
            if draft.drift:
                drifts[path] = draft.drift
        self._parsed = parsed
        return sources, tuple(errors), drifts

    def _bench_for(self, sources: Mapping[str, bytes]) -> Bench:
        today = datetime.date.today()
        if not self._stated and self._must_infer:
            self._infer(sources)
        if self.bench is None or today != self._begun:
            assert self.policy is not None
            self.bench = Bench(self.root, self.policy, today=today, cache=self._cache)
            self._begun = today
        return self.bench

    def _infer(self, sources: Mapping[str, bytes]) -> None:
        if self._survey is None:
            self._survey = Engine(self.root, None, self._cache)
        policy, notes = infer_from(self._survey.solve(sources))
        self._must_infer = False
        if policy != self.policy:
            self.policy, self.bench, self.inferred = policy, None, tuple(notes)

    def _settled(self, state: State) -> Report:
        """The state's report without what the baseline absorbs; kept out of the bench, for baselines come and go."""
        if self._known is None:
            return state.report

        def defines(path: str, qualname: str) -> bool:
            return path in state.sources and defined_in(state.sources[path], path, qualname)

        comparison = compare(state.report.findings, self._known.entries, state.report.files, defines)
        return dataclasses.replace(state.report, findings=comparison.new, absorbed=comparison.absorbed)

    def _mistakes_while_typing(self, buffers: Mapping[str, Buffer]) -> list[Finding]:
        """Mistakes in policy files: of open ones as they are, of others as the disk has them."""
        found = [mistake for mistake in self._mistakes if mistake.path not in buffers]
        for name in POLICY_FILES:
            if name not in buffers:
                continue
            try:
                policy_in(buffers[name].data, name, self.root)
            except PolicyError as error:
                found += mistakes_in(name, error.problems, self.root)
        found += [m for m in self._mistakes if m.path in buffers and m.path not in POLICY_FILES]
        return found


def mistakes_in(source: str, problems: Iterable[str], root: Path) -> tuple[Finding, ...]:
    """Findings for mistakes in the file ``source`` (its name, or its whole path); each names its line, if any."""
    path = Path(source)
    name = path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else source
    found = []
    for problem in problems:
        text = problem.removeprefix(f"{source}: ")
        match = _LINE.match(text)
        line = int(match[1] or match[2]) if match else 1
        said = text[match.end(0) :] if match and match[1] else text
        found.append(Finding(MISTAKE, "policy-mistake", Span(name, line, 1, line, _TO_THE_END), said))
    return tuple(found)


def _split(errors: Iterable[CheckError], files: set[str], root: Path) -> tuple[list[Finding], tuple[str, ...]]:
    """Errors as findings in the files they are about, and those that are about no file."""
    found: list[Finding] = []
    notices: list[str] = []
    for error in dict.fromkeys(errors):
        if error.path in files or (root / error.path).is_file():
            span = Span(error.path, error.line, error.column, error.line, _TO_THE_END)
            found.append(Finding(NOT_CHECKED, CODES[NOT_CHECKED], span, f"This file is not checked: {error.message}"))
        else:
            notices.append(f"{error.path}: {error.message}")
    return found, tuple(notices)


def _by_path(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.path, []).append(finding)
    return {path: tuple(sorted(listed, key=lambda f: f.sort_key)) for path, listed in sorted(found.items())}
