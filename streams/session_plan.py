"""What a robot's slow checks rest on: joints that could be taken for each other, and signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.embodiment import Embodiment
from schemas.profile import Profile

I32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class SessionPlan:
    """Which joints could be taken for which, and what of the IMU there is."""

    names: tuple[str, ...]
    channel: I32
    pair: I32
    is_mirror: I32
    by_velocity: bool
    is_quaternion: bool
    feels_up: bool
    has_clock: bool
    is_unix: bool
    rate_hz: float
    norm_off: float
    tilt_deg: float
    drift_ppm: float
    drift_after_s: float
    offset_s: float


def compile_session(profile: Profile, embodiment: Embodiment) -> SessionPlan:
    """Make a robot's slow checks ready."""
    at = {name: c for c, name in enumerate(profile.channel_joints) if name is not None}
    watched = [j for chain in embodiment.complexes.values() for j in chain if j in at]
    place = {joint: w for w, joint in enumerate(watched)}
    pairs = [(w, w, 0) for w in range(len(watched))]
    limbs: dict[str, list[str]] = {}
    for name, chain in embodiment.complexes.items():
        side, _, part = name.partition("_")
        limb = "arm" if part in ("shoulder", "elbow", "wrist") else "leg"
        key = f"{side}_{limb}" if part else name
        limbs.setdefault(key, []).extend(joint for joint in chain if joint in place)
        if side == "left":
            mirrored = embodiment.complexes.get(f"right_{part}", ())
            pairs += _pairs(zip(chain, mirrored, strict=False), place, 1)
    for chain_joints in limbs.values():
        inside = [(a, b) for i, a in enumerate(chain_joints) for b in chain_joints[i + 1 :]]
        pairs += _pairs(inside, place, 0)
    table = np.array(pairs, np.int32).reshape(-1, 3)
    rotation = profile.base.rotation
    return SessionPlan(
        profile.channel_names,
        np.array([at[joint] for joint in watched], np.int32),
        np.ascontiguousarray(table[:, :2]),
        np.ascontiguousarray(table[:, 2]),
        all(group.action is None for group in profile.groups),
        rotation is not None and rotation.order in ("wxyz", "xyzw"),
        profile.base.imu_in_base,
        profile.clock.field is not None,
        profile.clock.epoch == "unix",
        profile.rate_hz,
        profile.threshold("imu_norm"),
        profile.threshold("gravity_tilt"),
        profile.threshold("clock_drift"),
        profile.least("clock_drift"),
        profile.threshold("clock_offset"),
    )


def _pairs(
    joints: Iterable[tuple[str, str]], place: Mapping[str, int], mirror: int
) -> list[tuple[int, int, int]]:
    return [(place[a], place[b], mirror) for a, b in joints if a in place and b in place]
