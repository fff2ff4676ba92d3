"""``sessionlint hook``: the check as git runs it before a commit."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def hook() -> None:
    """Check what is about to be committed."""


@hook.command()
@click.argument("projects", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--debug", is_flag=True, hidden=True)
def install(projects: tuple[Path, ...], debug: bool) -> None:
    """Make git run sessionlint before every commit and merge commit.

    PROJECTS are the folders to check when the repository holds several; without any it is the working folder.
    Hooks that are there already keep working: they run first.
    """
    from sessionlint import githooks

    hooks = githooks.find_hooks_folder(Path.cwd())
    inside = [_below(project, hooks.top) for project in projects or (Path(),)]
    for line in githooks.install(hooks, inside, sys.executable):
        click.echo(line)


@hook.command()
@click.option("--debug", is_flag=True, hidden=True)
def uninstall(debug: bool) -> None:
    """Take the hooks away and put those that were there first back."""
    from sessionlint import githooks

    for line in githooks.uninstall(githooks.find_hooks_folder(Path.cwd())):
        click.echo(line)


@hook.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--project", "projects", multiple=True, type=click.Path(path_type=Path), help="A folder to check.")
@click.option("--worktree", is_flag=True, help="Check tracked files as they are on disk, not the index.")
@click.option("--debug", is_flag=True, hidden=True)
def run(files: tuple[Path, ...], projects: tuple[Path, ...], worktree: bool, debug: bool) -> int:
    """Check what would be committed: the index, whatever the disk holds.

    FILES restrict what is reported. Says nothing when all is well; what the baseline no longer needs, and a policy
    or baseline that is not staged, is named. Exit status: 0 clean, 1 findings, 2 something could not be checked.
    """
    from sessionlint import staged
    from sessionlint.formats import text
    from sessionlint.terminal import colours

    staged.pin_environment()
    status = 0
    for project in projects or (Path(),):
        checked = staged.check_tracked(project) if worktree else staged.check_index(project)
        if files:
            checked = staged.restrict_to(checked, files)
        report = checked.report
        # How the policy was inferred explains findings; before every clean commit it would only be noise.
        for note in (*(report.notes if report.exit_status else ()), *checked.forgotten):
            click.echo(note, err=True)
        if report.exit_status:
            if len(projects) > 1:
                click.echo(f"In {project}:")
            shown = text.render(report, checked.source_line, style=colours("auto", sys.stdout))
            click.echo(shown, nl=False, color=True)
        gone = sum(entry.count for entry in report.stale)
        if gone and not files:
            click.echo(f"{gone} known in {report.compared_with} but gone: run 'sessionlint baseline prune'.", err=True)
        status = max(status, report.exit_status)
    return status


def _below(project: Path, top: Path) -> str:
    resolved = project.resolve()
    if not resolved.is_relative_to(top.resolve()):
        raise click.UsageError(f"{str(project)!r} lies outside the repository {top}.")
    return resolved.relative_to(top.resolve()).as_posix()
