"""A motion as sparse frames: lists of entries keyed by device id, some missing in each frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from producers.fleet.motion import Motion
from schemas.profile import POSITION_SCALE, Group
from schemas.vendors import Vendor

ANSWER_SHARE = 0.95
"""How often a device answers in time to stand in a frame."""


@dataclass(frozen=True, slots=True)
class SparseFrames:
    """A loop of frames; a stamp is set in a copy when it is sent."""

    field: str
    stamp: str
    frames: list[dict[str, Any]]


def sparse_frames(vendor: Vendor, motion: Motion, seed: int) -> SparseFrames:
    """Write a motion in the sparse layout. What the profile does not speak of is zero or null."""
    profile = vendor.profile
    assert profile.sparse is not None
    assert profile.clock.field is not None
    frame_type = _item_type(vendor.schema.document, profile.sparse.frames)
    answered = np.random.default_rng(seed).random(motion.position.shape) < ANSWER_SHARE
    frames = [_blank(frame_type) for _ in range(motion.frames)]
    at = 0
    for group in profile.groups:
        for place, device in enumerate(group.ids):
            channel = at + place
            for entries, signals in _by_list(group, profile.sparse.entries).items():
                blank = _blank(_item_type(frame_type, entries))
                columns = {
                    name: _unit(group, signal, getattr(motion, signal)[:, channel], place).tolist()
                    for name, signal in signals.items()
                }
                for frame in np.flatnonzero(answered[:, channel]).tolist():
                    entry = {**blank, profile.sparse.id: device}
                    entry.update({name: column[frame] for name, column in columns.items()})
                    frames[frame][entries].append(entry)
        at += len(group.channels)
    return SparseFrames(profile.sparse.frames, profile.clock.field, frames)


def with_stamps(sparse: SparseFrames, start: int, stamps: NDArray[np.int64]) -> dict[str, Any]:
    """Frames from a place in the loop on, one for each stamp."""
    taken = sparse.frames[start : start + len(stamps)]
    return {
        sparse.field: [
            {**frame, sparse.stamp: stamp}
            for frame, stamp in zip(taken, stamps.tolist(), strict=True)
        ]
    }


def zero_of(kind: Any) -> Any:
    """An Avro type's plainest value; devices are online."""
    if isinstance(kind, list):
        return None if "null" in kind else zero_of(kind[0])
    if isinstance(kind, Mapping):
        return [] if kind["type"] == "array" else zero_of(kind["type"])
    return {"boolean": True, "string": "", "bytes": b"", "float": 0.0, "double": 0.0}.get(kind, 0)


def _blank(record: Mapping[str, Any]) -> dict[str, Any]:
    return {field["name"]: zero_of(field["type"]) for field in record["fields"]}


def _by_list(group: Group, entries: str) -> dict[str, dict[str, str]]:
    """Per list of entries: which field holds which signal."""
    lists: dict[str, dict[str, str]] = {}
    for signal in ("position", "velocity", "effort", "action", "temperature"):
        source = getattr(group, signal)
        if source is not None:
            lists.setdefault(source.entries or entries, {})[source.field] = signal
    return lists


def _unit(group: Group, signal: str, values: NDArray[np.float64], place: int) -> Any:
    if signal == "temperature":
        return values
    sign = group.signs[place] if group.signs else 1
    scale = group.effort_scale if signal == "effort" else POSITION_SCALE[group.unit]
    return values * (sign / scale)


def _item_type(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found: Iterator[Mapping[str, Any]] = (
        part["type"]["items"] for part in record["fields"] if part["name"] == field
    )
    return next(found)
