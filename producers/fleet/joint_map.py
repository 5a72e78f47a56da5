"""Which joint of a robot makes which canonical angle, read off its axes at the neutral pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.body import COMPLEXES, Complex, dof_axis
from schemas.embodiment import Embodiment
from schemas.embodiment_parts import Joint

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drive:
    """A joint that makes a DoF: value = at_zero + scale x angle."""

    joint: str
    dof: str
    at_zero: float
    scale: float


def drives(embodiment: Embodiment) -> tuple[Drive, ...]:
    """The joints that a canonical pose sets; each DoF is given to the joint best aligned with it.

    Exact where axes are orthogonal, as on most robots; elsewhere near enough for simulated motion.
    """
    if embodiment.kind == "joint_level":
        # angle = sign x value + offset, so value = sign x (angle - offset).
        return tuple(
            Drive(m.joint, m.dof, -m.sign * m.offset_rad, m.sign) for m in embodiment.measures
        )
    axes, turned = _at_neutral(embodiment)
    found: list[Drive] = []
    for complex_ in COMPLEXES:
        chain = embodiment.complexes[complex_.name]
        # A parent that the robot cannot bring to neutral keeps its constant turn.
        seen = turned.get(complex_.parent, turned["pelvis"]).T
        found += _complex_drives(complex_, {name: seen @ axes[name] for name in chain}, embodiment)
    for hand in embodiment.hands.values():
        found += [Drive(f.joint, f.dof, f.open, f.closed - f.open) for f in hand.joints]
    return tuple(found)


def _complex_drives(complex_: Complex, axes: dict[str, F64], embodiment: Embodiment) -> list[Drive]:
    alignment = {
        (joint, dof): float(axis @ dof_axis(dof))
        for joint, axis in axes.items()
        for dof in complex_.dofs
    }
    found: list[Drive] = []
    while alignment:
        joint, dof = max(alignment, key=lambda pair: abs(alignment[pair]))
        neutral = embodiment.neutral.get(joint, 0.0)
        found.append(Drive(joint, dof, neutral, float(np.sign(alignment[joint, dof]) or 1.0)))
        alignment = {
            pair: a for pair, a in alignment.items() if pair[0] != joint and pair[1] != dof
        }
    return found


def _at_neutral(embodiment: Embodiment) -> tuple[dict[str, F64], dict[str, F64]]:
    """Unit axis of each joint and orientation of each segment, in the root link, at neutral."""
    rotation = {embodiment.root: np.eye(3)}
    axes: dict[str, F64] = {}
    for joint in embodiment.joints:
        at_zero = rotation[joint.parent] @ matrix_of(np.array(joint.q_parent_link))
        axes[joint.name] = at_zero @ np.array(joint.axis)
        rotation[joint.link] = at_zero @ _turned(joint, embodiment.neutral.get(joint.name, 0.0))
    segments = embodiment.segments.items()
    return axes, {
        name: rotation[segment.link] @ matrix_of(np.array(segment.q_link_segment))
        for name, segment in segments
    }


def _turned(joint: Joint, value: float) -> F64:
    if joint.kind != "revolute":
        return np.eye(3)
    half = value / 2.0
    return matrix_of(np.array([np.cos(half), *(np.sin(half) * np.array(joint.axis))]))


def matrix_of(q: F64) -> F64:
    """Rotation matrix of a unit quaternion wxyz."""
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
