"""Decompression piece by piece, at the edges."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest

from reference_app.scraping.decoding import BoundedBody, read_all, unzip_if_gzip

PIECE = 64 * 1024


async def in_chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, PIECE + 257, PIECE + 300, 3 * PIECE])
@pytest.mark.parametrize("size", [1, 7, 10**9])
async def test_no_byte_is_lost_between_two_pieces(length: int, size: int) -> None:
    content = bytes(length)
    body = BoundedBody(in_chunks(gzip.compress(content) + gzip.compress(b"end"), size), "gzip", 10**9)
    assert await read_all(body.pieces()) == content + b"end"
    assert not body.truncated


@pytest.mark.parametrize(("limit", "length", "truncated"), [(99, 99, True), (100, 100, False), (101, 100, False)])
async def test_the_limit_itself_is_still_allowed(limit: int, length: int, truncated: bool) -> None:
    body = BoundedBody(in_chunks(b"x" * 100, 30), "", limit)
    assert (len(await read_all(body.pieces())), body.received, body.truncated) == (length, length, truncated)


async def test_a_gzip_file_unfolds_to_the_limit_and_no_further() -> None:
    packed = gzip.compress(bytes(10 * PIECE))
    assert len(await read_all(unzip_if_gzip(in_chunks(packed, 100), 2 * PIECE))) == 2 * PIECE
    assert len(await read_all(unzip_if_gzip(in_chunks(packed, 1), 10 * PIECE))) == 10 * PIECE
