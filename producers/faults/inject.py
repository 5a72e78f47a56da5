"""Puts a defect of the catalogue into a take: which function does it, how hard, and where."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from producers.faults import body, episodes, mismatch, timing, values
from producers.faults.strike import Fault, Strike, Struck
from producers.faults.take import RawTake

FAULTS: Mapping[str, tuple[Fault, float, str]] = {
    "removed_frames": (timing.removed_frames, 1.0, "s"),
    "lost_chunks": (timing.lost_chunks, 1.0, "s"),
    "frame_loss": (timing.frame_loss, 0.1, "share of frames"),
    "jittered_stamps": (timing.jittered_stamps, 1.4, "nominal periods"),
    "duplicate_stamps": (timing.duplicate_stamps, 4.0, "every so many frames"),
    "swapped_frames": (timing.swapped_frames, 4.0, "every so many frames"),
    "bursts": (timing.bursts, 5.0, "frames"),
    "stale_frames": (timing.stale_frames, 3.0, "frames in a row"),
    "held_rate": (timing.stale_frames, 1.0, "frames in a row"),
    "wrong_rate": (timing.wrong_rate, 1.25, "times the period"),
    "wrong_clock_unit": (timing.wrong_clock_unit, 1000.0, "times the period"),
    "no_number": (values.no_number, 1.0, ""),
    "missing_field": (values.missing_field, 1.0, ""),
    "beyond_limit": (values.beyond_limit, 0.3, "rad"),
    "too_fast": (values.too_fast, 1.6, "times the limit of speed"),
    "too_hard": (values.too_hard, 300.0, "rad/s^2"),
    "spikes": (values.spikes, 0.4, "rad"),
    "encoder_wrap": (values.encoder_wrap, 1.0, "turns"),
    "saturated": (values.saturated, 0.4, "rad"),
    "chatter": (values.chatter, 0.03, "rad"),
    "noisier": (values.noisier, 0.012, "rad"),
    "coarse": (values.coarse, 0.015, "rad"),
    "frozen": (values.frozen, 1.0, ""),
    "command_beyond_limit": (values.command_beyond_limit, 0.2, "rad"),
    "overload": (values.overload, 1.5, "times the limit of effort"),
    "not_following": (values.not_following, 1.0, "rad"),
    "zero_moved": (values.zero_moved, 0.35, "rad"),
    "flipped_sign": (mismatch.flipped_sign, 1.0, ""),
    "permuted_joints": (mismatch.permuted_joints, 1.0, ""),
    "swapped_sides": (mismatch.swapped_sides, 1.0, ""),
    "swapped_everywhere": (mismatch.swapped_everywhere, 1.0, ""),
    "wrong_unit": (mismatch.wrong_unit, 180.0 / np.pi, "times the position"),
    "imu_scale": (mismatch.imu_scale, 1.33, "times the acceleration"),
    "imu_tilted": (mismatch.imu_tilted, 0.6, "rad"),
    "wrong_quaternion_order": (mismatch.wrong_quaternion_order, 1.0, ""),
    "gyro_bias": (body.gyro_bias, 0.3, "rad/s"),
    "sliding": (body.sliding, 0.6, "m/s"),
    "late_joints": (body.late_joints, 0.35, "s"),
    "late_velocity": (body.late_velocity, 0.25, "s"),
    "overheated": (body.overheated, 95.0, "degrees Celsius"),
    "stopped": (body.stopped, 1.0, ""),
    "mode_changed": (body.mode_changed, 2.0, "mode"),
    "hand_frozen": (body.hand_frozen, 1.0, ""),
    "hand_stuck": (body.hand_stuck, 0.02, "share of closing"),
    "other_model": (body.other_model, 0.5, "rad"),
    "hand_elsewhere": (body.hand_elsewhere, 1.4, "times the distance"),
    "stands_still": (episodes.stands_still, 0.95, "share of the take"),
    "cut_short": (episodes.cut_short, 0.5, "s"),
}
"""Per defect: what puts it in, its usual strength, the strength's unit."""

FROM_CONNECT = frozenset(
    {
        "flipped_sign",
        "permuted_joints",
        "swapped_sides",
        "swapped_everywhere",
        "wrong_unit",
        "late_joints",
        "late_velocity",
        "other_model",
        "hand_elsewhere",
    }
)
"""Defects of how a robot is wired and described: they are there from its first frame on."""


def inject(
    take: RawTake,
    defect: str,
    *,
    joint: str | None = None,
    frames: tuple[int, int] | None = None,
    strength: float | None = None,
    seed: int = 0,
) -> Struck:
    """Put a defect into a take.

    Args:
        take: a recording's or a simulated robot's.
        defect: its id in `schemas.defects`.
        joint: native name of the channel it strikes; the one that moves most by default.
        frames: first frame and frame past the last; by default the second third of the take, all
            of it for what is wrong from the start, the third in which a hand is told most for a
            frozen hand.
        strength: in the unit `FAULTS` gives; its usual one by default.
        seed: of what is random.

    Raises:
        KeyError: there is no such defect, or no such joint.
    """
    if defect not in FAULTS:
        raise KeyError(f"no defect {defect!r} can be injected; there are {', '.join(FAULTS)}")
    fault, usual, _ = FAULTS[defect]
    whole = defect in FROM_CONNECT
    start, stop = frames or ((0, take.frames) if whole else _usual_place(take, defect))
    if not (0 <= start < stop <= take.frames and (whole or 0 < start < stop < take.frames)):
        raise ValueError(f"frames {start}..{stop} do not lie within 1..{take.frames - 1}")
    channel = take.channels.index(joint) if joint else liveliest(take, start, stop)
    return fault(
        take,
        Strike(
            channel, start, stop, usual if strength is None else strength,
            np.random.default_rng(seed),
        ),
    )  # fmt: skip


def _usual_place(take: RawTake, defect: str) -> tuple[int, int]:
    third, at = take.frames // 3, take.frames // 3
    if defect == "hand_frozen":
        told = body.told_hands(take)
        starts = range(1, take.frames - third, max(1, third // 8))
        at = max(starts, key=lambda start: float(np.ptp(told[start : start + third], axis=0).max()))
    return at, at + third


def liveliest(take: RawTake, start: int, stop: int) -> int:
    """The joint that moves most in these frames, fingers left aside."""
    position = take.signal("position")
    assert position is not None
    action = take.signal("action")
    body = take.vendor.embodiment
    fingers = {f.joint for hand in body.hands.values() for f in hand.joints}
    # Joint by joint: a sparse robot's frames lack some.
    ways = np.full(position.shape[1], -1.0)
    for c, name in enumerate(take.vendor.profile.channel_joints):
        moves = position[start:stop, c]
        told = action is None or np.isfinite(action[start:stop, c]).any()
        if name is not None and name not in fingers and told and np.isfinite(moves).any():
            ways[c] = np.nanstd(moves)
    return int(np.argmax(ways))
