"""A motion in a vendor's own form: the profile read backwards, so it serves any profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from producers.fleet.motion import Motion
from producers.fleet.sparse_form import SparseFrames, sparse_frames, with_stamps
from schemas.blocks import Block, block_fields
from schemas.profile import CLOCK_NS, POSITION_SCALE, Group, Profile, Rotation, Source
from schemas.registry import Schema
from schemas.vendors import Vendor
from streams.body_plan import canonicalise, compile_plan

F64 = NDArray[np.float64]

GRAVITY = 9.80665
RUNNING = 1.0
"""Mode of a controller at work."""

STAMP_JITTER = 0.02
"""Standard deviation of the vendor's stamps, in nominal periods."""

_JSON_DIGITS = 6


@dataclass(frozen=True, slots=True)
class VendorLoop:
    """A motion loop of L frames, field by field as the vendor writes it.

    Attributes:
        blocks: bytes of all frames, and how many of them are one frame's.
        lists: entries of JSON lists, one a frame.
        constants: what stands once in a chunk.
        sparse: frames of the sparse layout, without stamps.
        stamp: the clock's field and block, None without a clock.
        passed_ns: [L] each frame's stamp since the loop began, a little off as stamps are.
    """

    profile: Profile
    rate_hz: float
    blocks: Mapping[str, tuple[bytes, int]]
    lists: Mapping[str, list[Any]]
    constants: Mapping[str, Any]
    sparse: SparseFrames | None
    stamp: Block | None
    passed_ns: NDArray[np.float64]

    @property
    def frames(self) -> int:
        """L."""
        return len(self.passed_ns)


def vendor_loop(vendor: Vendor, motion: Motion, seed: int) -> VendorLoop:
    """Write a motion in a vendor's form; fields the profile does not speak of are zero."""
    profile, schema = vendor.profile, vendor.schema
    rng = np.random.default_rng(seed)
    jitter = np.clip(rng.normal(0.0, STAMP_JITTER, motion.frames), -0.2, 0.2)
    blocks = block_fields(schema.document)
    fields = {} if profile.sparse else _fields(vendor, motion)
    clock = profile.clock.field
    return VendorLoop(
        profile=profile,
        rate_hz=motion.rate_hz,
        blocks={n: _block_rows(blocks[n], fields.get(n), motion) for n in blocks if n != clock},
        lists={n: rows for n, rows in _json_lists(schema, fields).items() if n != clock},
        constants=_json_constants(schema, motion.rate_hz),
        sparse=sparse_frames(vendor, motion, seed) if profile.sparse else None,
        stamp=blocks.get(clock) if clock else None,
        passed_ns=(np.arange(motion.frames) + jitter) * (1e9 / motion.rate_hz),
    )


