"""What a simulated robot does, in canonical angles: reach, pick and place, fold, walk, wave.

A skill is keyframes of degrees of freedom joined by minimum-jerk moves, plus, for what repeats,
oscillations under a smooth envelope. It begins and ends at rest, so skills follow each other.
Names without a side stand for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from schemas.body import DOF_INDEX, DOFS, FINGER_DOFS

F64 = NDArray[np.float64]
Pose = Mapping[str, float]
Cycle = Callable[[F64], dict[str, F64]]
"""Angles to add over a phase in turns. phase: [T]."""

REST: Pose = {"shoulder_flexion": 0.05, "shoulder_abduction": 0.12, "elbow_flexion": 0.35}


@dataclass(frozen=True)
class Skill:
    """One kind of episode.

    Attributes:
        task: what the station calls it.
        scene: where it happens.
        seconds: how long it takes.
        keyframes: share of the time, and the pose there; DoFs not named are at rest.
        hz: cycles a second of `cycle`.
        cycle: what repeats.
    """

    task: str
    scene: str
    seconds: float
    keyframes: tuple[tuple[float, Pose], ...] = ()
    hz: float = 0.0
    cycle: Cycle | None = field(default=None)


def _grip(side: str, share: float) -> dict[str, float]:
    return {f"{side}_{finger}": share for finger in FINGER_DOFS}


def _walk(phase: F64) -> dict[str, F64]:
    """Legs in turn; the ankle keeps the sole level, the arms swing against the legs."""
    angles: dict[str, F64] = {}
    for side, other, shift in (("left", "right", 0.0), ("right", "left", 0.5)):
        swing = np.maximum(0.0, np.sin(2 * np.pi * (phase + shift))) ** 2
        angles[f"{side}_hip_flexion"] = 0.45 * swing
        angles[f"{side}_knee_flexion"] = 0.85 * swing
        angles[f"{side}_ankle_dorsiflexion"] = 0.4 * swing
        angles[f"{other}_shoulder_flexion"] = 0.3 * swing
    angles["waist_yaw"] = 0.06 * np.sin(2 * np.pi * phase)
    return angles


def _hand_wave(phase: F64) -> dict[str, F64]:
    swing = np.sin(2 * np.pi * phase)
    return {
        "right_shoulder_rotation": 0.35 * swing,
        "right_forearm_pronation": 0.15 * swing,
        "neck_yaw": 0.1 * swing,
    }


_REACHED: Pose = {
    "right_shoulder_flexion": 1.15,
    "right_shoulder_abduction": 0.2,
    "right_elbow_flexion": 0.6,
    "right_forearm_pronation": 0.4,
    "waist_pitch": 0.12,
    "neck_pitch": 0.3,
}
_OVER: Pose = {
    "right_shoulder_flexion": 0.9,
    "right_shoulder_abduction": 0.35,
    "right_elbow_flexion": 1.1,
    "right_wrist_flexion": 0.25,
    "neck_pitch": 0.35,
    "neck_yaw": -0.2,
}
_PLACED: Pose = {
    **_OVER,
    "right_shoulder_abduction": 0.05,
    "right_shoulder_rotation": 0.5,
    "waist_yaw": 0.4,
    "neck_yaw": 0.2,
}
_CLOTH: Pose = {
    "shoulder_flexion": 0.75,
    "shoulder_abduction": 0.45,
    "elbow_flexion": 1.0,
    "neck_pitch": 0.4,
    "waist_pitch": 0.15,
}
_FOLDED: Pose = {
    **_CLOTH,
    "shoulder_abduction": 0.1,
    "shoulder_rotation": 0.7,
    "wrist_flexion": 0.3,
    "wrist_deviation": 0.15,
}
_RAISED: Pose = {
    "right_shoulder_abduction": 1.35,
    "right_elbow_flexion": 1.45,
    "right_shoulder_rotation": -0.9,
}

SKILLS: Mapping[str, Skill] = {
    "reach": Skill(
        "reach for the cup and come back", "household", 6.0,
        ((0.45, {**_REACHED}), (0.55, {**_REACHED, **_grip("right", 0.5)})),
    ),
    "pick_and_place": Skill(
        "pick up the bottle and place it in the box", "factory", 9.0,
        (
            (0.25, {**_OVER}),
            (0.38, {**_OVER, "right_elbow_flexion": 0.85, **_grip("right", 0.8)}),
            (0.5, {**_OVER, **_grip("right", 0.8)}),
            (0.68, {**_PLACED, **_grip("right", 0.8)}),
            (0.78, {**_PLACED}),
        ),
    ),
    "fold": Skill(
        "fold the towel", "household", 10.0,
        (
            (0.2, {**_CLOTH}),
            (0.3, {**_CLOTH, **_grip("left", 0.9), **_grip("right", 0.9)}),
            (0.5, {**_FOLDED, **_grip("left", 0.9), **_grip("right", 0.9)}),
            (0.6, {**_FOLDED}),
            (0.8, {**_CLOTH}),
        ),
    ),
    "walk": Skill("walk on the spot", "household", 8.0, hz=0.8, cycle=_walk),
    "wave": Skill(
        "wave to the visitor", "household", 6.0, ((0.25, _RAISED), (0.8, _RAISED)),
        hz=1.2, cycle=_hand_wave,
    ),
}  # fmt: skip


def skill_angles(skill: Skill, frames: int, rate_hz: float, size: float = 1.0) -> F64:
    """Canonical angles of one execution.

    Args:
        skill: what to do.
        frames: T.
        rate_hz: of the frames.
        size: how wide the moves are, 1 = as written.

    Returns:
        [T, 44] rad, hands 0 open ... 1 closed; the first and last frame are at rest.
    """
    poses = [(0.0, _pose({})), *((at, _pose(p)) for at, p in skill.keyframes), (1.0, _pose({}))]
    share = np.linspace(0.0, 1.0, frames)
    angles = np.empty((frames, len(DOFS)))
    for (start, pose), (stop, next_pose) in pairwise(poses):
        inside = (share >= start) & (share <= stop)
        way = minimum_jerk((share[inside] - start) / (stop - start))
        angles[inside] = pose + way[:, None] * (next_pose - pose)
    rest = _pose({})
    angles = rest + size * (angles - rest)
    if skill.cycle is not None:
        envelope = minimum_jerk(np.clip(10.0 * np.minimum(share, 1.0 - share), 0.0, 1.0))
        for dof, added in skill.cycle(np.arange(frames) / rate_hz * skill.hz).items():
            angles[:, DOF_INDEX[dof]] += size * envelope * added
    return angles


def minimum_jerk(share: F64) -> F64:
    """The smoothest way from 0 to 1: position over a share of the time, both 0 ... 1."""
    return share**3 * (10.0 + share * (6.0 * share - 15.0))


def _pose(pose: Pose) -> F64:
    """A pose as 44 angles, from names with or without a side."""
    angles = np.zeros(len(DOFS))
    for name, value in {**REST, **pose}.items():
        for dof in (name, f"left_{name}", f"right_{name}"):
            if dof in DOF_INDEX:
                angles[DOF_INDEX[dof]] = value
    return angles
