"""Sets of row ids as a few bytes: sorted, as differences, in variable-length numbers, compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable


def pack(ids: Iterable[int]) -> bytes:
    """The bytes for a set of positive ids."""
    packed = bytearray()
    before = 0
    for number in sorted(set(ids)):
        step, before = number - before, number
        while step > 127:
            packed.append(step & 127 | 128)
            step >>= 7
        packed.append(step)
    return zlib.compress(bytes(packed), 6)


def unpack(data: bytes) -> frozenset[int]:
    """The ids that :func:`pack` was given. Raises ``ValueError`` for bytes it did not make."""
    try:
        packed = zlib.decompress(data)
    except zlib.error as error:
        raise ValueError(f"not a packed set of ids: {error}") from error
    ids = []
    current = step = shift = 0
    for byte in packed:
        step |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            current += step
            ids.append(current)
            step = shift = 0
    return frozenset(ids)