def chunk_value(
    loop: VendorLoop, start: int, stop: int, first_frame: int, started_ns: int
) -> dict[str, Any]:
    """Frames [start, stop) of the loop as a chunk.

    Args:
        loop: what is played.
        start: first frame in the loop.
        stop: frame past the last.
        first_frame: index of the first in the session.
        started_ns: Unix time of the session's frame 0.
    """
    value: dict[str, Any] = dict(loop.constants)
    for name, (rows, size) in loop.blocks.items():
        value[name] = rows[start * size : stop * size]
    for name, entries in loop.lists.items():
        value[name] = entries[start:stop]
    clock = loop.profile.clock
    if clock.field is not None:
        epoch_ns = started_ns if clock.epoch == "unix" else 0
        epoch_ns += int((first_frame - start) * (1e9 / loop.rate_hz))
        stamps = loop.passed_ns[start:stop].astype(np.int64) + epoch_ns
        unit_ns = CLOCK_NS[clock.unit]
        if loop.sparse is not None:
            value |= with_stamps(loop.sparse, start, stamps // unit_ns)
        elif loop.stamp is None:
            value[clock.field] = (stamps / unit_ns).tolist()
        else:
            counted = stamps / unit_ns if loop.stamp.dtype.kind == "f" else stamps // unit_ns
            value[clock.field] = counted.astype(loop.stamp.dtype).tobytes()
    return value


def signal_values(group: Group, signal: str, values: F64) -> F64:
    """SI values of a group's channels as the vendor writes them. values: [L, K]."""
    signs: F64 = np.array(group.signs or (1,) * len(group.channels), dtype=np.float64)
    if signal == "temperature":
        return values
    if signal == "effort":
        return values * signs / group.effort_scale
    if group.dofs:
        closing = values * (group.closed - group.open)
        return closing if signal == "velocity" else group.open + closing
    return values * signs / POSITION_SCALE[group.unit]


def _fields(vendor: Vendor, motion: Motion) -> dict[str, F64]:
    """Each field the profile speaks of, as [L, K] in the vendor's units."""
    profile, schema = vendor.profile, vendor.schema
    parts: list[tuple[Source, F64]] = []
    at = 0
    for group in profile.groups:
        own = slice(at, at + len(group.channels))
        at = own.stop
        for signal in ("position", "velocity", "effort", "action", "temperature"):
            source = getattr(group, signal)
            if source is not None:
                values = getattr(motion, signal)[:, own]
                parts.append((source, signal_values(group, signal, values)))
    parts += _base_parts(profile, motion) + _told_parts(vendor, motion)
    widths = {name: block.columns for name, block in block_fields(schema.document).items()}
    fields: dict[str, F64] = {}
    for source, values in parts:
        start, stop = source.columns or (0, values.shape[1])
        width = max(widths.get(source.field, 0), stop)
        before = fields.get(source.field, np.zeros((motion.frames, 0)))
        field = np.zeros((motion.frames, max(width, before.shape[1])))
        field[:, : before.shape[1]] = before
        field[:, start:stop] = values
        fields[source.field] = field
    return fields


def _base_parts(profile: Profile, motion: Motion) -> list[tuple[Source, F64]]:
    """The base rolls from leg to leg and turns about no other axis: all orders of angles agree."""
    base, roll, zero = profile.base, motion.roll_rad, np.zeros(motion.frames)
    parts: list[tuple[Source, F64]] = []
    if base.position is not None:
        parts.append((base.position, np.stack([zero, zero, zero + 0.9], axis=1)))
    if base.rotation is not None:
        parts.append((base.rotation.source, _rotation(base.rotation, roll)))
    if base.angular_velocity is not None:
        parts.append((base.angular_velocity, np.stack([motion.roll_rad_s, zero, zero], axis=1)))
    if base.acceleration is not None:
        felt = GRAVITY * np.stack([zero, np.sin(roll), np.cos(roll)], axis=1)
        parts.append((base.acceleration, felt))
    return parts


def _told_parts(vendor: Vendor, motion: Motion) -> list[tuple[Source, F64]]:
    """What a robot says of itself: its controller runs, its hands are where its joints are."""
    profile = vendor.profile
    controller, hands = profile.controller, profile.hand_position
    parts: list[tuple[Source, F64]] = []
    if controller is not None:
        parts.append((controller.mode, np.full((motion.frames, 1), RUNNING)))
    if hands.left is not None or hands.right is not None:
        plan = compile_plan(
            vendor.embodiment, profile.channel_joints, profile.channel_dofs, profile.assume
        )
        palm = canonicalise(plan, motion.position, None).hand_pose[:, :, :3].astype(np.float64)
        sources = (hands.left, hands.right)
        parts += [(s, palm[:, side]) for side, s in enumerate(sources) if s is not None]
    return parts


def _rotation(rotation: Rotation, roll: F64) -> F64:
    zero = np.zeros(len(roll))
    if rotation.order in ("wxyz", "xyzw"):
        w, x = np.cos(roll / 2), np.sin(roll / 2)
        columns = [w, x, zero, zero] if rotation.order == "wxyz" else [x, zero, zero, w]
        return np.stack(columns, axis=1)
    angles = np.stack([roll, zero, zero], axis=1)
    return np.rad2deg(angles) if rotation.unit == "deg" else angles


def _block_rows(block: Block, values: F64 | None, motion: Motion) -> tuple[bytes, int]:
    if values is None:
        return bytes(motion.frames * block.row_bytes), block.row_bytes
    return values.astype(block.dtype).tobytes(), block.row_bytes


def _json_lists(schema: Schema, fields: Mapping[str, F64]) -> dict[str, list[Any]]:
    if schema.kind != "json":
        return {}
    rounded = {name: np.round(values, _JSON_DIGITS) for name, values in fields.items()}
    nested = {
        name: part.get("items", {}).get("type") == "array"
        for name, part in schema.document["properties"].items()
    }
    return {
        name: (values if nested[name] else values[:, 0]).tolist()
        for name, values in rounded.items()
    }


def _json_constants(schema: Schema, rate_hz: float) -> dict[str, float]:
    """A number that stands alone in a chunk is taken to be the time between two frames."""
    if schema.kind != "json":
        return {}
    properties = schema.document["properties"]
    return {
        name: round(1.0 / rate_hz, _JSON_DIGITS)
        for name, part in properties.items()
        if part.get("type") == "number"
    }
