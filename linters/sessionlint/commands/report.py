"""``sessionlint report``."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sessionlint.commands.options import place, put
from sessionlint.errors import UsageError
from sessionlint.terminal import Progress

if TYPE_CHECKING:
    from sessionlint_reports.subject import Subject

DEFAULT_FOLDER = "sessionlint-report"
_EXTRA = ("alembic", "codeowners", "jinja2", "pygments", "sqlalchemy")
_FORMATS = ["html", "markdown", "json", "csv", "badge"]


@click.command(epilog="Exit status: 0, or 2 when something could not be checked. Findings do not fail a report.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help=f"The folder of the HTML pages ({DEFAULT_FOLDER}/ of the project), or the file for another format (printed).",
)
@click.option(
    "--single-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the whole report as one HTML file, for mail and artefacts.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(_FORMATS),
    default="html",
    show_default=True,
    help="html: the pages; markdown: a summary for a pull request; json: the data of the overview; "
    "csv: the audit tables; badge: an SVG.",
)
@click.option(
    "--history",
    "place_of_history",
    envvar="SESSIONLINT_HISTORY",
    metavar="FILE|URL",
    help="A SQLite file or postgresql://… URL; SESSIONLINT_HISTORY, else .sessionlint/history.db of the project.",
)
@click.option("--no-history", is_flag=True, help="Neither record this run nor look at earlier ones.")
@click.option("--project", help="The project's name in the history; by default what git calls it.")
@click.option(
    "--targets",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Target dates for the progress page (sessionlint-targets.toml of the project, if there is one).",
)
@click.option("--no-cache", is_flag=True, help="Read everything afresh and remember nothing.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="Take the policy from this file; its folder is the root."
)
@click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")
def report(
    folder: Path,
    output: Path | None,
    single_file: Path | None,
    output_format: str,
    place_of_history: str | None,
    no_history: bool,
    project: str | None,
    targets: Path | None,
    no_cache: bool,
    config: Path | None,
    debug: bool,
) -> int:
    """Check the project that holds FOLDER, remember the result, and write the compliance report."""
    require_extra()
    from sessionlint_reports.capture import capture, subject_of
    from sessionlint_reports.history.store import History
    from sessionlint_reports.targets import FILE_NAME, read_targets

    if single_file and output_format != "html":
        raise UsageError("--single-file writes HTML; use --output FILE with another --format.")
    root, policy = place((folder,), config)
    stated = targets or (root / FILE_NAME if (root / FILE_NAME).is_file() else None)
    promised = read_targets(stated) if stated else ()
    progress = Progress(sys.stderr)
    captured = capture(root, policy, project=project, progress=progress, use_cache=not no_cache)
    progress.clear()
    for note in captured.notes:
        click.echo(note, err=True)
    for error in captured.snapshot.errors:
        click.echo(f"{error.path}:{error.line}: not checked: {error.message}", err=True)
    with contextlib.ExitStack() as stack:
        history = None
        if not no_history:
            history = stack.enter_context(History.open(place_of_history or History.default_place(root)))
        subject = subject_of(captured.snapshot, history, promised)
    if output_format == "html":
        _write_pages(subject, root, output, single_file)
    else:
        put(_text(subject, output_format), output)
    return 2 if captured.snapshot.errors else 0


def require_extra() -> None:
    """Raises :class:`UsageError` with the remedy when the packages of the ``report`` extra are missing."""
    try:
        for package in _EXTRA:
            importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the report needs {error.name}, which is not installed: pip install 'sessionlint[report]'."
        ) from error


def _write_pages(subject: Subject, root: Path, output: Path | None, single_file: Path | None) -> None:
    from sessionlint_reports.site import write_book, write_site

    totals = subject.snapshot.totals
    click.echo(f"{totals.compliance_percent:g}% of {totals.files} files compliant, {totals.debt} findings to mend.")
    if single_file:
        size = write_book(subject, single_file)
        click.echo(f"Wrote {single_file} ({_size(size)}).")
    if output or not single_file:
        folder = output or root / DEFAULT_FOLDER
        size = write_site(subject, folder)
        click.echo(f"Wrote {folder / 'index.html'} ({_size(size)} in the folder).")


def _text(subject: Subject, output_format: str) -> str:
    from sessionlint.inventory import render as tables
    from sessionlint_reports import badge, summary
    from sessionlint_reports.render import as_json
    from sessionlint_reports.views.audit import inventory_of
    from sessionlint_reports.views.overview import overview_page
    from sessionlint_reports.views.page import Rows

    if output_format == "markdown":
        return summary.markdown(subject)
    if output_format == "csv":
        return tables.as_csv(inventory_of(subject))
    if output_format == "badge":
        return badge.svg(subject.snapshot.totals.compliance_percent)
    return as_json(overview_page(subject, Rows(subject)).data)


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB" if number >= 1_000_000 else f"{number / 1_000:.0f} kB"
