"""Bodies in bounded pieces: decompression that cannot be blown up, and text from whatever encoding a page claims."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from w3lib.encoding import html_to_unicode

from reference_app.scraping.failures import FetchError

_PIECE = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
# zlib window bits: 16 + 15 reads gzip, 15 zlib-wrapped deflate, -15 the bare deflate some servers send.
_GZIP = 31
_ZLIB = 15
_BARE_DEFLATE = -15


class BoundedBody:
    """The decoded body of one response, cut off at the limits.

    ``limit`` bounds the bytes received and the bytes they decompress to, each for itself. After iteration
    ``received`` counts the former and ``truncated`` tells whether a limit cut the body.
    Raises FetchError ``unsupported_encoding`` or ``broken_encoding``.
    """

    def __init__(self, chunks: AsyncIterator[bytes], content_encoding: str, limit: int) -> None:
        self.received = 0
        self.truncated = False
        self._chunks = chunks
        self._limit = limit
        self._decoder = _decoder(content_encoding)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The decoded body, at most 64 KiB at a time where it was compressed. Iterate once."""
        produced = 0
        async for chunk in self._chunks:
            allowed = chunk[: self._limit - self.received]
            self.received += len(allowed)
            for piece in self._decoder.feed(allowed) if self._decoder else (allowed,):
                if produced + len(piece) > self._limit:
                    self.truncated = True
                    yield piece[: self._limit - produced]
                    return
                produced += len(piece)
                yield piece
            if len(allowed) < len(chunk):
                self.truncated = True
                return


async def read_all(pieces: AsyncIterator[bytes]) -> bytes:
    """The pieces in one."""
    collected = bytearray()
    async for piece in pieces:
        collected += piece
    return bytes(collected)


async def with_beginning(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The same bytes, the first piece at least ``size`` long unless there are fewer."""
    beginning = b""
    complete = False
    async for piece in pieces:
        if complete:
            yield piece
            continue
        beginning += piece
        if len(beginning) >= size:
            complete = True
            yield beginning
    if not complete and beginning:
        yield beginning


async def unzip_if_gzip(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Decompresses a body that is itself a gzip file (``sitemap.xml.gz``), up to ``limit`` bytes; others pass as is."""
    decoder: _Inflater | None = None
    produced = 0
    async for piece in with_beginning(pieces, len(_GZIP_MAGIC)):
        if not produced and decoder is None and piece.startswith(_GZIP_MAGIC):
            decoder = _Inflater(_GZIP)
        for part in decoder.feed(piece) if decoder else (piece,):
            yield part[: limit - produced]
            produced += len(part)
            if produced > limit:
                return


def to_text(body: bytes, content_type: str | None) -> str:
    """The text of an HTML page: byte order mark, HTTP charset, ``meta`` charset, UTF-8, Windows-1252, in that order.

    Bytes the encoding cannot hold become U+FFFD; it never fails.
    """
    return html_to_unicode(content_type, body, auto_detect_fun=_utf8_or_western, default_encoding="cp1252")[1]


def _utf8_or_western(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        # A page cut at its size limit may end inside a character.
        return "utf-8" if error.start >= len(body) - 3 else "cp1252"
    return "utf-8"


class _Inflater:
    """Incremental inflate that yields at most 64 KiB at a time and follows concatenated gzip members."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._stream.eof:
                # Another member may follow, and its first byte alone may be all that has come.
                if not data or not data.startswith(_GZIP_MAGIC[: len(data)]):
                    return
                self._stream = zlib.decompressobj(self._window_bits)
            piece = self._inflate(data)
            if piece:
                yield piece
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            # A full piece may leave output waiting inside zlib although all input is taken.
            if not data and len(piece) < _PIECE:
                return

    def _inflate(self, data: bytes) -> bytes:
        try:
            piece = self._stream.decompress(data, _PIECE)
        except zlib.error as error:
            if self._window_bits != _ZLIB or self._started:
                raise FetchError("broken_encoding", f"The compressed body is damaged ({error}).") from None
            self._window_bits = _BARE_DEFLATE
            self._stream = zlib.decompressobj(_BARE_DEFLATE)
            return self._inflate(data)
        self._started = self._started or bool(data)
        return piece


def _decoder(content_encoding: str) -> _Inflater | None:
    codings = content_encoding.lower().replace(" ", "").split(",")
    match [coding for coding in codings if coding not in ("", "identity")]:
        case []:
            return None
        case ["gzip" | "x-gzip"]:
            return _Inflater(_GZIP)
        case ["deflate"]:
            return _Inflater(_ZLIB)
        case _:
            raise FetchError("unsupported_encoding", f"The body is encoded as '{content_encoding[:40]}', unasked.")
