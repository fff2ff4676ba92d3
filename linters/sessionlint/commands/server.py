"""``sessionlint server``."""

from __future__ import annotations

from pathlib import Path

import click

from sessionlint.errors import UsageError


@click.command()
@click.option("--stdio", is_flag=True, help="Speak on standard input and output, as always.")
@click.option(
    "--log-file", type=click.Path(dir_okay=False, path_type=Path), help="Write what goes wrong there, not to stderr."
)
@click.option("--debug", is_flag=True, help="Log every message.")
def server(stdio: bool, log_file: Path | None, debug: bool) -> int:
    """Serve an editor that speaks the Language Server Protocol."""
    try:
        from sessionlint.server import language_server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise UsageError(f"{error.name} is not installed: pip install 'sessionlint[server]'") from None
    language_server.log_to(log_file, debug=debug)
    return language_server.serve()
