"""What a robot's slow checks rest on: joints that could be taken for each other, and signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.embodiment import Embodiment
from schemas.profile import Layout, Profile
from streams.kernels.session_rows import (
    ACTION_LAG,
    FOOT_SKATE,
    GRAVITY_TILT,
    HAND_FROZEN,
    HAND_POSE,
    HAND_STUCK,
    IMU_BIAS,
    IMU_NORM,
    SIGNAL_SKEW,
    WRONG_MODEL,
    WRONG_QUATERNION_ORDER,
)
from streams.signals import stands_on_feet

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

ROWS: tuple[tuple[int, str, str | None], ...] = (
    (IMU_NORM, "imu_norm", None),
    (GRAVITY_TILT, "gravity_tilt", None),
    (WRONG_QUATERNION_ORDER, "wrong_quaternion_order", None),
    (IMU_BIAS, "imu_bias", None),
    (ACTION_LAG, "action_lag", None),
    (SIGNAL_SKEW, "signal_skew", None),
    (WRONG_MODEL, "wrong_model", None),
    (HAND_FROZEN, "hand_frozen", "left_hand"),
    (HAND_FROZEN + 1, "hand_frozen", "right_hand"),
    (HAND_STUCK, "hand_stuck", "left_hand"),
    (HAND_STUCK + 1, "hand_stuck", "right_hand"),
    (HAND_POSE, "hand_pose", "left_hand"),
    (HAND_POSE + 1, "hand_pose", "right_hand"),
    (FOOT_SKATE, "foot_skate", "left_foot"),
    (FOOT_SKATE + 1, "foot_skate", "right_foot"),
)
"""Row of the kernels' tables, the check it is, and what of the robot it names."""

LAG_SAMPLE_S = 0.04
"""Delays are looked for in steps of this, or of a frame where frames come less often."""


@dataclass(frozen=True)
class HandPlan:
    """Channels of both hands' joints that are commanded; arguments of `hand_checks`."""

    start: I32
    channel: I32
    opened: F64
    closed: F64


@dataclass(frozen=True)
class SessionPlan:
    """Which joints could be taken for which, what follows what, and what of the IMU there is.

    Attributes:
        names: [C] of the native channels.
        channel: joints of the body's complexes; pairs of places in it, and whether they mirror
            each other, as in `motion_checks`.
        by_velocity: whether motion is compared with velocities, for want of commands.
        led: channels of joints that are commanded in every frame; turned: that have a velocity.
        stride: frames between two samples of a delay, `sample_s` apart.
        hands: None where no hand is commanded.
        mount: [7] the pelvis frame in the base's, xyz + wxyz; None where feet cannot be followed.
    """

    names: tuple[str, ...]
    channel: I32
    pair: I32
    is_mirror: I32
    by_velocity: bool
    limits: F64
    led: I32
    turned: I32
    stride: int
    sample_s: float
    hands: HandPlan | None
    mount: F64 | None
    is_quaternion: bool
    feels_up: bool
    has_clock: bool
    is_unix: bool
    rate_hz: float


def compile_session(profile: Profile, embodiment: Embodiment, limits: F64) -> SessionPlan:
    """Make a robot's slow checks ready; limits: [2 or more, C] lower and upper."""
    at = {name: c for c, name in enumerate(profile.channel_joints) if name is not None}
    watched = [j for chain in embodiment.complexes.values() for j in chain if j in at]
    place = {joint: w for w, joint in enumerate(watched)}
    table = np.array(_candidates(embodiment, watched, place), np.int32).reshape(-1, 3)
    channel = np.array([at[joint] for joint in watched], np.int32)
    stride = max(1, round(LAG_SAMPLE_S * profile.rate_hz))
    rotation = profile.base.rotation
    return SessionPlan(
        profile.channel_names,
        channel,
        np.ascontiguousarray(table[:, :2]),
        np.ascontiguousarray(table[:, 2]),
        all(group.action is None for group in profile.groups),
        limits,
        _with(profile, "action", channel),
        _with(profile, "velocity", channel),
        stride,
        stride / profile.rate_hz,
        hand_plan(profile, embodiment),
        _mount(profile, embodiment),
        rotation is not None and rotation.order in ("wxyz", "xyzw"),
        profile.base.imu_in_base,
        profile.clock.field is not None,
        profile.clock.epoch == "unix",
        profile.rate_hz,
    )


def _mount(profile: Profile, embodiment: Embodiment) -> F64 | None:
    """The pelvis frame in the base's, where the robot reports its base and stands on two feet."""
    base = profile.base
    if base.position is None or base.rotation is None or not stands_on_feet(embodiment):
        return None
    pelvis = embodiment.segments["pelvis"]
    return np.array([*pelvis.key_point_m, *pelvis.q_link_segment], np.float64)


def _with(profile: Profile, signal: str, channel: I32) -> I32:
    """Those channels that report a signal in every frame; of a sparse robot nobody knows."""
    has = [getattr(group, signal) is not None for group in profile.groups for _ in group.channels]
    whole = profile.layout is not Layout.SPARSE
    return np.array([c for c in channel if whole and has[c]], np.int32)


def hand_plan(profile: Profile, embodiment: Embodiment) -> HandPlan | None:
    """The commanded channels of each hand, with their values when open and when closed."""
    fingers = {
        f.joint: (f.dof, f.open, f.closed) for h in embodiment.hands.values() for f in h.joints
    }
    sides: dict[str, list[tuple[int, float, float]]] = {"left": [], "right": []}
    c = 0
    for group in profile.groups:
        for name in group.channels:
            dof, opened, closed = (
                (name, 0.0, 1.0) if group.dofs else fingers.get(name, ("", 0.0, 0.0))
            )
            side = dof.partition("_")[0]
            if side in sides and group.action is not None and opened != closed:
                sides[side].append((c, opened, closed))
            c += 1
    rows = sides["left"] + sides["right"]
    if not rows:
        return None
    channel, opens, closes = zip(*rows, strict=True)
    return HandPlan(
        np.array([0, len(sides["left"]), len(rows)], np.int32),
        np.array(channel, np.int32),
        np.array(opens),
        np.array(closes),
    )


def _candidates(
    embodiment: Embodiment, watched: list[str], place: Mapping[str, int]
) -> list[tuple[int, int, int]]:
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
    return pairs


def _pairs(
    joints: Iterable[tuple[str, str]], place: Mapping[str, int], mirror: int
) -> list[tuple[int, int, int]]:
    return [(place[a], place[b], mirror) for a, b in joints if a in place and b in place]
