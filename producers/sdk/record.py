"""A record on its way to Kafka, and the bytes that keep it on disk until it is there."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from schemas.envelope import Envelope, Headers, Kind, envelope_headers
from schemas.topics import raw_topic

_HEAD = struct.Struct("<II")
_PLACE = struct.Struct("<BBHQQQ")
_KINDS = (Kind.CHUNK, Kind.MARK)
HEAD_BYTES = _HEAD.size + _PLACE.size


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose records these are."""

    robot: str
    session: str
    profile: str

    @property
    def topic(self) -> str:
        """The raw topic of the robot's vendor."""
        return raw_topic(self.robot.split("/", 1)[0])


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One chunk or mark with its place in the session; sent again, it is the same to the byte."""

    kind: Kind
    sequence: int
    first_frame: int
    frames: int
    published_ns: int
    value: bytes
    last: bool = False

    @property
    def stored_bytes(self) -> int:
        """What it takes on disk."""
        return HEAD_BYTES + len(self.value)

    def headers(self, identity: Identity) -> Headers:
        """Its envelope."""
        return envelope_headers(
            Envelope(
                kind=self.kind,
                robot=identity.robot,
                session=identity.session,
                sequence=self.sequence,
                first_frame=self.first_frame,
                frames=self.frames,
                published_ns=self.published_ns,
                profile=identity.profile,
            )
        )


def record_head(record: Outgoing) -> bytes:
    """Length, CRC-32 of all that follows, and place; the value stands behind it."""
    place = _PLACE.pack(
        _KINDS.index(record.kind),
        record.last,
        record.frames,
        record.sequence,
        record.first_frame,
        record.published_ns,
    )
    crc = zlib.crc32(record.value, zlib.crc32(place))
    return _HEAD.pack(_PLACE.size + len(record.value), crc) + place


def read_record(data: bytes | memoryview, offset: int) -> tuple[Outgoing, int] | None:
    """The record at an offset and where the next one begins; None where none is whole."""
    start = offset + _HEAD.size
    if start + _PLACE.size > len(data):
        return None
    length, crc = _HEAD.unpack_from(data, offset)
    stop = start + length
    if length < _PLACE.size or stop > len(data) or zlib.crc32(data[start:stop]) != crc:
        return None
    kind, last, frames, sequence, first_frame, published_ns = _PLACE.unpack_from(data, start)
    value = bytes(data[start + _PLACE.size : stop])
    record = Outgoing(_KINDS[kind], sequence, first_frame, frames, published_ns, value, bool(last))
    return record, stop
