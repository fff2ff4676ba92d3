"""``sessionlint check``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sessionlint.commands.options import codes, place, relative
from sessionlint.formats import outputs
from sessionlint.terminal import Progress, colours

if TYPE_CHECKING:
    from sessionlint.gate.baseline import Known
    from sessionlint.policy import Policy
    from sessionlint.report import Report

_CHECK_HELP = "Exit status: 0 clean, 1 findings, 2 something could not be checked."
_NO = frozenset({"", "0", "false", "no", "off"})


@click.command(epilog=_CHECK_HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "output_format", type=click.Choice(outputs.FORMATS), help="How to write the report.")
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file.")
@click.option(
    "--output", "more", multiple=True, metavar="FORMAT=PATH", help="Write one more report; '-' is standard output."
)
@click.option("--select", multiple=True, callback=codes, metavar="CODES", help="Run only these rules.")
@click.option("--ignore", multiple=True, callback=codes, metavar="CODES", help="Leave these rules out.")
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Absorb the findings in this file.")
@click.option("--no-baseline", is_flag=True, help="Absorb nothing, whatever baseline the project has.")
@click.option("--frozen/--no-frozen", default=None, help="Leave the baseline as it is. On by itself where CI is set.")
@click.option("--against", metavar="REV", help="Only what is new since the branch left REV; needs no baseline.")
@click.option("--show-suppressed", is_flag=True, help="Show what comments suppress, too.")
@click.option("--statistics", is_flag=True, help="Count findings per rule, and what stayed unknown.")
@click.option("--no-cache", is_flag=True, help="Read everything afresh and remember nothing.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even when there are findings.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="Take the policy from this file; its folder is the root."
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")
def check(
    paths: tuple[Path, ...],
    output_format: str | None,
    output_file: Path | None,
    more: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    baseline: Path | None,
    no_baseline: bool,
    frozen: bool | None,
    against: str | None,
    show_suppressed: bool,
    statistics: bool,
    no_cache: bool,
    exit_zero: bool,
    config: Path | None,
    color: str,
    debug: bool,
) -> int:
    """Check the whole program; PATHS restrict what is reported, not what is read."""
    if against is not None and baseline:
        raise click.UsageError("--against replaces the baseline; leave --baseline out.")
    root, policy = place(paths, config)
    _finish_interrupted(root, policy)
    chosen = output_format or (policy.output_format if policy else "text")
    plan = outputs.plan(chosen, output_file, more)
    run = _Run(root, policy, tuple(relative(path, root) for path in paths or (Path(),)), select, ignore, not no_cache)
    if against is not None:
        report = run.against(against)
    else:
        known = None if no_baseline else _known(root, policy, baseline)
        report = run.with_baseline(known)
        if known and run.is_whole:
            _tell_stale(run, known, report, baseline, frozen=_in_ci() if frozen is None else frozen)
    for note in report.notes:
        click.echo(note, err=True)
    if not report.files:
        click.echo(f"Warning: no Python files to check in {', '.join(map(str, paths)) or root}.", err=True)
    outputs.write(
        plan,
        report,
        root,
        style=lambda stream: colours(color, stream),
        statistics=statistics,
        show_suppressed=show_suppressed,
    )
    return 0 if exit_zero and report.exit_status == 1 else report.exit_status


@dataclass(frozen=True, slots=True)
class _Run:
    """What to check, and how."""

    root: Path
    policy: Policy | None
    paths: Sequence[str]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    use_cache: bool

    @property
    def is_whole(self) -> bool:
        """Whether all files and all rules of the policy take part."""
        return not (self.select or self.ignore) and "." in self.paths

    def with_baseline(self, known: Known | None) -> Report:
        return self._report(self.paths, known)

    def against(self, rev: str) -> Report:
        from sessionlint.against import new_since
        from sessionlint.run import restrict

        # Whatever else is named, a comparison needs both programs whole.
        whole = self._report([path for path in self.paths if path.endswith(".py")] + ["."], None)
        report = new_since(
            whole, self.root, rev, self.policy, select=self.select, ignore=self.ignore, use_cache=self.use_cache
        )
        return restrict(report, self.paths)

    def _report(self, paths: Sequence[str], known: Known | None) -> Report:
        from sessionlint.run import run

        progress = Progress(sys.stderr)
        report = run(
            self.root,
            self.policy,
            paths=paths,
            select=self.select,
            ignore=self.ignore,
            progress=progress,
            use_cache=self.use_cache,
            baseline=known,
        )
        progress.clear()
        return report


def _known(root: Path, policy: Policy | None, path: Path | None) -> Known | None:
    from sessionlint.gate.baseline_file import known

    return known(root, policy, path.absolute() if path else None)


def _finish_interrupted(root: Path, policy: Policy | None) -> None:
    """Files that a killed ``fix`` left half done are not what anybody wants to check."""
    from sessionlint.fixes.transaction import finish_interrupted

    said = finish_interrupted(root, policy)
    if said:
        click.echo(said, err=True)


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in _NO


def _tell_stale(run: _Run, known: Known, report: Report, path: Path | None, *, frozen: bool) -> None:
    """Takes entries that nothing answers to out of the baseline, or says that they are there."""
    from sessionlint.gate.baseline_file import baseline_path, write
    from sessionlint.gate.settling import is_conclusive, remaining
    from sessionlint.policy import Policy

    if not is_conclusive(report):
        return
    left = remaining(known, report, run.policy or Policy(root=run.root))
    if left == known.entries:
        return
    gone = sum(entry.count for entry in report.stale)
    if frozen:
        if gone:
            click.echo(f"{_gone(gone)}: 'sessionlint baseline prune' takes them out of {known.name}.", err=True)
        return
    write(path or baseline_path(run.root, run.policy), left)
    what = f"{_gone(gone)} and taken out of {known.name}" if gone else f"{known.name} follows the files that moved"
    click.echo(f"{what}; {sum(entry.count for entry in left)} left.", err=True)


def _gone(number: int) -> str:
    return "1 known finding is gone" if number == 1 else f"{number} known findings are gone"
