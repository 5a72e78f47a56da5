"""Record batches as a broker sends them, each opened within bounds or skipped, never in the way.

The driver's own reader opens a batch however large it becomes, and stops for ever at one that it
cannot read: a bomb of 3 KB, a flipped bit, a header whose name is no UTF-8 (of that batch every
record is given, the one in question without its headers).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from schemas.limits import MAX_DETAIL_CHARS, MAX_INFLATED_BYTES
from streams.batch_records import HEAD, batch_records
from streams.inflate import inflate

_INT, _SHORT = struct.Struct(">i"), struct.Struct(">h")
_LENGTH_AT, _LENGTH_END, _ATTRIBUTES_AT = 8, 12, 21
_CODEC, _CONTROL = 0x07, 0x20
FETCH_AGAIN = 2
"""So often a batch with a wrong checksum is fetched again: the network may have damaged it."""
_FETCHED_AGAIN: dict[tuple[int, int], int] = {}


class Opened(NamedTuple):
    """A batch with its records read; without any, the driver steps over it."""

    base_offset: int
    next_offset: int
    records: list[Any]
    is_control_batch: bool = False
    is_transactional: bool = False
    producer_id: int | None = None

    def validate_crc(self) -> bool:
        """It was."""
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.records)


class Skipped(NamedTuple):
    """A batch that was stepped over: its offsets [first, end), and why."""

    first: int
    end: int
    why: str


class BoundedBatches:
    """The batches of one fetch, in place of the driver's `MemoryRecords`.

    Args:
        data: what the broker sent: whole batches, the last one perhaps cut off.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._skipped: list[Skipped] = []
        self._next = self._read()

    def skipped(self) -> list[Skipped]:
        """Batches that were stepped over, each told once."""
        told, self._skipped = self._skipped, []
        return told

    def size_in_bytes(self) -> int:
        """Nothing: what the driver does about a batch that it takes for too large loses records."""
        return 0

    def has_next(self) -> bool:
        """Whether a batch is left."""
        return self._next is not None

    def next_batch(self) -> Opened:
        """The next batch: opened, or empty where it cannot be."""
        batch = self._next
        if batch is None:
            raise LookupError("no batch is left")
        self._next = self._read()
        return batch

    def _read(self) -> Opened | None:
        """The batch here; None where the data end, or where it is to be fetched again."""
        left = len(self._data) - self._at
        if left < HEAD.size:
            return None
        head = HEAD.unpack_from(self._data, self._at)
        size = _LENGTH_END + head[1]
        if size > left:
            return None
        # One batch is copied, never what lies behind it: a fetch in bulk holds hundreds.
        data = self._data[self._at : self._at + size]
        base, magic, end = head[0], head[3], head[0] + head[6] + 1
        if magic < 2:
            self._at += size
            old = MemoryRecords(data).next_batch()
            return Opened(base, old.next_offset, list(old))
        if not DefaultRecordBatch(data).validate_crc():
            damage = (base, head[4])
            _FETCHED_AGAIN[damage] = _FETCHED_AGAIN.get(damage, 0) + 1
            if _FETCHED_AGAIN[damage] <= FETCH_AGAIN:
                return None
            self._at += size
            return self._skip(base, end, "its checksum is wrong")
        self._at += size
        if head[5] & _CONTROL:
            return Opened(base, end, [], is_control_batch=True)
        try:
            return Opened(base, end, _records(data, head[5]))
        except Exception as error:  # The driver's readers raise whatever they stumble over.
            return self._skip(base, end, f"{type(error).__name__}: {error}")

    def _skip(self, base: int, end: int, why: str) -> Opened:
        self._skipped.append(Skipped(base, end, why[:MAX_DETAIL_CHARS]))
        return Opened(base, end, [])


def _records(data: bytes, attributes: int) -> list[Any]:
    codec = attributes & _CODEC
    if codec:
        opened = inflate(codec, data[HEAD.size :], MAX_INFLATED_BYTES)
        head = bytearray(data[: HEAD.size])
        _INT.pack_into(head, _LENGTH_AT, HEAD.size - _LENGTH_END + len(opened))
        _SHORT.pack_into(head, _ATTRIBUTES_AT, attributes & ~_CODEC)
        data = bytes(head) + opened
    try:
        return list(DefaultRecordBatch(data))
    except UnicodeDecodeError:
        return list(batch_records(data))
