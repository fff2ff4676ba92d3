"""``sessionlint inventory``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sessionlint.commands.options import place, put
from sessionlint.terminal import Progress


@click.command(epilog="Exit status: 0, or 2 when something could not be checked.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["markdown", "json", "csv"]),
    default="markdown",
    show_default=True,
    help="How to write the tables.",
)
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the tables to a file.")
@click.option("--no-cache", is_flag=True, help="Read everything afresh and remember nothing.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="Take the policy from this file; its folder is the root."
)
@click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")
def inventory(
    folder: Path, output_format: str, output_file: Path | None, no_cache: bool, config: Path | None, debug: bool
) -> int:
    """List every database connection point of the project that holds FOLDER, and who gets sessions properly."""
    from sessionlint.discovery import discover
    from sessionlint.inventory import FAMILIES, build_inventory, render
    from sessionlint.policy import Policy
    from sessionlint.report_cache import cache_folder
    from sessionlint.run import examine

    root, policy = place((folder,), config)
    settings = policy or Policy(root=root)
    progress = Progress(sys.stderr)
    cache_dir = None if no_cache else cache_folder(root, settings.cache_dir)
    examined = examine(root, policy, discover(root, settings), cache_dir, progress, families=FAMILIES)
    program, report = examined.program, examined.report
    progress.clear()
    for note in report.notes:
        click.echo(note, err=True)
    for error in report.errors:
        click.echo(f"{error.path}:{error.line}: not checked: {error.message}", err=True)
    put(render.FORMATS[output_format](build_inventory(program, report.findings)), output_file)
    return 2 if report.errors else 0
