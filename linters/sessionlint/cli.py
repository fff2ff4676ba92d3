"""The command line: a thin adapter over :func:`sessionlint.run.run`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from sessionlint.codes import CODES, is_code_prefix, nearest_code, resolve_code
from sessionlint.errors import PolicyError, SessionlintError
from sessionlint.terminal import Progress, colours

if TYPE_CHECKING:
    from sessionlint.policy import Policy
    from sessionlint.report import Report

_CHECK_HELP = "Exit status: 0 clean, 1 findings, 2 something could not be checked."


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
    return status


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
        click.echo(
            f"Error: sessionlint failed: {type(error).__name__}: {error}\n"
            "This is a defect of sessionlint; run it again with --debug and report what it prints.",
            err=True,
        )
        return 2
    return result if isinstance(result, int) else 0


def _policy_problems(error: PolicyError) -> str:
    number = len(error.problems)
    head = f"Error: the policy in {error.source} has {number} {'mistake' if number == 1 else 'mistakes'}:"
    return "\n".join([head, *(f"  {problem}" for problem in error.problems)])


def _codes(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Code prefixes from repeated, comma-separated options; rule names count as their codes."""
    found = []
    for text in (part.strip() for value in values for part in value.split(",")):
        code = text.upper() if is_code_prefix(text.upper()) else resolve_code(text)
        if text and code is None:
            raise click.BadParameter(_unknown(text), param=parameter)
        if code:
            found.append(code)
    return tuple(found)


def _unknown(text: str) -> str:
    near = nearest_code(text)
    if near is None:
        return f"{text!r} is no rule; 'sessionlint rules' lists them."
    return f"{text!r} is no rule. Did you mean {near}{f' ({CODES[near]})' if near in CODES else ''}?"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sessionlint")
def cli() -> None:
    """Find every place where a backend opens a session or owns a transaction outside its one approved way."""


@cli.command(epilog=_CHECK_HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), help="How to write the report.")
@click.option("--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file.")
@click.option("--select", multiple=True, callback=_codes, metavar="CODES", help="Run only these rules.")
@click.option("--ignore", multiple=True, callback=_codes, metavar="CODES", help="Leave these rules out.")
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

    root, policy = _place(paths, config)
    progress = Progress(sys.stderr)
    report = run(
        root,
        policy,
        paths=[_relative(path, root) for path in paths or (Path(),)],
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


def _place(paths: Sequence[Path], config: Path | None) -> tuple[Path, Policy | None]:
    """The root and the policy for ``paths``, which must exist."""
    from sessionlint.policy import locate, read_policy

    for path in paths:
        if not os.path.lexists(path):
            raise click.UsageError(f"the path {str(path)!r} does not exist.")
    if config:
        policy = read_policy(config)
        return policy.root, policy
    places = [_absolute(path) for path in paths or (Path(),)]
    try:
        place = locate(Path(os.path.commonpath(places)))
    except ValueError as error:  # drives of Windows
        raise click.UsageError(f"the paths have no folder in common: {error}.") from error
    return place.root, place.policy


def _absolute(path: Path) -> Path:
    """``path`` from the root of the file system without ``..``, symbolic links as they are."""
    return Path(os.path.normpath(path.absolute()))


def _relative(path: Path, root: Path) -> str:
    for candidate in (_absolute(path), path.resolve()):
        if candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    if root.is_relative_to(path.resolve()):
        return "."
    raise click.UsageError(f"the path {str(path)!r} lies outside the project {root}; pass paths inside it.")


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
    _put(text, output_file)


def _put(text: str, output_file: Path | None) -> None:
    """Prints ``text`` as it is, or writes it to a file."""
    if output_file is None:
        click.echo(text, nl=False, color=True)
        return
    from sessionlint.atomic import write_atomically

    try:
        write_atomically(output_file, text.encode(errors="backslashreplace"))
    except OSError as error:
        raise click.UsageError(f"cannot write {str(output_file)!r}: {error.strerror}.") from error


@cli.command()
@click.argument("rule")
@click.option("--debug", is_flag=True, hidden=True)
def explain(rule: str, debug: bool) -> None:
    """Explain one RULE, given by its code or name: why, what to write instead, examples."""
    from sessionlint.formats import rule_page
    from sessionlint.rules.catalogue import all_rules
    from sessionlint.rules.markers import without_markers

    code = resolve_code(rule)
    for entry in all_rules():
        if entry.META.code == code:
            bad, good = without_markers(entry.BAD[0].source), without_markers(entry.GOOD[0].source)
            click.echo(rule_page.explain(entry.META, bad, good), nl=False)
            return
    if code is None:
        raise click.UsageError(_unknown(rule))
    raise click.UsageError(f"{code} ({CODES[code]}) is reserved; this version has no such rule.")


@cli.command()
@click.option("--format", "output_format", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--debug", is_flag=True, hidden=True)
def rules(output_format: str, debug: bool) -> None:
    """List all rules."""
    from sessionlint.formats import rule_page
    from sessionlint.rules.catalogue import all_rules

    writers: dict[str, Callable[..., str]] = {
        "text": rule_page.table,
        "json": rule_page.as_json,
        "markdown": rule_page.markdown,
    }
    click.echo(writers[output_format]([entry.META for entry in all_rules()]), nl=False)


@cli.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Replace a policy that is already there.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the policy instead of writing it.")
@click.option("--debug", is_flag=True, hidden=True)
def init(folder: Path, force: bool, to_stdout: bool, debug: bool) -> None:
    """Infer a policy from the project in FOLDER and write it down, commented.

    It goes into pyproject.toml where there is one, else into sessionlint.toml.
    """
    from sessionlint.discovery import discover
    from sessionlint.policy import Policy
    from sessionlint.policy_writer import choose_target, write_policy
    from sessionlint.run import infer

    root = folder.resolve()
    target = None if to_stdout else choose_target(root, force=force)
    policy, notes = infer(root, discover(root, Policy(root=root)).files)
    if target is None:
        from sessionlint.policy_text import render

        click.echo(render(policy, notes), nl=False)
        return
    write_policy(target, policy, notes, force=force)
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"Wrote {target}. Read it through, then run 'sessionlint check'.")


@cli.command(epilog="Exit status: 0, or 2 when something could not be checked.")
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

    root, policy = _place((folder,), config)
    settings = policy or Policy(root=root)
    progress = Progress(sys.stderr)
    cache_dir = None if no_cache else cache_folder(root, settings.cache_dir)
    program, report, _ = examine(root, policy, discover(root, settings), cache_dir, progress, families=FAMILIES)
    progress.clear()
    for note in report.notes:
        click.echo(note, err=True)
    for error in report.errors:
        click.echo(f"{error.path}:{error.line}: not checked: {error.message}", err=True)
    _put(render.FORMATS[output_format](build_inventory(program, report.findings)), output_file)
    return 2 if report.errors else 0
