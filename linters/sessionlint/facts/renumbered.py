"""Facts of a changed file, with the numbers that its lines had before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sessionlint.facts.lower import lower_module
from sessionlint.facts.numbering import Numbering, marks
from sessionlint.facts.reading import Reader, error_in
from sessionlint.facts.source import decode


def moved_facts(
    reader: Reader, path: str, before: Sequence[int], now: bytes, numbering: Numbering | None
) -> tuple[bytes, Numbering] | None:
    """The facts of ``path`` when its lines were ``before`` (as marks) and had that ``numbering`` (``None``: plain).

    ``None`` where the lines have their own numbers now. Raises :class:`SourceError` for undecodable content.
    """
    moved = (numbering or Numbering.plain(len(before))).after(before, marks(decode(now, path)))
    if moved is None or moved.is_plain:
        return None
    blob = reader.read_as(path, now, partial(lower_module, numbering=moved))
    return (blob, moved) if error_in(path, blob) is None else None
