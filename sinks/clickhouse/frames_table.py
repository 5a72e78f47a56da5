"""Canonical chunks to the Arrow table of `frames`: one row a chunk, arrays joint-major.

Chunks of the same shape are stacked and transposed together, so that the cost goes with the bytes
and not with the number of chunks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.canonical import U8, CanonicalChunk

TEXTS = (
    "robot", "session", "processing_id", "profile", "embodiment", "embodiment_hash", "source_topic",
)  # fmt: skip
LONGS = ("sequence", "first_frame", "source_offset", "published_ns", "log_ms")
INTS = ("frames", "channels", "source_partition")
FLOATS = (
    "position", "velocity", "effort", "action", "angle", "hand_pose",
    "foot_pose", "base_position", "base_quaternion", "base_angular_velocity", "base_acceleration",
)  # fmt: skip
STATUSES = ("angle_status", "segment_status")


def frames_table(chunks: Sequence[CanonicalChunk]) -> pa.Table:
    """The rows of `frames`, in an order that keeps chunks of one shape together."""
    groups = _by_shape(chunks)
    rows = [chunk for group in groups for chunk in group]
    columns: dict[str, pa.Array] = {}
    for name in TEXTS:
        columns[name] = pa.array([getattr(c, name) for c in rows], pa.string())
    for name in LONGS:
        columns[name] = pa.array([getattr(c, name) for c in rows], pa.int64())
    for name in INTS:
        columns[name] = pa.array([getattr(c, name) for c in rows], pa.int32())
    columns["episode"] = pa.array([c.episode or "" for c in rows], pa.string())
    stamps = [c.t_source for c in rows]
    columns["t_source_dtype"] = pa.array(["" if t is None else t.dtype.str for t in stamps])
    columns["t_source"] = pa.array([b"" if t is None else t.tobytes() for t in stamps], pa.binary())
    for name in FLOATS:
        columns[name] = _lists(groups, name, np.float32)
    columns["t_ns"] = _lists(groups, "t_ns", np.int64)
    columns["flags"] = _lists(groups, "flags", np.uint64)
    for name in STATUSES:
        columns[name] = _status_lists([getattr(chunk, name) for chunk in rows])
    return pa.table(columns)


def _by_shape(chunks: Sequence[CanonicalChunk]) -> list[list[CanonicalChunk]]:
    groups: defaultdict[tuple[Any, ...], list[CanonicalChunk]] = defaultdict(list)
    for chunk in chunks:
        present = tuple(getattr(chunk, name) is not None for name in FLOATS)
        groups[chunk.frames, chunk.channels, present].append(chunk)
    return list(groups.values())


def _lists(groups: Sequence[Sequence[CanonicalChunk]], name: str, dtype: Any) -> pa.ListArray:
    """One list a row, joint-major: [n, T, …] of each group becomes n lists of width · T values."""
    lengths: list[npt.NDArray[np.int64]] = []
    values = [np.empty(0, dtype)]
    for group in groups:
        arrays = [getattr(chunk, name) for chunk in group]
        size = 0
        if arrays[0] is not None:
            frames = len(arrays[0])
            stacked = np.concatenate(arrays).reshape(len(group), frames, -1)
            values.append(stacked.transpose(0, 2, 1).reshape(-1))
            size = arrays[0].size
        lengths.append(np.full(len(group), size))
    return pa.ListArray.from_arrays(
        _offsets(np.concatenate(lengths)), pa.array(np.concatenate(values))
    )


def _status_lists(statuses: Sequence[U8]) -> pa.ListArray:
    """A status that is the same in every frame is stored once."""
    kept = [s[:1] if len(s) > 1 and bool((s == s[0]).all()) else s for s in statuses]
    lengths = np.fromiter((s.size for s in kept), np.int64, len(kept))
    values = np.concatenate(kept).reshape(-1)
    return pa.ListArray.from_arrays(_offsets(lengths), pa.array(values))


def _offsets(lengths: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
