"""Which formats a run writes, and where to: several at once, checked before the run begins."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, get_args

from sessionlint.errors import UsageError
from sessionlint.policy_model import OutputFormat

if TYPE_CHECKING:
    from sessionlint.formats.context import RenderContext
    from sessionlint.formats.text import Style
    from sessionlint.report import Report

FORMATS: tuple[str, ...] = get_args(OutputFormat)
_STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """One format and the file it goes to; None is standard output."""

    format: str
    path: Path | None


def parse(text: str) -> Output:
    """The output that ``FORMAT=PATH`` asks for. Raises :class:`UsageError`, which says what is valid."""
    name, equals, path = text.partition("=")
    if name not in FORMATS:
        near = get_close_matches(name.lower(), FORMATS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"--output {text!r}: {name!r} is no format; the formats are {', '.join(FORMATS)}.{hint}")
    if not equals or not path:
        raise UsageError(f"--output {text!r} names no file; write {name}=PATH, or {name}=- for standard output.")
    return Output(name, None if path == _STANDARD_OUTPUT else Path(path))


def plan(main: str, main_file: Path | None, extra: Sequence[str]) -> tuple[Output, ...]:
    """What to write: ``main`` (to ``main_file`` or standard output) and every ``FORMAT=PATH`` of ``extra``.

    Standard output has one format: the one ``extra`` sends there, else ``main``. Raises :class:`UsageError` for
    what cannot be: an unknown format, two outputs in one place, a folder that is missing.
    """
    outputs = [parse(text) for text in extra]
    if main_file or not any(output.path is None for output in outputs):
        outputs.insert(0, Output(main, main_file))
    taken: dict[Path | None, str] = {}
    for output in outputs:
        place = output.path and output.path.absolute()
        if place in taken:
            where = f"{str(output.path)!r}" if output.path else "standard output"
            raise UsageError(f"{taken[place]} and {output.format} both go to {where}; give each a place of its own.")
        taken[place] = output.format
        _check_place(output)
    return tuple(outputs)


def _check_place(output: Output) -> None:
    path = output.path
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"cannot write {output.format} to {str(path)!r}: it is a folder; name a file in it.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot write {output.format} to {str(path)!r}: its folder does not exist; make it first.")


def write(
    outputs: Sequence[Output],
    report: Report,
    root: Path,
    *,
    style: Callable[[TextIO | None], Style],
    statistics: bool = False,
    show_suppressed: bool = False,
) -> None:
    """Renders ``report`` on the project in ``root`` and writes every one of ``outputs``; files in one step each.

    ``style`` gives the marking for a stream, or for a file (None). ``statistics`` that a format has no place for
    go to standard error. Raises :class:`UsageError` when a file cannot be written.
    """
    from sessionlint.formats.context import context_of

    context = replace(context_of(root), statistics=statistics, show_suppressed=show_suppressed)
    for output in outputs:
        stream = sys.stdout if output.path is None else None
        text = render(output.format, report, replace(context, style=style(stream)))
        if output.path is None:
            sys.stdout.write(text)
        else:
            _write_file(output, output.path, text.encode(errors="backslashreplace"))
    if statistics and not any(output.format == "text" for output in outputs):
        for name, count in sorted(report.statistics.items()):
            sys.stderr.write(f"{name}: {count}\n")


def render(name: str, report: Report, context: RenderContext) -> str:
    """``report`` in the format ``name``."""
    if name == "text":
        from sessionlint.formats import text

        return text.render(
            report,
            context.source_line,
            style=context.style,
            statistics=context.statistics,
            show_suppressed=context.show_suppressed,
        )
    if name == "json":
        from sessionlint.formats import json_report

        return json_report.render(report, show_suppressed=context.show_suppressed)
    renderer: Callable[[Report, RenderContext], str] = importlib.import_module(f"sessionlint.formats.{name}").render
    return renderer(report, context)


def _write_file(output: Output, path: Path, data: bytes) -> None:
    from sessionlint.atomic import write_atomically

    try:
        if str(path) == os.environ.get("GITHUB_STEP_SUMMARY"):
            # the steps' own lines stand in the same file: GitHub asks for adding to it
            with path.open("ab") as file:
                file.write(data)
        else:
            write_atomically(path, data)
    except OSError as error:
        raise UsageError(f"cannot write {output.format} to {str(path)!r}: {error.strerror}.") from error
