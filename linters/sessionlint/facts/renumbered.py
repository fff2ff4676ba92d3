"""Facts of a changed file, with the numbers that its lines had before."""

from __future__ import annotations

from functools import partial

from sessionlint.facts.lower import lower_module
from sessionlint.facts.numbering import Numbering, marks
from sessionlint.facts.reading import Reader, error_in
from sessionlint.facts.source import SourceError, decode


def moved_facts(
    reader: Reader, path: str, before: bytes, now: bytes, numbering: Numbering | None
) -> tuple[bytes, Numbering] | None:
    """The facts of ``path`` when its content was ``before``, with lines of that ``numbering`` (``None``: their own).

    ``None`` where the lines have their own numbers now.
    """
    try:
        old, new = marks(decode(before, path)), marks(decode(now, path))
    except SourceError:
        return None
    moved = (numbering or Numbering.plain(len(old))).after(old, new)
    if moved is None or moved.is_plain:
        return None
    blob = reader.read_as(path, now, partial(lower_module, numbering=moved))
    return (blob, moved) if error_in(path, blob) is None else None
