"""What commands share: code lists, the place of the project, and where output goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sessionlint.codes import CODES, is_code_prefix, nearest_code, resolve_code

if TYPE_CHECKING:
    from sessionlint.policy import Policy


def codes(_context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Code prefixes from repeated, comma-separated options; rule names count as their codes."""
    found = []
    for text in (part.strip() for value in values for part in value.split(",")):
        code = text.upper() if is_code_prefix(text.upper()) else resolve_code(text)
        if text and code is None:
            raise click.BadParameter(unknown(text), param=parameter)
        if code:
            found.append(code)
    if values and not found:
        # As if the option were absent, every rule would run; the usual cause is a variable that is not set.
        raise click.BadParameter("it names no rule; name some or leave the option out.", param=parameter)
    return tuple(found)


def unknown(text: str) -> str:
    """What to say about ``text`` that names no rule, with the nearest rule."""
    near = nearest_code(text)
    if near is None:
        return f"{text!r} is no rule; 'sessionlint rules' lists them."
    return f"{text!r} is no rule. Did you mean {near}{f' ({CODES[near]})' if near in CODES else ''}?"


def place(paths: Sequence[Path], config: Path | None) -> tuple[Path, Policy | None]:
    """The root and the policy for ``paths``, which must exist."""
    from sessionlint.policy import locate, read_policy

    for path in paths:
        if not os.path.lexists(path):
            raise click.UsageError(f"the path {str(path)!r} does not exist.")
        if path.exists() and not (path.is_dir() or path.is_file()):  # of a link that leads nowhere the report tells
            raise click.UsageError(f"the path {str(path)!r} is neither a file nor a folder.")
    if config:
        policy = read_policy(config)
        return policy.root, policy
    places = [absolute(path) for path in paths or (Path(),)]
    try:
        common = Path(os.path.commonpath(places))
    except ValueError as error:  # drives of Windows
        raise click.UsageError(f"the paths have no folder in common: {error}.") from error
    _must_be_one_project(places)
    place = locate(common)
    return place.root, place.policy


def _must_be_one_project(places: Sequence[Path]) -> None:
    """One run has one policy: raises :class:`click.UsageError` for ``places`` that different policies decide on."""
    from sessionlint.policy import locate

    deciding: dict[Path | None, Path] = {}
    for folder in dict.fromkeys(path if path.is_dir() else path.parent for path in places):
        place = locate(folder)
        deciding.setdefault(place.root / place.policy.source if place.policy else None, folder)
    if len(deciding) > 1:
        said = ", ".join(
            f"{_shown(policy) if policy else 'no policy'} for {_shown(folder)}" for policy, folder in deciding.items()
        )
        raise click.UsageError(
            f"the paths belong to projects with policies of their own ({said}). Run the command on each project by "
            "itself, or name one policy for all by --config."
        )


def _shown(path: Path) -> str:
    """``path`` as one would type it in the working folder."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def absolute(path: Path) -> Path:
    """``path`` from the root of the file system without ``..``, symbolic links as they are."""
    return Path(os.path.normpath(path.absolute()))


def relative(path: Path, root: Path) -> str:
    for candidate in (absolute(path), path.resolve()):
        if candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    if root.is_relative_to(path.resolve()):
        return "."
    raise click.UsageError(f"the path {str(path)!r} lies outside the project {root}; pass paths inside it.")


def put(text: str, output_file: Path | None) -> None:
    """Prints ``text`` as it is, or writes it to a file."""
    if output_file is None:
        click.echo(text, nl=False, color=True)
        return
    from sessionlint.atomic import write_atomically

    try:
        write_atomically(output_file, text.encode(errors="backslashreplace"))
    except OSError as error:
        raise click.UsageError(f"cannot write {str(output_file)!r}: {error.strerror}.") from error
