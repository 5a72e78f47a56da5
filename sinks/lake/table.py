"""A segment's frames as a Parquet object: a row a frame, the same bytes on every run.

A signal is one column of fixed-size bytes, a frame's float32 values behind each other, and the
file says what they are (`columns` in its document). Such a column is split into byte planes, so
that each byte of each joint lies together over time, which is what makes floats compress at all. A
column has a fixed price in every file, 20 µs and half a kilobyte: with one a joint it was half of
the lake sink's CPU, and zstd cost more than it saved (decision 023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.body import DOFS, SEGMENTS
from schemas.canonical import CanonicalChunk
from sinks.lake.segment import Segment, SegmentFacts, Slice, facts_of
from sinks.parquet import document_of, write_parquet

FORMAT_VERSION = 2

ChannelNames = Callable[[str], tuple[str, ...]]
"""Names of a profile's channels, from its id; raises where the profile is not known."""

_POSE = ("x", "y", "z", "qw", "qx", "qy", "qz")
FIXED: dict[str, tuple[str, ...]] = {
    "angle": tuple(f"angle.{dof}" for dof in DOFS),
    "hand_pose": tuple(f"{side}_hand.{part}" for side in ("left", "right") for part in _POSE),
    "foot_pose": tuple(f"{side}_foot.{part}" for side in ("left", "right") for part in _POSE),
    "base_position": tuple(f"base_position.{part}" for part in "xyz"),
    "base_quaternion": tuple(f"base_quaternion.{part}" for part in "wxyz"),
    "base_angular_velocity": tuple(f"base_angular_velocity.{part}" for part in "xyz"),
    "base_acceleration": tuple(f"base_acceleration.{part}" for part in "xyz"),
}
NATIVE = ("position", "velocity", "effort", "action")
_PER_CHUNK = ("sequence", "source_offset", "published_ns", "log_ms")
_REPEATED = (*_PER_CHUNK, "flags", "angle_status", "segment_status")
_STATISTICS = ("frame", "t_ns", "sequence", "source_offset", "log_ms")


class ChannelCountError(ValueError):
    """A chunk does not have the channels that its profile names."""


def segment_table(segment: Segment, channel_names: ChannelNames) -> pa.Table:
    """A row per frame, in the order of the frame index."""
    slices = segment.in_order()
    chunk = slices[0].chunk
    names = channel_names(chunk.profile)
    if len(names) != chunk.channels:
        raise ChannelCountError(
            f"{chunk.profile} names {len(names)} channels, a chunk has {chunk.channels}"
        )
    lengths = np.array([piece.stop - piece.start for piece in slices])
    columns: dict[str, pa.Array] = {
        "frame": pa.array(np.concatenate([_frames(piece) for piece in slices]))
    }
    for name in _PER_CHUNK:
        values = np.array([getattr(piece.chunk, name) for piece in slices], np.int64)
        columns[name] = pa.array(np.repeat(values, lengths))
    columns["t_ns"] = pa.array(_stacked(slices, "t_ns"))
    columns["flags"] = pa.array(_stacked(slices, "flags"))
    if chunk.t_source is not None:
        columns["t_source"] = _stamps(_stacked(slices, "t_source"))
    for name in ("angle_status", "segment_status"):
        columns[name] = _status(slices, name)
    for signal in component_names(chunk, names):
        columns[signal] = _rows(_stacked(slices, signal))
    return pa.table(columns)


def component_names(chunk: CanonicalChunk, channels: Sequence[str]) -> dict[str, list[str]]:
    """The names of each signal's components, of the signals that the robot reports."""
    names = {signal: [f"{signal}.{name}" for name in channels] for signal in NATIVE}
    names |= {signal: list(fixed) for signal, fixed in FIXED.items()}
    return {signal: own for signal, own in names.items() if getattr(chunk, signal) is not None}


def encode_segment(segment: Segment, channel_names: ChannelNames) -> bytes:
    """The object's bytes, with the segment's facts in the file's metadata."""
    table = segment_table(segment, channel_names)
    chunk = segment.slices[0].chunk
    components = component_names(chunk, channel_names(chunk.profile))
    encodings = dict.fromkeys(components, "BYTE_STREAM_SPLIT")
    encodings |= dict.fromkeys(("frame", "t_ns"), "DELTA_BINARY_PACKED")
    if "t_source" in table.column_names and pa.types.is_floating(table["t_source"].type):
        encodings["t_source"] = "BYTE_STREAM_SPLIT"
    return write_parquet(
        table,
        {**_document(segment), "columns": components},
        compression="zstd",
        compression_level=1,
        use_dictionary=list(_REPEATED),
        column_encoding=encodings,
        write_statistics=list(_STATISTICS),
    )


def facts_in(metadata: pq.FileMetaData, key: str) -> SegmentFacts:
    """The facts a segment's file carries."""
    facts = document_of(metadata)["segment"]
    for name in ("sequences", "source_offsets"):
        facts[name] = [(start, stop) for start, stop in facts[name]]
    return SegmentFacts(**{**facts, "key": key})


def _document(segment: Segment) -> dict[str, Any]:
    stream = segment.region.stream
    stamps = segment.slices[0].chunk.t_source
    return {
        "version": FORMAT_VERSION,
        "robot": stream.robot,
        "session": stream.session,
        "processing_id": stream.processing_id,
        "episode": segment.region.episode,
        "t_source_dtype": "" if stamps is None else stamps.dtype.str,
        "angle_status": DOFS,
        "segment_status": SEGMENTS,
        "segment": {
            name: value
            for name, value in asdict(facts_of(segment)).items()
            if name not in ("key", "bytes", "sha256")
        },
    }


def _frames(piece: Slice) -> npt.NDArray[np.int64]:
    return np.arange(piece.first_frame, piece.chunk.first_frame + piece.stop)


def _stacked(slices: Sequence[Slice], name: str) -> npt.NDArray[Any]:
    return np.concatenate([getattr(p.chunk, name)[p.start : p.stop] for p in slices])


def _stamps(stamps: npt.NDArray[Any]) -> pa.Array:
    """The vendor's stamps as numbers, or as bytes where Parquet has no such number."""
    if stamps.dtype.kind in "iuf":
        return pa.array(stamps.astype(stamps.dtype.newbyteorder("="), copy=False))
    width = stamps.dtype.itemsize
    buffers = [None, pa.py_buffer(stamps.tobytes())]
    return pa.Array.from_buffers(pa.binary(width), len(stamps), buffers)


def _status(slices: Sequence[Slice], name: str) -> pa.Array:
    """A status row of each frame as its bytes: they hardly ever change, a dictionary holds them."""
    parts, repeats = [], []
    for piece in slices:
        status = getattr(piece.chunk, name)
        one = len(status) == 1
        parts.append(status if one else status[piece.start : piece.stop])
        repeats += [piece.stop - piece.start] if one else [1] * (piece.stop - piece.start)
    return _rows(np.repeat(np.concatenate(parts), repeats, axis=0))


def _rows(values: npt.NDArray[Any]) -> pa.Array:
    """[T, …] as T values of as many bytes as a row has."""
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    kind = pa.binary(flat.shape[1] * flat.itemsize)
    return pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])
