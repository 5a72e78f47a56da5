"""A chunk in another robot's joints: arrays in memory, blocks of bytes on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.codec import decode_one_of, encode
from schemas.registry import Schema, packaged

REACHABLE, CLAMPED, VELOCITY_LIMITED, RESEEDED = 1, 2, 4, 8
"""Bits of `solve`."""

_SCALARS = (
    "robot", "session", "sequence", "first_frame", "frames", "episode", "processing_id",
    "embodiment", "embodiment_hash", "code_version", "source_topic", "source_partition",
    "source_offset", "log_ms",
)  # fmt: skip
_BLOCKS = {"t_ns": "<i8", "position": "<f4", "status": "|u1", "residual_pct": "<f4",
           "residual_rad": "<f4", "solve": "|u1"}  # fmt: skip


@dataclass(slots=True)
class RetargetedChunk:
    """T frames of one robot in a target's J joints, L limbs; see `retargeted_chunk.avsc`.

    Attributes:
        t_ns: [T].
        position: [T, J] rad, m.
        status: [T, J] `schemas.body.Status`.
        residual_pct, residual_rad: [T, L].
        solve: [T, L] bits.
    """

    robot: str
    session: str
    sequence: int
    first_frame: int
    frames: int
    episode: str | None
    processing_id: str
    embodiment: str
    embodiment_hash: str
    code_version: int
    source_topic: str
    source_partition: int
    source_offset: int
    log_ms: int
    t_ns: npt.NDArray[np.int64]
    joints: tuple[str, ...]
    position: npt.NDArray[np.float32]
    status: npt.NDArray[np.uint8]
    limbs: tuple[str, ...]
    residual_pct: npt.NDArray[np.float32]
    residual_rad: npt.NDArray[np.float32]
    solve: npt.NDArray[np.uint8]


@cache
def retargeted_schema() -> Schema:
    """The schema of a retargeted chunk."""
    return packaged().named("retargeted_chunk")


def encode_retargeted(chunk: RetargetedChunk) -> bytes:
    """The value of a record on `retargeted.<embodiment>`."""
    record: dict[str, Any] = {name: getattr(chunk, name) for name in _SCALARS}
    record |= {"joints": list(chunk.joints), "limbs": list(chunk.limbs)}
    for name, dtype in _BLOCKS.items():
        record[name] = np.ascontiguousarray(getattr(chunk, name), dtype).tobytes()
    return encode(retargeted_schema(), record)


def decode_retargeted(data: bytes) -> RetargetedChunk:
    """Read a record of `retargeted.<embodiment>`; arrays are read-only views of its bytes."""
    _, record = decode_one_of(data, packaged(), ("retargeted_chunk",))
    frames = record["frames"]
    record["joints"], record["limbs"] = tuple(record["joints"]), tuple(record["limbs"])
    for name, dtype in _BLOCKS.items():
        flat = np.frombuffer(record[name], dtype)
        width = len(record["joints" if name in ("position", "status") else "limbs"])
        record[name] = flat if name == "t_ns" else flat.reshape(frames, width)
    return RetargetedChunk(**record)
