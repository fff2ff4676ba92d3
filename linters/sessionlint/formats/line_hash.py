"""The fingerprint of a line that GitHub code scanning follows an alert by.

What is hashed was read from ``src/fingerprints.ts`` of github.com/github/codeql-action, which computes the same
value at upload and warns when a file says otherwise: the 100 UTF-16 code units from the start of the line on,
over the ends of lines, with blanks and tabs left out and every line end counted as one line feed; then a mark
(65535) for the end of the file, then zeros. They are the digits of a number to the base 37, modulo 2**64. Lines
of equal hash are numbered.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable

from sessionlint.patterns import regex

_UNITS = 100
_BASE = 37
_END_OF_FILE = b"\xff\xff"
_LINE_END = regex("\r\n?")


def line_hashes(data: bytes, wanted: Iterable[int]) -> dict[int, str]:
    """``primaryLocationLineHash`` of the ``wanted`` lines (from 1) of a file with the bytes ``data``.

    The bytes are read as UTF-8 whatever the file declares, as GitHub does; lines that do not exist are left out.
    """
    text = _LINE_END.sub("\n", data.decode("utf-8", "replace")).replace(" ", "").replace("\t", "")
    lines = [line.encode("utf-16-le") for line in text.split("\n")]
    units = b"\n\0".join(lines) + _END_OF_FILE + bytes(2 * _UNITS)
    remaining = set(wanted)
    seen: Counter[bytes] = Counter()
    found: dict[int, str] = {}
    start = 0
    for number, line in enumerate(lines, start=1):
        window = units[start : start + 2 * _UNITS]
        seen[window] += 1
        if number in remaining:
            found[number] = f"{_number(window):x}:{seen[window]}"
        start += len(line) + 2
    return found


def _number(window: bytes) -> int:
    value = 0
    for unit in struct.unpack(f"<{_UNITS}H", window):
        value = (value * _BASE + unit) % 2**64
    return value
