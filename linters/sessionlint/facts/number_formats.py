"""Formats of fields, ``{n:d}``, that nothing takes but numbers: text raises for them."""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex

#: The operator that stands for such a format in the facts of an f-string.
AS_NUMBER: Final = "as number"
_NUMERIC: Final = regex(r"(?:.?[<>=^])?[-+ ]?z?#?0?\d*[,_]?(?:\.\d+)?[bdeEfFgGnoxX]")


_CUTS: Final = regex(r"(?:.?[<>=^])?\d*\.(\d+)s?")


def cuts_to(spec: object) -> int | None:
    """How many characters of a text such a format leaves (``.8``), if it leaves only so many."""
    found = _CUTS.fullmatch(spec) if isinstance(spec, str) else None
    return int(found[1]) if found is not None else None


def takes_numbers(spec: object) -> bool:
    """Whether a format is one that only numbers have."""
    return isinstance(spec, str) and _NUMERIC.fullmatch(spec) is not None
