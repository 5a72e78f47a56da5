"""Opens a compressed record batch, into so many bytes and no more."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import cramjam

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
_USUAL_RATIO = 16
_SMALL_BYTES = 64 * 1024
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEAD_BYTES = 16
_LENGTH = struct.Struct(">i")


class InflateError(ValueError):
    """A batch that is damaged, or holds more than it may."""


def inflate(codec: int, data: bytes, limit: int) -> bytes:
    """The bytes that Kafka's codec 1 … 4 packed.

    Raises:
        InflateError: they are damaged, or more than `limit`.
    """
    try:
        if codec == GZIP:
            return _gzip(data, limit)
        if codec == SNAPPY:
            return _snappy(data, limit)
        if codec == LZ4:
            return _into(cramjam.lz4.decompress_into, data, limit)
        if codec == ZSTD:
            return _into(cramjam.zstd.decompress_into, data, limit)
    except (cramjam.DecompressionError, zlib.error, struct.error) as error:
        raise InflateError(f"codec {codec}: {error}; at most {limit} bytes") from None
    raise InflateError(f"codec {codec} is none of Kafka's")


def _gzip(data: bytes, limit: int) -> bytes:
    opened = zlib.decompressobj(wbits=31)
    out = opened.decompress(data, limit + 1)
    if len(out) > limit or not opened.eof:
        raise InflateError(f"gzip: damaged, or more than {limit} bytes")
    return out


def _snappy(data: bytes, limit: int) -> bytes:
    """Raw, or in the frame that Java's clients put around it."""
    if not data.startswith(_XERIAL):
        return _snappy_block(data, limit)
    out, at = bytearray(), _XERIAL_HEAD_BYTES
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if not 0 < length <= len(data) - at:
            raise InflateError("snappy: a block ends behind the data")
        out += _snappy_block(data[at : at + length], limit - len(out))
        at += length
    return bytes(out)


def _snappy_block(data: bytes, limit: int) -> bytes:
    size = cramjam.snappy.decompress_raw_len(data)
    if size > limit:
        raise InflateError(f"snappy: more than {limit} bytes")
    return bytes(cramjam.snappy.decompress_raw(data))


def _into(decompress: Callable[[bytes, bytearray], int], data: bytes, limit: int) -> bytes:
    """Into a buffer of the usual size, and where that is too small, of the largest."""
    usual = min(_SMALL_BYTES + _USUAL_RATIO * len(data), limit)
    for size in dict.fromkeys((usual, limit)):
        out = bytearray(size)
        try:
            length = decompress(data, out)
        except cramjam.DecompressionError as error:
            if size == limit:
                raise
            last: Any = error
            continue
        return bytes(memoryview(out)[:length])
    raise last
