"""The records of an opened batch one by one, where the driver's own reader stumbles over one.

It raises at a header whose name is no UTF-8, and gives none of the batch's records.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from schemas.headers import Headers, unreadable_headers

HEAD = struct.Struct(">qiibIhiqqqhii")
"""base offset, length, epoch, magic, CRC, attributes, last offset delta, times, producer, count."""
_LOG_APPEND_TIME = 0x08
_MAX_SHIFT = 63


class BatchRecord(NamedTuple):
    """A record, as the driver asks for it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    checksum: None = None


class _Reader:
    """Bytes and varints from a place on; raises IndexError or ValueError past the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def varint(self) -> int:
        """A zigzag number."""
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift > _MAX_SHIFT:
                raise ValueError("a number has no end")

    def bytes(self) -> bytes | None:
        """Bytes behind their number; None where that is negative."""
        size = self.varint()
        if size < 0:
            return None
        data = self._data[self.at : self.at + size]
        if len(data) < size:
            raise ValueError("a record ends early")
        self.at += size
        return data


def batch_records(data: bytes) -> Iterator[BatchRecord]:
    """Every record of a batch that is not compressed.

    A record with a header whose name cannot be read keeps key and value.

    Raises:
        IndexError, ValueError: it is no batch inside.
    """
    head = HEAD.unpack_from(data)
    base, attributes, first_ms, last_ms, count = head[0], head[5], head[7], head[8], head[12]
    appended = int(bool(attributes & _LOG_APPEND_TIME))
    reader = _Reader(data, HEAD.size)
    for _ in range(count):
        end = reader.varint() + reader.at
        reader.at += 1  # Attributes, of which a record has none.
        timestamp = first_ms + reader.varint()
        offset = base + reader.varint()
        key, value = reader.bytes(), reader.bytes()
        headers = _headers(reader)
        if reader.at != end:
            raise ValueError("a record's length is wrong")
        time_ms = last_ms if appended else timestamp
        yield BatchRecord(offset, time_ms, appended, key, value, headers)


def _headers(reader: _Reader) -> Headers:
    pairs = [(reader.bytes(), reader.bytes()) for _ in range(reader.varint())]
    try:
        return [((name or b"").decode(), value) for name, value in pairs]
    except UnicodeDecodeError:
        return unreadable_headers()
