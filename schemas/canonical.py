"""The canonical chunk and boundary: arrays in memory, blocks of bytes on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.codec import CodecError, decode_one_of, encode
from schemas.registry import Schema, packaged

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]

DOF_COUNT = 44
SEGMENT_COUNT = 15

_SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    "t_ns": ("<i8", ()),
    "position": ("<f4", (-1,)),
    "velocity": ("<f4", (-1,)),
    "effort": ("<f4", (-1,)),
    "action": ("<f4", (-1,)),
    "angle": ("<f4", (DOF_COUNT,)),
    "angle_velocity": ("<f4", (DOF_COUNT,)),
    "hand_pose": ("<f4", (2, 7)),
    "foot_pose": ("<f4", (2, 7)),
    "base_position": ("<f4", (3,)),
    "base_quaternion": ("<f4", (4,)),
    "base_angular_velocity": ("<f4", (3,)),
    "base_acceleration": ("<f4", (3,)),
    "flags": ("<u8", ()),
}

_CHANNELS = (-1,)
# Made once: a dtype by its name costs as much as the view itself.
_BLOCKS = tuple((name, np.dtype(kind), tail) for name, (kind, tail) in _SHAPES.items())


@dataclass(slots=True)
class CanonicalChunk:
    """T frames of one robot on the canonical body; see `canonical_chunk.avsc` for each field.

    Optional arrays are None where the robot does not report the signal. `angle_status` and
    `segment_status` have T rows, or one row that holds for every frame.
    """

    robot: str
    session: str
    sequence: int
    first_frame: int
    frames: int
    channels: int
    episode: str | None
    profile: str
    embodiment: str
    embodiment_hash: str
    processing_id: str
    source_topic: str
    source_partition: int
    source_offset: int
    published_ns: int
    log_ms: int
    t_source: npt.NDArray[Any] | None
    t_ns: I64
    position: F32
    velocity: F32 | None
    effort: F32 | None
    action: F32 | None
    angle: F32
    angle_velocity: F32
    angle_status: U8
    segment_status: U8
    hand_pose: F32 | None
    foot_pose: F32 | None
    base_position: F32 | None
    base_quaternion: F32 | None
    base_angular_velocity: F32 | None
    base_acceleration: F32 | None
    flags: U64

    def rows(self, array: U8) -> U8:
        """A status array with a row for every frame. Returns [T, …]."""
        return np.broadcast_to(array, (self.frames, array.shape[1]))


_SCALARS = (
    "robot", "session", "sequence", "first_frame", "frames", "channels", "episode", "profile",
    "embodiment", "embodiment_hash", "processing_id", "source_topic", "source_partition",
    "source_offset", "published_ns", "log_ms",
)  # fmt: skip


class BoundaryKind(StrEnum):
    """What begins or ends; `late_end`: frames that came behind the end of their session."""

    SESSION_START = "session_start"
    SESSION_END = "session_end"
    EPISODE_START = "episode_start"
    EPISODE_END = "episode_end"
    LATE_END = "late_end"


class Cause(StrEnum):
    """What made a boundary.

    An episode's end by silence, a new session, a late mark or a new processing is an unknown tail:
    frames of it may be missing or stand elsewhere, so it is never reported complete.
    """

    MARK = "mark"
    SESSION_END = "session_end"
    SILENCE = "silence"
    NEW_SESSION = "new_session"
    NEW_EPISODE = "new_episode"
    GAP = "gap"
    LATE_MARK = "late_mark"
    NEW_PROCESSING = "new_processing"


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a session or episode begins or ends; see `boundary.avsc` for each field."""

    robot: str
    session: str
    sequence: int
    kind: BoundaryKind
    cause: Cause
    episode: str | None
    processing_id: str
    first_frame: int
    frames: int
    last_frame: int
    first_sequence: int
    last_sequence: int
    missing: int
    source_topic: str
    source_partition: int
    source_offset: int
    log_ms: int


@cache
def chunk_schema() -> Schema:
    """The schema of a canonical chunk."""
    return packaged().named("canonical_chunk")


@cache
def boundary_schema() -> Schema:
    """The schema of a boundary."""
    return packaged().named("boundary")


def encode_chunk(chunk: CanonicalChunk) -> bytes:
    """The value of a record on `canonical.frames`."""
    record: dict[str, Any] = {name: getattr(chunk, name) for name in _SCALARS}
    for name, (dtype, _) in _SHAPES.items():
        array = getattr(chunk, name)
        record[name] = None if array is None else np.ascontiguousarray(array, dtype).tobytes()
    record["angle_status"] = chunk.angle_status.tobytes()
    record["segment_status"] = chunk.segment_status.tobytes()
    stamps = chunk.t_source
    record["t_source_dtype"] = "" if stamps is None else stamps.dtype.str
    record["t_source"] = b"" if stamps is None else stamps.tobytes()
    return encode(chunk_schema(), record)


def encode_boundary(boundary: Boundary) -> bytes:
    """The value of a boundary's record on `canonical.frames`."""
    record = {name: getattr(boundary, name) for name in Boundary.__slots__}
    return encode(boundary_schema(), record)


def decode_canonical(data: bytes) -> CanonicalChunk | Boundary:
    """Read a record of `canonical.frames`; arrays are read-only views of its bytes.

    Raises CodecError for a value that is neither chunk nor boundary.
    """
    schema, record = decode_one_of(data, packaged(), ("canonical_chunk", "boundary"))
    if schema.name == "boundary":
        record["kind"] = BoundaryKind(record["kind"])
        record["cause"] = Cause(record["cause"])
        return Boundary(**record)
    try:
        return _chunk(record)
    except (ValueError, TypeError) as error:
        raise CodecError(f"blocks of a chunk do not fit: {error}") from None


def _chunk(record: dict[str, Any]) -> CanonicalChunk:
    frames, channels = record["frames"], record["channels"]
    for name, dtype, tail in _BLOCKS:
        block = record[name]
        if block is not None:
            shape = (frames, channels) if tail == _CHANNELS else (frames, *tail)
            record[name] = np.frombuffer(block, dtype).reshape(shape)
    for name, width in (("angle_status", DOF_COUNT), ("segment_status", SEGMENT_COUNT)):
        record[name] = np.frombuffer(record[name], np.uint8).reshape(-1, width)
    dtype = record.pop("t_source_dtype")
    record["t_source"] = np.frombuffer(record["t_source"], dtype) if dtype else None
    return CanonicalChunk(**record)
