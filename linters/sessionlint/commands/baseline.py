"""``sessionlint baseline``: the findings a project has when it starts, which may only become fewer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sessionlint.commands.options import place
from sessionlint.errors import UsageError
from sessionlint.terminal import Progress

if TYPE_CHECKING:
    from sessionlint.gate.baseline import Known
    from sessionlint.policy import Policy
    from sessionlint.report import BaselineEntry, Report

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SHOWN = 20

_FOLDER = click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), required=False
)
_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Take the policy from this file; its folder is the root."
)
_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")


def _shared(command: _Command) -> _Command:
    """The arguments every sub-command about a project has."""
    return _FOLDER(_CONFIG(_DEBUG(command)))


@click.group()
def baseline() -> None:
    """Tolerate the findings of today, and no new ones."""


@baseline.command()
@click.option("--force", is_flag=True, help="Replace the baseline there is, even by one that tolerates more.")
@_shared
def create(folder: Path, force: bool, config: Path | None, debug: bool) -> int:
    """Write today's findings into the baseline."""
    from sessionlint.gate.baseline import NEVER_ABSORBED, entries_of, grown
    from sessionlint.gate.baseline_file import baseline_path, write
    from sessionlint.git_store import is_ignored

    root, policy = place((folder,), config)
    path = baseline_path(root, policy)
    if path.exists() and not force:
        raise UsageError(f"{path} exists already. 'sessionlint baseline prune' shrinks it; --force writes it anew.")
    before = _entries_if_usable(root, policy) if path.exists() else None
    report = _report(root, policy, None)
    if _refused(report):
        return 2
    kept = [finding for finding in report.findings if not finding.code.startswith(NEVER_ABSORBED)]
    entries = entries_of(kept)
    write(path, entries)
    files = len({finding.path for finding in kept})
    click.echo(f"{path.name} holds {_count(len(kept), 'finding')} in {_count(files, 'file')}. Commit it.")
    if is_ignored(path):
        click.echo(f"git ignores {path.name}: add '!/{path.name}' to .gitignore, or nobody else gets it.")
    if before is not None:
        more, fewer = _sum(grown(before, entries)), _sum(grown(entries, before))
        click.echo(f"Compared with the one before: {more} more, {fewer} fewer.")
    if len(kept) < len(report.findings):
        about_the_gate = _count(len(report.findings) - len(kept), "finding")
        click.echo(
            f"{about_the_gate} about the gate itself (TXN9xx) cannot be tolerated: mend the comments and policy keys "
            "that 'sessionlint check' names."
        )
    if policy is None:
        click.echo("There is no policy yet, and what is inferred may change: write it down with 'sessionlint init'.")
    return 0


@baseline.command()
@_shared
def prune(folder: Path, config: Path | None, debug: bool) -> int:
    """Take findings that are gone out of the baseline. It never grows by that."""
    from sessionlint.gate.baseline_file import baseline_path, write
    from sessionlint.gate.settling import is_conclusive, remaining
    from sessionlint.policy import Policy

    root, policy = place((folder,), config)
    known = _required(root, policy)
    report = _report(root, policy, known)
    if _refused(report):
        return 2
    if not is_conclusive(report):
        raise UsageError("the policy names what does not exist (TXN905), so that rules are silent; correct it first.")
    left = remaining(known, report, policy or Policy(root=root))
    if left != known.entries:
        write(baseline_path(root, policy), left)
    click.echo(f"{known.name}: {_count(known.total - _sum(left), 'finding')} gone, {_sum(left)} left.")
    if report.findings:
        click.echo(f"{_count(len(report.findings), 'new finding')} not added; 'sessionlint check' shows them.")
    return 0


@baseline.command(epilog="Exit status: 0 nothing new, 1 grown (or stale, with --fail-stale), 2 could not be checked.")
@click.option("--against", metavar="REV", help="Fail, too, if the file tolerates more than where the branch left REV.")
@click.option("--fail-stale", is_flag=True, help="Fail, too, if the baseline holds findings that are gone.")
@_shared
def check(folder: Path, against: str | None, fail_stale: bool, config: Path | None, debug: bool) -> int:
    """Say what is known, gone and new."""
    root, policy = place((folder,), config)
    known = _required(root, policy)
    report = _report(root, policy, known)
    if _refused(report):
        return 2
    stale = _sum(report.stale)
    click.echo(f"{known.name}: {len(report.absorbed)} known, {stale} gone, {len(report.findings)} new.")
    _list("gone", [_entry(entry) for entry in report.stale])
    _list("new", [f"{f.path}:{f.span.line}: {f.code} {f.name}" for f in report.findings])
    if stale:
        click.echo("'sessionlint baseline prune' takes out what is gone.")
    surplus = _grown_since(root, policy, known, against) if against is not None else ()
    if surplus:
        click.echo(f"{known.name} tolerates {_count(_sum(surplus), 'finding')} more than {against} did:")
        _list("more", [_entry(entry) for entry in surplus])
    return 1 if report.findings or surplus or (stale and fail_stale) else 0


