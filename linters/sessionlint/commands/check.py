"""``sessionlint check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sessionlint.commands.options import codes, place, put, relative
from sessionlint.terminal import Progress, colours

if TYPE_CHECKING:
    from sessionlint.report import Report

_CHECK_HELP = "Exit status: 0 clean, 1 findings, 2 something could not be checked."


@click.command(epilog=_CHECK_HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), help="How to write the report.")
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file.")
@click.option("--select", multiple=True, callback=codes, metavar="CODES", help="Run only these rules.")
@click.option("--ignore", multiple=True, callback=codes, metavar="CODES", help="Leave these rules out.")
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
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    statistics: bool,
    no_cache: bool,
    exit_zero: bool,
    config: Path | None,
    color: str,
    debug: bool,
) -> int:
    """Check the whole program; PATHS restrict what is reported, not what is read."""
    from sessionlint.run import run

    root, policy = place(paths, config)
    progress = Progress(sys.stderr)
    report = run(
        root,
        policy,
        paths=[relative(path, root) for path in paths or (Path(),)],
        select=select,
        ignore=ignore,
        progress=progress,
        use_cache=not no_cache,
    )
    progress.clear()
    for note in report.notes:
        click.echo(note, err=True)
    if not report.files:
        click.echo(f"Warning: no Python files to check in {', '.join(map(str, paths)) or root}.", err=True)
    chosen = output_format or (policy.output_format if policy else "text")
    _write(report, root, chosen, output_file, statistics, color)
    return 0 if exit_zero and report.exit_status == 1 else report.exit_status


def _write(
    report: Report, root: Path, output_format: str, output_file: Path | None, statistics: bool, color: str
) -> None:
    if output_format == "json":
        from sessionlint.formats import json_report

        text = json_report.render(report)
        if statistics:
            for name, count in sorted(report.statistics.items()):
                click.echo(f"{name}: {count}", err=True)
    else:
        from sessionlint.formats import text as text_report
        from sessionlint.sources import SourceLines

        style = colours(color, sys.stdout if output_file is None else None)
        text = text_report.render(report, SourceLines(root), style=style, statistics=statistics)
    put(text, output_file)
