"""What renderers may know besides the report: where the project lies and what its files hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sessionlint.formats.text import SourceLine, Style, plain
from sessionlint.sources import SourceLines


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(path)


@dataclass(frozen=True, slots=True)
class RenderContext:
    """``prefix`` leads from the repository's root to the project's (``"backend/"``; ``""`` when they are one).

    ``source_line(path, line)`` gives a line without its end, or None when there is none; ``read(path)``
    gives a file's bytes or raises :class:`OSError`. Both take paths relative to the project's root.
    """

    prefix: str = ""
    source_line: SourceLine = lambda _path, _line: None
    read: Callable[[str], bytes] = _no_file
    style: Style = plain
    statistics: bool = False
    show_suppressed: bool = False


def repository_prefix(root: Path) -> str:
    """The path from the root of the Git repository around ``root`` to ``root``, ending in ``/``; else ``""``."""
    place = root.resolve()
    for folder in (place, *place.parents):
        if (folder / ".git").exists():
            inside = place.relative_to(folder).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""


def context_of(root: Path) -> RenderContext:
    """The context of the project in ``root``, with files read when they are asked for."""
    return RenderContext(
        prefix=repository_prefix(root),
        source_line=SourceLines(root),
        read=lambda path: (root / path).read_bytes(),
    )
