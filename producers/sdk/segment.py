"""One file of a spool: a header, then records end to end; a torn last record is cut off.

Layout, little-endian: `KBSPOOL1`, first sequence (u64), index of the next frame (u64), CRC-32 of
these (u32); then each record as `record.record_head` and its value.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from producers.sdk.record import Outgoing, read_record, record_head

_MAGIC = b"KBSPOOL1"
_HEADER = struct.Struct("<8sQQ")
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size
SUFFIX = ".wal"


class SpoolDamagedError(RuntimeError):
    """A spool file that is broken elsewhere than at its very end; nothing was changed."""


@dataclass(slots=True)
class Segment:
    """What is known of a segment without reading it again."""

    path: Path
    first_sequence: int
    next_sequence: int
    next_frame: int
    size: int
    ended: bool = False

    @property
    def last_sequence(self) -> int:
        """Sequence of its last record; one less than the first when it is empty."""
        return self.next_sequence - 1


def segment_path(folder: Path, first_sequence: int) -> Path:
    """A segment is named after the first sequence it may hold."""
    return folder / f"{first_sequence:020d}{SUFFIX}"


def create_segment(folder: Path, first_sequence: int, next_frame: int) -> Segment:
    """Begin a new file."""
    header = _HEADER.pack(_MAGIC, first_sequence, next_frame)
    path = segment_path(folder, first_sequence)
    path.write_bytes(header + _CRC.pack(zlib.crc32(header)))
    return Segment(path, first_sequence, first_sequence, next_frame, HEADER_BYTES)


def append_record(file: int, segment: Segment, record: Outgoing) -> None:
    """Write a record at the segment's end; on an error the file is as it was before."""
    head = record_head(record)
    wanted = len(head) + len(record.value)
    try:
        written = os.writev(file, (head, record.value))
        if written != wanted:
            raise OSError(f"{written} of {wanted} bytes written to {segment.path}")
    except OSError:
        os.ftruncate(file, segment.size)
        raise
    _count(segment, record, segment.size + wanted)


def scan_segment(path: Path, *, is_last: bool) -> Segment | None:
    """Check a whole file; a torn end is cut off where it is the newest segment.

    Returns None for the newest segment when not even its header is whole: it never held anything.
    """
    data = path.read_bytes()
    segment = _read_header(path, data)
    if segment is None:
        if is_last:
            path.unlink()
            return None
        raise SpoolDamagedError(f"{path} is no spool segment; move it away to go on without it")
    for record, stop in _records(data, HEADER_BYTES):
        _count(segment, record, stop)
    if segment.size < len(data):
        if not is_last:
            raise SpoolDamagedError(
                f"{path} is damaged at byte {segment.size}; move it away to go on without it: "
                "the records it holds will be reported as missing"
            )
        os.truncate(path, segment.size)
    return segment


def read_records(segment: Segment, offset: int, max_bytes: int) -> Iterator[tuple[Outgoing, int]]:
    """Records from an offset on, each with the offset behind it; at least one, if there is one."""
    with segment.path.open("rb") as file:
        file.seek(offset)
        data = file.read(min(max_bytes, segment.size - offset))
        if read_record(data, 0) is None:
            data += file.read(segment.size - offset - len(data))
    for record, stop in _records(data, 0):
        yield record, offset + stop


def _read_header(path: Path, data: bytes) -> Segment | None:
    if len(data) < HEADER_BYTES:
        return None
    magic, first_sequence, next_frame = _HEADER.unpack_from(data)
    (crc,) = _CRC.unpack_from(data, _HEADER.size)
    if magic != _MAGIC or crc != zlib.crc32(data[: _HEADER.size]):
        return None
    return Segment(path, first_sequence, first_sequence, next_frame, HEADER_BYTES)


def _records(data: bytes, offset: int) -> Iterator[tuple[Outgoing, int]]:
    view = memoryview(data)
    while (found := read_record(view, offset)) is not None:
        offset = found[1]
        yield found


def _count(segment: Segment, record: Outgoing, size: int) -> None:
    segment.size = size
    segment.next_sequence = record.sequence + 1
    segment.next_frame = record.first_frame + record.frames
    segment.ended = record.last
