"""A session's records on disk: append-only segments, deleted once Kafka has acknowledged them.

What survives what: a crash of the process loses nothing that `append` took, since the bytes are
the kernel's by then. A power cut loses at most what was appended since the last sync (every second,
by the link's thread) and not yet acknowledged; the reboot begins a new session. How far Kafka has
acknowledged is kept in a small mapped file. Where that is torn or old, records are sent twice,
which every consumer recognises by their sequence.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.sdk.backlog import SpoolFullError
from producers.sdk.record import Outgoing
from producers.sdk.segment import (
    HEADER_BYTES,
    SUFFIX,
    Segment,
    append_record,
    create_segment,
    read_records,
    scan_segment,
)

_ACKNOWLEDGED = struct.Struct("<QI")
_COUNT = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How large a spool and its files may grow."""

    max_bytes: int = 1024**3
    segment_bytes: int = 4 * 1024**2


class Spool:
    """The backlog of one session in a folder of its own. Not safe for threads: `Sender` locks.

    Args:
        folder: of this session alone.
        limits: bounds of all sessions of the spool together.
        earlier: sessions that share the bound.

    Attributes:
        acknowledged: sequence of the last record that Kafka has, with all before it.
        resumable: False when a power cut took the place in the session: it must not go on.
    """

    def __init__(self, folder: Path, limits: SpoolLimits, earlier: Sequence[Spool] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limits = limits
        # Room is given back segment by segment: a small spool needs small ones.
        self._segment_bytes = min(limits.segment_bytes, limits.max_bytes // 8)
        self._earlier = tuple(earlier)
        self._mark = _map_acknowledged(folder / "acknowledged")
        acknowledged = _read_acknowledged(self._mark)
        self._segments = _scan(folder)
        known = self._segments[-1].next_sequence if self._segments else 0
        self.resumable = known >= acknowledged
        if not self._segments:
            self._segments = [create_segment(folder, acknowledged, 0)]
        self.acknowledged = acknowledged - 1
        self._file = os.open(self._segments[-1].path, os.O_WRONLY | os.O_APPEND)
        self._unsynced: list[int] = []
        self._dirty = False
        self._cursor = (-2, 0)
        self._bytes = sum(segment.size for segment in self._segments)
        self._drop_acknowledged()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the segments that hold something Kafka has not acknowledged."""
        return self._bytes if self.acknowledged < self.next_sequence - 1 else 0

    @property
    def next_sequence(self) -> int:
        """The place of the next record."""
        return max(self._segments[-1].next_sequence, self.acknowledged + 1)

    @property
    def next_frame(self) -> int:
        """Index of the next frame in the session."""
        return self._segments[-1].next_frame

    @property
    def ended(self) -> bool:
        """Whether the session's end is among what was appended."""
        return self._segments[-1].ended

    def append(self, record: Outgoing) -> None:
        """Keep a record; raises SpoolFullError when the bound or the disk is reached."""
        waiting = self.waiting_bytes + sum(spool.waiting_bytes for spool in self._earlier)
        if waiting + record.stored_bytes > self._limits.max_bytes:
            raise SpoolFullError(f"{self._folder}: {waiting:,} bytes wait for Kafka")
        try:
            if self._segments[-1].size >= self._segment_bytes:
                self._roll()
            append_record(self._file, self._segments[-1], record)
        except OSError as error:
            raise SpoolFullError(f"{self._folder}: {error}") from error
        self._bytes += record.stored_bytes
        self._dirty = True

    def after(self, sequence: int, max_bytes: int) -> list[Outgoing]:
        """Records that follow a sequence: at least one, if there is one."""
        segment = next((s for s in self._segments if s.last_sequence > sequence), None)
        if segment is None:
            return []
        at_sequence, offset = self._cursor
        if at_sequence != sequence:
            offset, max_bytes = HEADER_BYTES, segment.size
        elif sequence < segment.first_sequence:
            offset = HEADER_BYTES
        found = []
        for record, stop in read_records(segment, offset, max_bytes):
            if record.sequence > sequence:
                found.append(record)
                self._cursor = (record.sequence, stop)
        return found

    def acknowledge(self, sequence: int) -> None:
        """Let go of all records up to a sequence."""
        self.acknowledged = max(self.acknowledged, sequence)
        count = _COUNT.pack(self.acknowledged + 1)
        self._mark[: _ACKNOWLEDGED.size] = _ACKNOWLEDGED.pack(
            self.acknowledged + 1, zlib.crc32(count)
        )
        self._drop_acknowledged()

    def unsynced(self) -> list[int]:
        """Descriptors of what the disk may not have yet; the caller syncs and closes them."""
        descriptors, self._unsynced = self._unsynced, []
        if self._dirty:
            self._dirty = False
            descriptors.append(os.dup(self._file))
        return descriptors

    def close(self) -> None:
        """Close the files; what is not acknowledged stays, and is on the disk."""
        for descriptor in self.unsynced():
            if self.acknowledged < self.next_sequence - 1:
                os.fdatasync(descriptor)
            os.close(descriptor)
        os.close(self._file)
        self._mark.close()

    def _roll(self) -> None:
        last = self._segments[-1]
        segment = create_segment(self._folder, last.next_sequence, last.next_frame)
        file = os.open(segment.path, os.O_WRONLY | os.O_APPEND)
        self._unsynced += [self._file, os.open(self._folder, os.O_RDONLY)]
        self._file = file
        self._segments.append(segment)
        self._bytes += segment.size

    def _drop_acknowledged(self) -> None:
        while len(self._segments) > 1 and self._segments[0].last_sequence <= self.acknowledged:
            segment = self._segments.pop(0)
            segment.path.unlink()
            self._bytes -= segment.size


def _scan(folder: Path) -> list[Segment]:
    """Its segments, oldest first; behind one that a power cut left empty the next may be torn."""
    segments: list[Segment] = []
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        segment = scan_segment(path, is_last=not segments)
        if segment is not None:
            segments.append(segment)
    return segments[::-1]


def _map_acknowledged(path: Path) -> mmap.mmap:
    with path.open("a+b") as file:
        file.truncate(mmap.PAGESIZE)
        return mmap.mmap(file.fileno(), mmap.PAGESIZE)


def _read_acknowledged(mark: mmap.mmap) -> int:
    """How many records Kafka has; 0 where the mark is torn."""
    count, crc = _ACKNOWLEDGED.unpack_from(mark)
    return int(count) if crc == zlib.crc32(_COUNT.pack(count)) else 0
