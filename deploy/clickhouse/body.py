"""The body of a request as a stream of plain bytes: transfer and content encodings undone."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from io import BufferedIOBase
from typing import Protocol

from deploy.clickhouse.errors import (
    BAD_ARGUMENTS,
    CANNOT_DECOMPRESS,
    NOT_IMPLEMENTED,
    ClickHouseError,
)

PIECE_BYTES = 1 << 18


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class RequestBody:
    """The body as it comes from the socket. Must be read to its end before the answer is sent."""

    def __init__(self, source: BufferedIOBase, length: int | None, chunked: bool) -> None:
        self._pieces = _chunks(source) if chunked else _sized(source, length or 0)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def drain(self) -> None:
        """Read and drop what is left, so that a client still sending reads the answer."""
        for _ in self._pieces:
            pass


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """A body with its content encoding undone: identity, gzip, deflate, zstd or lz4."""
    if encoding in ("", "identity"):
        return iter(pieces)
    if encoding not in _DECOMPRESSORS:
        raise ClickHouseError(
            NOT_IMPLEMENTED,
            f"Content-Encoding {encoding} is not known, use one of {', '.join(_DECOMPRESSORS)}. "
            "(NOT_IMPLEMENTED)",
        )
    return _decompressed(pieces, _DECOMPRESSORS[encoding])


def _decompressed(
    pieces: Iterable[bytes], new_decompressor: Callable[[], _Decompressor]
) -> Iterator[bytes]:
    decompressor = new_decompressor()
    begun = False
    for piece in pieces:
        rest = piece
        # A body may hold several frames, one after another.
        while rest:
            if decompressor.eof:
                decompressor = new_decompressor()
            begun = True
            try:
                plain = decompressor.decompress(rest)
            except Exception as error:
                raise ClickHouseError(CANNOT_DECOMPRESS, f"{error}. (CANNOT_DECOMPRESS)") from error
            rest = decompressor.unused_data if decompressor.eof else b""
            if plain:
                yield plain
    if begun and not decompressor.eof:
        raise ClickHouseError(CANNOT_DECOMPRESS, "the body is cut short. (CANNOT_DECOMPRESS)")


def _sized(source: BufferedIOBase, length: int) -> Iterator[bytes]:
    while length:
        piece = source.read(min(length, PIECE_BYTES))
        if not piece:
            raise ConnectionError("the client went away inside a body")
        length -= len(piece)
        yield piece


def _chunks(source: BufferedIOBase) -> Iterator[bytes]:
    while True:
        line = source.readline(1024)
        if not line:
            raise ConnectionError("the client went away inside a body")
        try:
            length = int(line.split(b";")[0], 16)
        except ValueError as error:
            raise ClickHouseError(
                BAD_ARGUMENTS, "a chunk of the body has no length. (BAD_ARGUMENTS)"
            ) from error
        yield from _sized(source, length)
        if not source.readline(1024).strip() and length == 0:
            return


def _zstd() -> _Decompressor:
    for module in ("compression.zstd", "backports.zstd"):
        try:
            decompressor: _Decompressor = import_module(module).ZstdDecompressor()
        except ImportError:
            continue
        return decompressor
    raise ClickHouseError(NOT_IMPLEMENTED, "zstd is not installed here. (NOT_IMPLEMENTED)")


def _lz4() -> _Decompressor:
    try:
        decompressor: _Decompressor = import_module("lz4.frame").LZ4FrameDecompressor()
    except ImportError as error:
        raise ClickHouseError(
            NOT_IMPLEMENTED, "lz4 is not installed here. (NOT_IMPLEMENTED)"
        ) from error
    return decompressor


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "deflate": lambda: zlib.decompressobj(zlib.MAX_WBITS),
    "zstd": _zstd,
    "lz4": _lz4,
}
