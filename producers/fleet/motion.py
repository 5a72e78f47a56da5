"""Half a minute of one robot's motion as arrays, made once and played round and round.

What the sensors add is stated here: encoders of 14 bits with noise of half a step, velocity with
0.01 rad/s of noise, effort with 0.5 % of its limit; hands report steps of a thousandth; commands
lead by 60 ms. Positions keep clear of the limits by more than all of this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producers.fleet.joint_map import Drive, drives
from producers.fleet.skills import SKILLS, Skill, skill_angles
from schemas.body import DOF_INDEX
from schemas.embodiment_parts import FingerJoint, Joint
from schemas.vendors import Vendor

F64 = NDArray[np.float64]

ENCODER_STEP = 2 * np.pi / 2**14
HAND_STEP = 1e-3
VELOCITY_NOISE = 0.01
EFFORT_NOISE = 0.005
WARM_C = 41.0
COMMAND_LEAD_S = 0.06
PAUSE_S = 1.5
SKILLS_PER_LOOP = 3

_DEFAULT_EFFORT = 20.0
_MARGIN_RAD = 0.02
_VELOCITY_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Span:
    """An episode of the loop: frames [start, stop) and what happens in them."""

    start: int
    stop: int
    name: str
    skill: Skill


@dataclass(frozen=True, slots=True)
class Motion:
    """A loop of L frames in SI units, by the profile's channels.

    position, velocity, effort, action: [L, C] rad, rad/s, N m, rad; hands 0 open ... 1 closed.
    temperature: [L, C] degrees Celsius.
    roll_rad, roll_rad_s: [L] of the base.
    """

    rate_hz: float
    position: F64
    velocity: F64
    effort: F64
    action: F64
    temperature: F64
    roll_rad: F64
    roll_rad_s: F64
    spans: tuple[Span, ...]

    @property
    def frames(self) -> int:
        """L."""
        return len(self.position)


def build_motion(vendor: Vendor, seed: int, rate_hz: float, chunk_frames: int) -> Motion:
    """A loop whose episodes begin and end between chunks; the same seed gives the same loop."""
    rng = np.random.default_rng(seed)
    channels = _channels(vendor)
    angles, spans = _loop_angles(_possible(channels), rng, rate_hz, chunk_frames)
    columns = [_column(channel, angles, rate_hz) for channel in channels]
    clean = np.stack(columns, axis=1)
    velocity = periodic_rate(clean, rate_hz)
    steps = np.array([ENCODER_STEP if c.dof is None else HAND_STEP for c in channels])
    limits = np.array([c.effort for c in channels])
    noisy = clean + rng.normal(0.0, 0.5, clean.shape) * steps
    position = np.round(noisy / steps) * steps
    hands = np.array([c.dof is not None for c in channels])
    position[:, hands] = np.clip(position[:, hands], 0.0, 1.0)
    roll = 0.03 * (angles[:, _LEFT_HIP] - angles[:, _RIGHT_HIP])
    return Motion(
        rate_hz=rate_hz,
        position=position,
        velocity=velocity + rng.normal(0.0, VELOCITY_NOISE, clean.shape),
        effort=_effort(clean, velocity, rate_hz, limits)
        + rng.normal(0.0, EFFORT_NOISE, clean.shape) * limits,
        action=np.roll(clean, -max(1, round(COMMAND_LEAD_S * rate_hz)), axis=0),
        temperature=WARM_C + rng.normal(0.0, 0.1, clean.shape),
        roll_rad=roll,
        roll_rad_s=periodic_rate(roll, rate_hz),
        spans=spans,
    )


def periodic_rate(values: F64, rate_hz: float) -> F64:
    """Central differences of a loop over time. values: [L, ...]."""
    rate: F64 = (np.roll(values, -1, axis=0) - np.roll(values, 1, axis=0)) * (rate_hz / 2.0)
    return rate


def fit(values: F64, lower: float | None, upper: float | None) -> F64:
    """Move, and if need be shrink, a motion so that it stays clear of its limits. values: [L]."""
    if lower is None or upper is None:
        return values
    margin = min(_MARGIN_RAD, 0.05 * (upper - lower))
    low, high = lower + margin, upper - margin
    least, most = float(values.min()), float(values.max())
    if most - least > high - low:
        return low + (values - least) * ((high - low) / (most - least))
    return values + (max(0.0, low - least) - max(0.0, most - high))


_LEFT_HIP = DOF_INDEX["left_hip_flexion"]
_RIGHT_HIP = DOF_INDEX["right_hip_flexion"]


@dataclass(frozen=True, slots=True)
class _Channel:
    """A channel of the profile: the joint it is and what drives it, or a hand DoF, or neither.

    A finger's joint follows its hand's DoF.
    """

    joint: Joint | None = None
    drive: Drive | None = None
    dof: str | None = None
    finger: FingerJoint | None = None

    @property
    def effort(self) -> float:
        return (self.joint and self.joint.effort) or _DEFAULT_EFFORT


def _channels(vendor: Vendor) -> list[_Channel]:
    joints = {joint.name: joint for joint in vendor.embodiment.joints}
    by_joint = {drive.joint: drive for drive in drives(vendor.embodiment)}
    fingers = {f.joint: f for hand in vendor.embodiment.hands.values() for f in hand.joints}
    return [
        _Channel(joints[name], by_joint.get(name), finger=fingers.get(name))
        if group.joints
        else _Channel(dof=name if group.dofs else None)
        for group in vendor.profile.groups
        for name in group.channels
    ]


def _possible(channels: list[_Channel]) -> list[str]:
    """Skills that move the arms or legs the robot has."""
    dofs = {c.drive.dof for c in channels if c.drive is not None}
    legs = "left_hip_flexion" in dofs and "right_hip_flexion" in dofs
    return [name for name in SKILLS if (name == "walk" and legs) or name != "walk"]


def _loop_angles(
    names: list[str], rng: np.random.Generator, rate_hz: float, chunk_frames: int
) -> tuple[F64, tuple[Span, ...]]:
    """Canonical angles [L, 44] of some skills in turn, with a pause before each."""
    pieces: list[F64] = []
    spans: list[Span] = []
    at = 0
    for name in rng.permutation(names)[:SKILLS_PER_LOOP]:
        skill = SKILLS[str(name)]
        pause = _whole_chunks(PAUSE_S * rate_hz, chunk_frames)
        frames = _whole_chunks(skill.seconds * rng.uniform(0.85, 1.2) * rate_hz, chunk_frames)
        moves = skill_angles(skill, frames, rate_hz, size=rng.uniform(0.85, 1.1))
        pieces += [np.repeat(moves[:1], pause, axis=0), moves]
        spans.append(Span(at + pause, at + pause + frames, str(name), skill))
        at += pause + frames
    angles = np.concatenate(pieces)
    # Nobody stands quite still: a slow sway that closes with the loop.
    sway = np.sin(2 * np.pi * np.arange(at) / at * max(1, round(at / rate_hz / 5.0)))
    for dof in ("waist_pitch", "neck_pitch", "neck_yaw"):
        angles[:, DOF_INDEX[dof]] += rng.uniform(0.005, 0.015) * sway
    return angles, tuple(spans)


def _whole_chunks(frames: float, chunk_frames: int) -> int:
    return max(2, round(frames / chunk_frames)) * chunk_frames


def _column(channel: _Channel, angles: F64, rate_hz: float) -> F64:
    """One channel's true position over the loop. Returns [L]."""
    if channel.dof is not None:
        return np.clip(angles[:, DOF_INDEX[channel.dof]], 0.0, 1.0)
    joint, drive = channel.joint, channel.drive
    if joint is None:
        return np.zeros(len(angles))
    values = np.zeros(len(angles))
    if drive is not None:
        values = drive.at_zero + drive.scale * angles[:, DOF_INDEX[drive.dof]]
    elif channel.finger is not None:
        opened, closed = channel.finger.open, channel.finger.closed
        share = np.clip(angles[:, DOF_INDEX[channel.finger.dof]], 0.0, 1.0)
        values = opened + share * (closed - opened)
    values = fit(values, joint.lower, joint.upper)
    fastest = np.abs(periodic_rate(values, rate_hz)).max()
    if joint.velocity and fastest > _VELOCITY_SHARE * joint.velocity:
        middle = values.mean()
        values = middle + (values - middle) * (_VELOCITY_SHARE * joint.velocity / fastest)
    return values


def _effort(position: F64, velocity: F64, rate_hz: float, limits: F64) -> F64:
    """A plausible load: some to hold the posture, some to speed up, within the limit. [L, C]."""
    hold = 0.2 * np.tanh(position - position.mean(axis=0))
    speed_up = 0.02 * periodic_rate(velocity, rate_hz)
    share: F64 = np.clip(hold + speed_up, -0.9, 0.9)
    return share * limits
