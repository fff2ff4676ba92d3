"""``sessionlint fix``."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sessionlint.commands.options import codes, place, relative
from sessionlint.errors import UsageError
from sessionlint.terminal import colours

if TYPE_CHECKING:
    from sessionlint.fixes.bench import Bench, State
    from sessionlint.fixes.plan import Step
    from sessionlint.fixes.rounds import Answer, Change, Options, Outcome
    from sessionlint.formats.text import Style
    from sessionlint.policy import Policy
    from sessionlint.report import CheckError, Finding

_ANSWERS: dict[str, Answer] = {"y": "yes", "n": "no", "a": "all", "q": "quit"}
_EPILOG = "Exit status: 0 nothing is left to fix, 1 findings are left (or --diff would change something), 2 errors."


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--diff", "show_diff", is_flag=True, help="Show what would change; write nothing.")
@click.option("--unsafe", is_flag=True, help="Also move transaction boundaries and sessions' lives as the rules ask.")
@click.option("--select", multiple=True, callback=codes, metavar="CODES", help="Fix only these rules.")
@click.option("--ignore", multiple=True, callback=codes, metavar="CODES", help="Leave these rules out.")
@click.option("--interactive", is_flag=True, help="Show every change and ask.")
@click.option("--plan", "as_plan", is_flag=True, help="Show the fixes as steps to review one by one; write nothing.")
@click.option("--commit", "do_commit", is_flag=True, help="With --plan: write every step and commit it.")
@click.option("--allow-dirty", is_flag=True, help="Also change files with changes that are not in git.")
@click.option("--include-baselined", is_flag=True, help="Also fix what the baseline absorbs.")
@click.option("--include-suppressed", is_flag=True, help="Also fix what comments suppress, and remove the comments.")
@click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 when something was fixed.")
@click.option("--no-cache", is_flag=True, help="Read everything afresh.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="Take the policy from this file; its folder is the root."
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")
def fix(
    paths: tuple[Path, ...],
    show_diff: bool,
    unsafe: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    interactive: bool,
    as_plan: bool,
    do_commit: bool,
    allow_dirty: bool,
    include_baselined: bool,
    include_suppressed: bool,
    exit_non_zero_on_fix: bool,
    no_cache: bool,
    config: Path | None,
    color: str,
    debug: bool,
) -> int:
    """Fix what can be proven; PATHS restrict whose findings are fixed, not what is read or changed with them."""
    _needs_extra()
    _agree(show_diff, interactive, as_plan, do_commit, allow_dirty)
    root, policy = place(paths, config)
    from sessionlint.fixes.rounds import Options
    from sessionlint.fixes.transaction import finish_interrupted
    from sessionlint.fixes.worktree import obstacle_in

    _note(finish_interrupted(root, policy))
    project = _project(root, policy, (select, ignore), use_cache=not no_cache)
    options = Options(
        wanted=_wanted([relative(path, root) for path in paths or (Path(),)], project.chosen),
        unsafe=unsafe,
        obstacle=obstacle_in(root, allow_dirty=allow_dirty),
        include_absorbed=include_baselined,
        include_suppressed=include_suppressed,
    )
    for error in project.errors:
        click.echo(f"{error.path}:{error.line}: not checked: {error.message}", err=True)
    style = colours(color, sys.stdout)
    if as_plan:
        outcome = _planned(project, options, style, write=do_commit, diffs=show_diff)
        would = not do_commit
    else:
        outcome = _fixed(project, options, style, interactive=interactive, write=not show_diff)
        would = show_diff
    if project.errors:
        return 2
    left = options.candidates(outcome.after)
    return int(bool(left) or (bool(outcome.changed) and (would or exit_non_zero_on_fix)))


@dataclass(frozen=True, slots=True)
class _Project:
    """The project as it is on disk, solved; ``chosen`` is the policy whose findings are to be fixed.

    ``errors`` are about what could not be checked.
    """

    root: Path
    policy: Policy
    chosen: Policy
    bench: Bench
    state: State
    errors: tuple[CheckError, ...]


def _needs_extra() -> None:
    try:
        import filelock  # noqa: F401
        import packaging  # noqa: F401
        import pyflakes  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'sessionlint[fix]'") from None


def _agree(diff: bool, interactive: bool, plan: bool, commit: bool, allow_dirty: bool) -> None:
    if commit and not plan:
        raise click.UsageError("--commit makes the steps of a plan: add --plan.")
    if commit and diff:
        raise click.UsageError("--diff writes nothing and --commit does: leave one of them out.")
    if commit and allow_dirty:
        raise click.UsageError("--commit would commit changes that are not ours: commit or stash them first.")
    if interactive and (plan or diff):
        raise click.UsageError("--interactive asks about single fixes: leave --plan and --diff out.")


def _project(
    root: Path, policy: Policy | None, overrides: tuple[Sequence[str], Sequence[str]], *, use_cache: bool
) -> _Project:
    from sessionlint.codes import CODES
    from sessionlint.discovery import discover, unread_in
    from sessionlint.facts.cache import FactsCache
    from sessionlint.facts.reading import read_or_error
    from sessionlint.fixes.bench import Bench
    from sessionlint.gate.baseline_file import known
    from sessionlint.policy import Policy
    from sessionlint.report import CheckError
    from sessionlint.report_cache import cache_folder
    from sessionlint.run import infer

    discovery = discover(root, policy or Policy(root=root))
    settings = policy
    if settings is None:
        settings, notes = infer(root, discovery.files)
        _note("\n".join(notes))
    _note("\n".join(discovery.notes))
    # all rules have a say in what is new, and those chosen though the policy leaves them off as well
    chosen = settings.with_overrides(*overrides)
    off = [code for code in CODES if chosen.enabled(code) and not settings.enabled(code)]
    if off:
        settings = dataclasses.replace(
            settings,
            extend_select=(*settings.extend_select, *off),
            ignore=tuple(code for code in settings.ignore if code not in off),
            stated=chosen.stated,
        )
    cache = FactsCache(cache_folder(root, settings.cache_dir) if use_cache else None)
    bench = Bench(root, settings, known=known(root, policy), cache=cache)
    read = {path: read_or_error(root, path) for path in discovery.files if not settings.is_excluded(path)}
    sources = {path: data for path, data in read.items() if not isinstance(data, CheckError)}
    errors = {*discovery.errors, *(error for error in read.values() if isinstance(error, CheckError))}
    state = bench.state(sources, unread=unread_in(root, errors))
    cache.save()
    told = sorted({*errors, *state.report.errors}, key=lambda error: (error.path, error.line, error.message))
    return _Project(root, settings, chosen, bench, state, tuple(told))


def _wanted(paths: Sequence[str], chosen: Policy) -> Callable[[Finding], bool]:
    whole = "." in paths
    folders = tuple(f"{path}/" for path in paths)

    def wanted(finding: Finding) -> bool:
        if not chosen.enabled(finding.code):
            return False
        return whole or finding.path in paths or finding.path.startswith(folders)

    return wanted


def _fixed(project: _Project, options: Options, style: Style, *, interactive: bool, write: bool) -> Outcome:
    from sessionlint.fixes import telling
    from sessionlint.fixes.rounds import repair

    if interactive:
        options = dataclasses.replace(options, ask=_asking(style))
    outcome = repair(project.bench, project.state, options)
    if write:
        _write(project, outcome)
    else:
        click.echo(telling.diff(outcome.before, outcome.after, style), nl=False, color=True)
    said = telling.story(outcome, style, would=not write) + telling.totals(outcome, options, style, would=not write)
    click.echo(said, nl=False, err=not write, color=True)
    return outcome


def _planned(project: _Project, options: Options, style: Style, *, write: bool, diffs: bool) -> Outcome:
    from sessionlint.fixes import telling
    from sessionlint.fixes.plan import planned

    if write:
        _needs_git(project.root)
    steps, outcome = planned(project.bench, project.state, options)
    click.echo(telling.steps(steps, style, diffs=diffs), nl=False, color=True)
    if write:
        for number, step in enumerate(steps, start=1):
            name = _commit(project, step)
            click.echo(f"Step {number} of {len(steps)} is commit {name}.")
    if steps:
        click.echo()
    said = telling.story(dataclasses.replace(outcome, applied=()), style, would=not write)
    click.echo(said + telling.totals(outcome, options, style, would=not write), nl=False, color=True)
    return outcome


def _write(project: _Project, outcome: Outcome) -> None:
    from sessionlint.fixes.transaction import journal_folder, write_together, writes_of

    writes = writes_of(outcome.before.sources, outcome.after.sources)
    if writes:
        write_together(project.root, journal_folder(project.root, project.policy), writes)


def _commit(project: _Project, step: Step) -> str:
    """Writes a step and commits it; puts the files back when git does not take them."""
    from sessionlint.fixes import worktree
    from sessionlint.fixes.telling import commit_message
    from sessionlint.fixes.transaction import journal_folder, restore, writes_of
    from sessionlint.git_store import RevisionError

    _write(project, step.outcome)
    try:
        return worktree.commit(project.root, step.outcome.changed, commit_message(step))
    except RevisionError as error:
        writes = writes_of(step.outcome.before.sources, step.outcome.after.sources)
        restore(project.root, journal_folder(project.root, project.policy), writes)
        raise UsageError(f"the step {step.subject!r} was taken back, because git did not commit it: {error}") from error


def _needs_git(root: Path) -> None:
    from sessionlint.fixes.worktree import is_repository

    if not is_repository(root):
        raise click.UsageError(f"--commit needs a git repository, and {root} is in none.")


def _asking(style: Style) -> Callable[[Change, State, State], Answer]:
    from sessionlint.fixes import telling

    def ask(change: Change, before: State, after: State) -> Answer:
        click.echo(telling.question(change, before, after, style), nl=False, color=True)
        choice = click.prompt(
            "Fix it? [y]es, [n]o, [a]ll from here, [q]uit", type=click.Choice(list(_ANSWERS)), show_choices=False
        )
        click.echo()
        return _ANSWERS[choice]

    return ask


def _note(text: str) -> None:
    if text:
        click.echo(text, err=True)
