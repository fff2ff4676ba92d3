"""``sessionlint dashboard``."""

from __future__ import annotations

from pathlib import Path

import click

from sessionlint.commands.options import place
from sessionlint.commands.report import require_extra


@click.command(epilog="Stop it with Ctrl-C.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option(
    "--history",
    "place_of_history",
    envvar="SESSIONLINT_HISTORY",
    metavar="FILE|URL",
    help="A SQLite file or postgresql://… URL; SESSIONLINT_HISTORY, else .sessionlint/history.db of the project.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8750, show_default=True, help="The port to listen on; 0: any."
)
@click.option("--open", "in_browser", is_flag=True, help="Open the dashboard in a browser.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the index and all reports into FOLDER instead of serving them.",
)
@click.option("--debug", is_flag=True, help="Show the traceback when sessionlint itself fails.")
def dashboard(
    folder: Path, place_of_history: str | None, host: str, port: int, in_browser: bool, output: Path | None, debug: bool
) -> int:
    """Serve the reports of all projects of a history on this machine.

    Open pages load again when a new snapshot arrives. The history is only read.
    """
    require_extra()
    from sessionlint_reports.dashboard import Server
    from sessionlint_reports.history.store import FILE, FOLDER, History
    from sessionlint_reports.portfolio import Portfolio, files_of_all
    from sessionlint_reports.site import write_files

    root, _ = place((folder,), None)
    with History.open(place_of_history or root / FOLDER / FILE, create=False) as history:
        if output is not None:
            write_files(files_of_all(history), output)
            click.echo(f"Wrote {output / 'index.html'}.")
            return 0
        with Server(Portfolio(history), host, port) as server:
            click.echo(f"Serving {history.place} at {server.address} (Ctrl-C stops it).")
            if in_browser:
                click.launch(server.address)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("Stopped.")
    return 0
