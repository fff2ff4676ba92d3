"""``sessionlint history``: the snapshots of the past."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sessionlint.commands.options import place, put
from sessionlint.commands.report import require_extra
from sessionlint.errors import UsageError

if TYPE_CHECKING:
    from sessionlint_reports.history.store import History

_Command = TypeVar("_Command", bound=Callable[..., Any])

_FOLDER = click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), required=False
)
_PLACE = click.option(
    "--history",
    "place_of_history",
    envvar="SESSIONLINT_HISTORY",
    metavar="FILE|URL",
    help="A SQLite file or postgresql://… URL; SESSIONLINT_HISTORY, else .sessionlint/history.db of the project.",
)
_PROJECT = click.option("--project", help="The project's name in the history; by default what git calls it.")
_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Take the policy from this file; its folder is the root."
)
_OUTPUT = click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")


def _shared(command: _Command) -> _Command:
    """The arguments every sub-command has."""
    for option in (_DEBUG, _CONFIG, _PROJECT, _PLACE, _FOLDER):
        command = option(command)
    return command


@click.group()
def history() -> None:
    """Keep snapshots of runs, fill them in from git, and get them out again."""
    require_extra()


@history.command()
@_shared
@click.option("--since", metavar="DATE", help="Only commits since this date or age, as git reads it: '3 months ago'.")
@click.option("--revision", default="HEAD", show_default=True, help="The newest commit to record.")
@click.option("--branch", help="The branch to record the commits under; by default the one checked out.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Number of processes; by default one a processor.")
def backfill(
    folder: Path,
    place_of_history: str | None,
    project: str | None,
    config: Path | None,
    debug: bool,
    since: str | None,
    revision: str,
    branch: str | None,
    jobs: int,
) -> int:
    """Record every commit of the project that holds FOLDER, measured by its policy of today.

    Git's objects are read; the work tree stays as it is. An interrupted run goes on where it stopped.
    """
    from sessionlint_reports.history.backfill import Request
    from sessionlint_reports.history.backfill import backfill as fill
    from sessionlint_reports.history.git import branch_name, project_name

    root, policy = place((folder,), config)
    request = Request(root, project or project_name(root), branch or branch_name(root), revision, since, jobs)
    with _opened(place_of_history, root) as opened, _Bar("Recording commits") as bar:
        outcome = fill(opened, request, policy, bar)
        where = opened.place
    new = f"{outcome.recorded} recorded now in {outcome.states} states of the program"
    click.echo(f"{request.project}: {outcome.commits} commits of {request.branch}, {new}, in {where}.")
    return 0


@history.command("list")
@_shared
@click.option("--all", "everything", is_flag=True, help="Every snapshot of the project, not only the trend.")
@click.option("--branch", help="The branch to show; by default the one with most snapshots.")
def list_(
    folder: Path,
    place_of_history: str | None,
    project: str | None,
    config: Path | None,
    debug: bool,
    everything: bool,
    branch: str | None,
) -> int:
    """Show the projects of a history, and the snapshots of one with --project."""
    from sessionlint_reports.history import listing

    with _existing(place_of_history, folder, config) as opened:
        if project is None:
            text = listing.projects(opened.projects())
        else:
            found = opened.snapshots(project) if everything else opened.timeline(project, branch)
            text = listing.snapshots(found)
        where = opened.place
    if not text:
        raise UsageError(f"{where} holds no snapshots{f' of {project!r}' if project else ''}.")
    click.echo(text, nl=False)
    return 0


@history.command()
@_shared
@click.option("--branch", help="The branch to export; by default the one with most snapshots.")
@click.option("--format", "output_format", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option(
    "--what",
    type=click.Choice(["snapshots", "findings"]),
    default="snapshots",
    show_default=True,
    help="One row a snapshot, or one a finding with its first and last day.",
)
@_OUTPUT
def export(
    folder: Path,
    place_of_history: str | None,
    project: str | None,
    config: Path | None,
    debug: bool,
    branch: str | None,
    output_format: str,
    what: str,
    output_file: Path | None,
) -> int:
    """Write the trend of a project, or the life of every finding, as CSV or JSON."""
    from sessionlint_reports.history import listing

    with _existing(place_of_history, folder, config) as opened:
        name = project or _only_project(opened, folder, config)
        timeline = opened.timeline(name, branch)
        if not timeline:
            raise UsageError(f"{opened.place} holds no snapshots of {name!r}.")
        rows = listing.snapshot_rows(timeline) if what == "snapshots" else listing.life_rows(opened.lives(name, branch))
    put(listing.RENDERERS[output_format](rows), output_file)
    return 0


@history.command()
@_shared
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only snapshots of commits before this day (UTC).")
@click.option("--branch", help="Only snapshots of this branch, the newest one too.")
@click.option("--keep", type=click.Choice(["day", "week", "month"]), help="Spare the last snapshot of each.")
@click.option("--dirty", is_flag=True, help="Only snapshots of work trees with uncommitted changes.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
def prune(
    folder: Path,
    place_of_history: str | None,
    project: str | None,
    config: Path | None,
    debug: bool,
    before: datetime | None,
    branch: str | None,
    keep: Any,
    dirty: bool,
    dry_run: bool,
) -> int:
    """Delete snapshots, and what only they needed. The newest one of each branch is kept."""
    from sessionlint_reports.history.pruning import Rule

    if before is None and branch is None and keep is None and not dirty:
        raise UsageError("say what to delete: --before DATE, --branch NAME, --keep week, --dirty, or several of them.")
    rule = Rule(before.replace(tzinfo=UTC) if before else None, branch, keep, dirty)
    with _existing(place_of_history, folder, config) as opened:
        name = project or _only_project(opened, folder, config)
        plan = opened.prune(name, rule, dry_run=dry_run)
    done = "would be deleted" if dry_run else "deleted"
    click.echo(f"{name}: {len(plan.deleted)} snapshots {done}, {plan.kept} kept.")
    return 0


def _opened(place_of_history: str | None, root: Path) -> History:
    from sessionlint_reports.history.store import History

    return History.open(place_of_history or History.default_place(root))


def _existing(place_of_history: str | None, folder: Path, config: Path | None) -> History:
    from sessionlint_reports.history.store import FILE, FOLDER, History

    return History.open(place_of_history or _root(folder, config) / FOLDER / FILE, create=False)


def _root(folder: Path, config: Path | None) -> Path:
    root, _ = place((folder,), config)
    return root


def _only_project(opened: History, folder: Path, config: Path | None) -> str:
    """The only project of a history, else the one of the folder."""
    from sessionlint_reports.history.git import project_name

    names = [project.name for project in opened.projects()]
    return names[0] if len(names) == 1 else project_name(_root(folder, config))


class _Bar:
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def __call__(self, done: int, total: int) -> None:
        """Shows that ``done`` of ``total`` are done."""
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr, show_pos=True)
            self._bar.render_progress()
        self._bar.update(done - self._bar.pos)
