"""Fixing projects held in memory, for the tests of every fixer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sessionlint.engine import Engine
from sessionlint.fixes.bench import Bench
from sessionlint.fixes.catalogue import propose
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, Refusal
from sessionlint.fixes.rounds import Change, Options, Outcome, repair
from sessionlint.fixes.texts import Texts
from sessionlint.report import Finding
from sessionlint.rules import examples
from sessionlint.run import check_program


def context_of(files: Mapping[str, str], policy: Mapping[str, object] | None = None) -> Context:
    """The example project (session module, models, settings) with these files, solved and checked."""
    sources = {path: text.encode() for path, text in {**examples.SUPPORT, **files}.items()}
    settings = examples.policy_for(policy or {})
    program = Engine(settings.root, settings).solve(sources)
    texts = Texts(sources, settings, program.solver.names)
    return Context(program, texts, check_program(program, settings, sorted(sources)).report.findings)


def proposals(context: Context, code: str) -> Sequence[Proposal | Refusal]:
    """What the fixer of ``code`` says about each of its findings, in order."""
    return [propose(context, finding) for finding in context.findings if finding.code == code]


@dataclass(frozen=True)
class Fixed:
    """What came of fixing: the files that were given, as they are now, and what was done, refused and left."""

    files: Mapping[str, str]
    applied: Sequence[Change]
    refused: Sequence[Refusal]
    findings: Sequence[Finding]
    outcome: Outcome

    @property
    def reasons(self) -> list[str]:
        """The refusals as ``code place: reason``."""
        return [f"{r.finding.code} {r.place}: {r.reason}" for r in self.refused]


def fixed(
    files: Mapping[str, str],
    *,
    select: Sequence[str] = ("TXN",),
    unsafe: bool = True,
    policy: Mapping[str, object] | None = None,
    root: Path | None = None,
) -> Fixed:
    """Fixes the example project with these files to the fixed point, every change proven.

    ``root`` is a folder with what else the project has on disk: its requirement files.
    """
    sources = {path: text.encode() for path, text in {**examples.SUPPORT, **files}.items()}
    settings = examples.policy_for(policy or {})
    bench = Bench(root or settings.root, settings)
    options = Options(wanted=lambda finding: finding.code.startswith(tuple(select)), unsafe=unsafe)
    outcome = repair(bench, bench.state(sources), options)
    texts = {path: outcome.after.sources[path].decode() for path in files}
    left = [finding for finding in outcome.after.findings if finding.code.startswith(tuple(select))]
    return Fixed(texts, outcome.applied, outcome.refused, left, outcome)
