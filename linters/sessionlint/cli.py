"""The command line: finds the command to run, and turns what goes wrong into a message and an exit status."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import click

from sessionlint.errors import PolicyError, SessionlintError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

COMMANDS = {
    "baseline": "sessionlint.commands.baseline:baseline",
    "check": "sessionlint.commands.check:check",
    "dashboard": "sessionlint.commands.dashboard:dashboard",
    "explain": "sessionlint.commands.explain:explain",
    "fix": "sessionlint.commands.fix:fix",
    "history": "sessionlint.commands.history:history",
    "hook": "sessionlint.commands.hook:hook",
    "init": "sessionlint.commands.init:init",
    "inventory": "sessionlint.commands.inventory:inventory",
    "report": "sessionlint.commands.report:report",
    "rules": "sessionlint.commands.explain:rules",
    "server": "sessionlint.commands.server:server",
    "template": "sessionlint.commands.template:template",
}
"""Where each command lives: ``module:attribute``."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits: 0 clean, 1 findings, 2 anything that could not be checked."""
    sys.exit(_status(arguments))


def process() -> NoReturn:
    """The same as a process of its own: it ends without taking a large program's values apart one by one."""
    gc.disable()
    status = _status(None)
    sys.stderr.flush()
    os._exit(status)


def _status(arguments: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stderr is None:
        sys.stderr = _nowhere()
    if sys.stdout is None:
        click.echo("Error: standard output is closed; send it to a file.", err=True)
        return 2
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away; what is left in the buffer must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 2
    except OSError as error:
        click.echo(f"Error: cannot write to standard output: {error.strerror}.", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 2
    return status


def _nowhere() -> TextIO:
    """What stands for a stream that is closed."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _run(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="sessionlint", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 2
    except PolicyError as error:
        click.echo(_policy_problems(error), err=True)
        return 2
    except SessionlintError as error:
        click.echo(f"Error: {error}", err=True)
        return 2
    except SystemExit:
        # How click leaves when the reader of its output went away; 1 would mean findings.
        return 2
    except BrokenPipeError:
        raise
    except Exception as error:
        if "--debug" in arguments:
            raise
        problem = _of_system(error)
        if problem:
            click.echo(f"Error: {problem}", err=True)
            return 2
        click.echo(
            f"Error: sessionlint failed: {type(error).__name__}: {error}\n"
            "This is a defect of sessionlint; run it again with --debug and report what it prints.",
            err=True,
        )
        return 2
    return result if isinstance(result, int) else 0


def _of_system(error: Exception) -> str:
    """What to say of what the system refuses, which is no defect; ``""`` for anything else."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"cannot write: {error.strerror}."
    if isinstance(error, FileNotFoundError):
        try:
            Path.cwd()
        except OSError:
            return "the working folder is gone; change to one that exists."
    if isinstance(error, RuntimeError) and "link loop" in str(error):
        return f"a symbolic link leads back to itself: {error}."
    return ""


def _policy_problems(error: PolicyError) -> str:
    number = len(error.problems)
    head = f"Error: the policy in {error.source} has {number} {'mistake' if number == 1 else 'mistakes'}:"
    return "\n".join([head, *(f"  {problem}" for problem in error.problems)])


class _Commands(click.Group):
    """Imports a command's module when it is run: the start of ``check`` must not pay for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sessionlint")
def cli() -> None:
    """Find every place where a backend opens a session or owns a transaction outside its one approved way."""
