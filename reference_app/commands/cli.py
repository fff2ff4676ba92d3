"""``python -m reference_app``: starts everything, or one part of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from reference_app.commands import accounts, serve, verify
from reference_app.commands.embedded import embedded_database
from reference_app.commands.migrate import migrate
from reference_app.commands.reasons import reason_of
from reference_app.errors import ConfigurationError, ServiceError
from reference_app.main import create_app
from reference_app.models import Role
from reference_app.observability.logs import configure_logging
from reference_app.session import open_database
from reference_app.settings import Settings, read_settings

Result = TypeVar("Result")

_BAD_SETTINGS = 2


class Commands(click.Group):
    """Tells wrong settings, a database that is away and refused operations in one line each, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            for problem in error.problems:
                click.echo(f"error: {problem}", err=True)
            sys.exit(_BAD_SETTINGS)
        except ServiceError as error:
            raise click.ClickException(error.detail) from None
        except (SQLAlchemyError, OSError) as error:
            if not isinstance(ctx.obj, Settings) or ctx.obj.database_url is None:
                raise
            click.echo(f"error: {reason_of(error, ctx.obj)}", err=True)
            sys.exit(_BAD_SETTINGS)


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Start the reference service: API, worker and, unless REFERENCE_APP_DATABASE_URL names one, a PostgreSQL.

    Settings come from REFERENCE_APP_... environment variables; see reference_app/settings.py.
    """
    settings = read_settings()
    configure_logging(settings)
    context.obj = settings
    if context.invoked_subcommand is None:
        with embedded_database(settings) as complete:
            asyncio.run(serve.start(complete, click.echo))


@main.command("serve")
@click.pass_obj
def serve_command(settings: Settings) -> None:
    """Serve the API alone."""
    settings.url()
    asyncio.run(serve.serve(settings))


@main.command("worker")
@click.option("--stop-with-parent", is_flag=True, help="Also stop when standard input ends.")
@click.pass_obj
def worker_command(settings: Settings, stop_with_parent: bool) -> None:
    """Work on jobs alone. Run as many as you like, on as many machines."""
    settings.url()
    asyncio.run(serve.work(settings, stop_with_parent=stop_with_parent))


@main.command("migrate")
@click.pass_obj
def migrate_command(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    settings.url()
    asyncio.run(migrate(settings))
    click.echo("The database has the newest schema.")


@main.command("verify-connection")
@click.pass_obj
def verify_command(settings: Settings) -> None:
    """Check the connection to the configured database with real operations: seven checks, exit 1 if one fails."""
    with embedded_database(settings) as complete:
        results = asyncio.run(verify.verify_connection(complete))
    for result in results:
        click.echo(f"{result.number}. {'ok    ' if result.passed else 'FAILED'} {result.title}: {result.detail}")
    if not all(result.passed for result in results):
        sys.exit(1)


@main.command("openapi")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it there instead.")
@click.pass_obj
def openapi_command(settings: Settings, output: Path | None) -> None:
    """Print the OpenAPI document."""
    text = json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


@main.group("keys")
def keys_group() -> None:
    """API keys."""


@keys_group.command("create")
@click.option("--email", required=True, help="Whose key; made if there is no such user.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="operator", show_default=True)
@click.option("--name", default="command line", show_default=True)
@click.option("--days", type=click.IntRange(1, 365), help="How long it holds.")
@click.pass_obj
def create_key_command(settings: Settings, email: str, role: str, name: str, days: int | None) -> None:
    """Make a key and print it once."""
    work = accounts.create_key(settings, email=email, role=Role(role), name=name, lifetime_days=days)
    click.echo(_with_database(settings, work))


@keys_group.command("list")
@click.pass_obj
def list_keys_command(settings: Settings) -> None:
    """List all keys."""
    for key, user in _with_database(settings, accounts.list_keys()):
        ended = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{key.prefix}  {user.email}  {user.role.value}  {key.name}  {ended}")


@keys_group.command("revoke")
@click.argument("prefix")
@click.pass_obj
def revoke_key_command(settings: Settings, prefix: str) -> None:
    """End the key with this PREFIX."""
    _with_database(settings, accounts.revoke_key(prefix))
    click.echo(f"Key {prefix} is revoked.")


@keys_group.command("rotate")
@click.argument("prefix")
@click.pass_obj
def rotate_key_command(settings: Settings, prefix: str) -> None:
    """Make a successor of the key with this PREFIX and print it once; the old one goes on for a while."""
    click.echo(_with_database(settings, accounts.rotate_key(settings, prefix)))


def _with_database(settings: Settings, work: Coroutine[Any, Any, Result]) -> Result:
    async def run(complete: Settings) -> Result:
        async with open_database(complete):
            return await work

    with embedded_database(settings) as complete:
        return asyncio.run(run(complete))