@baseline.command()
@click.argument("files", nargs=-1, metavar="[BASE OURS THEIRS]", type=click.Path(dir_okay=False, path_type=Path))
@_DEBUG
def merge(files: tuple[Path, ...], debug: bool) -> int:
    """Merge two baselines by their counts.

    With three files, as git's merge driver, the result replaces OURS. Without any, the project's baseline, in which
    git left a conflict, is replaced by what both sides make together.
    """
    from sessionlint.gate.baseline_file import baseline_path, write
    from sessionlint.gate.baseline_merge import merge as merged
    from sessionlint.gate.baseline_text import parse
    from sessionlint.gate.merge_driver import sides

    if len(files) == 3:
        contents: Sequence[bytes] = [_read(path) for path in files]
        target, names = files[1], ["the base's baseline", "our baseline", "their baseline"]
    elif files:
        raise click.UsageError("name three files, BASE OURS THEIRS, or none.")
    else:
        root, policy = place((), None)
        target = baseline_path(root, policy)
        contents = sides(root, target.relative_to(root).as_posix())
        names = [f"{target.name} ({side})" for side in ("base", "ours", "theirs")]
    # git hands over an empty file for a side that has none
    entries = [parse(content, name) if content else () for content, name in zip(contents, names, strict=True)]
    result = merged(*entries)
    write(target, result)
    if not files:
        click.echo(f"{target.name}: merged, {_count(_sum(result), 'finding')}. Now: git add {target.name}")
    return 0


@baseline.command("install-merge-driver")
@_FOLDER
@_DEBUG
def install_merge_driver(folder: Path, debug: bool) -> None:
    """Let git merge baselines by itself.

    Names the driver in .gitattributes, for everybody, and its command in this clone's configuration.
    """
    from sessionlint.gate.merge_driver import install
    from sessionlint.policy import Policy

    root, policy = place((folder,), None)
    for line in install(root, (policy or Policy()).baseline, sys.executable):
        click.echo(line)


def _report(root: Path, policy: Policy | None, known: Known | None) -> Report:
    from sessionlint.run import run

    progress = Progress(sys.stderr)
    report = run(root, policy, progress=progress, baseline=known)
    progress.clear()
    for note in report.notes:
        click.echo(note, err=True)
    return report


def _refused(report: Report) -> bool:
    """Whether something could not be checked, so that nothing can be said about a baseline; says so."""
    for error in report.errors:
        click.echo(f"{error.path}:{error.line}: not checked: {error.message}", err=True)
    if report.errors:
        click.echo("The baseline stays as it is until everything can be checked.", err=True)
    return bool(report.errors)


def _required(root: Path, policy: Policy | None) -> Known:
    from sessionlint.gate.baseline_file import baseline_path, known

    found = known(root, policy)
    if found is None:
        raise UsageError(f"there is no {baseline_path(root, policy)}; 'sessionlint baseline create' writes one.")
    return found


def _entries_if_usable(root: Path, policy: Policy | None) -> tuple[BaselineEntry, ...] | None:
    from sessionlint.gate.baseline_file import known
    from sessionlint.gate.baseline_text import BaselineError

    try:
        found = known(root, policy)
    except BaselineError:
        return None
    return found.entries if found else None


def _grown_since(root: Path, policy: Policy | None, known: Known, rev: str) -> tuple[BaselineEntry, ...]:
    """What the baseline tolerates beyond the one at the merge base with ``rev``; nothing if there was none yet."""
    from sessionlint.gate.baseline import grown
    from sessionlint.revisions import Repository, known_in

    with Repository(root) as repository:
        before = known_in(repository, repository.tree(repository.merge_base(rev)), policy)
    return grown(before.entries, known.entries) if before else ()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error


def _list(what: str, lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN]:
        click.echo(f"  {what}  {line}")
    if len(lines) > _SHOWN:
        click.echo(f"  … and {len(lines) - _SHOWN} more")


def _entry(entry: BaselineEntry) -> str:
    times = f" (x{entry.count})" if entry.count > 1 else ""
    return f"{entry.path}: {entry.rule} in {entry.qualname or 'the module'}{times}"


def _sum(entries: Sequence[BaselineEntry]) -> int:
    return sum(entry.count for entry in entries)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
