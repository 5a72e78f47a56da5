"""How each canonical segment lies in its link: orientations in the root link at zero configuration.

Pelvis, torso, head and feet are upright at zero. Long segments follow their joint centres and their
hinge. Hands follow the forearm, turned about it so that the palm's normal is right.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from schemas.body import Side
from schemas.embodiment_parts import Joint
from streams.kernels.frames import rotation_about

F64 = NDArray[np.float64]

# A hinge whose mid-range is this close to straight does not tell which way it flexes.
_UNDECIDED_RAD = 0.2

_AXES = {f"{s}{a}": f * np.eye(3)[i] for s, f in (("+", 1), ("-", -1)) for i, a in enumerate("xyz")}


def facing(forward: str, up: str) -> F64:
    """Rotation root <- pelvis from signed axes such as "-x" and "+z"."""
    x, z = _AXES[forward], _AXES[up]
    if abs(float(x @ z)) > 0:
        raise ValueError(f"forward {forward} and up {up} are not square to each other")
    return np.column_stack([x, np.cross(z, x), z])


def flexion_axis(joint: Joint, axis: F64, upper: F64, lower: F64, left: F64) -> tuple[F64, bool]:
    """The axis about which a hinge flexes positively, and whether its limits said so.

    A hinge flexes from straight towards the middle of its range. Where the limits do not tell, its
    axis is taken to point left with the limb as it stands at zero (elbow: right, by the sign of its
    canonical axis, which the caller applies).

    Args:
        joint: The hinge.
        axis: [3] its axis in the root link.
        upper: [3] proximal bone, proximal to distal centre.
        lower: [3] distal bone at zero.
        left: [3] the axis's expected direction where the limits do not tell.
    """
    u = upper - axis * float(upper @ axis)
    v = lower - axis * float(lower @ axis)
    straight = math.atan2(float(axis @ np.cross(v, u)), float(v @ u))
    if joint.lower is not None and joint.upper is not None:
        middle = 0.5 * (joint.lower + joint.upper) - straight
        # Without wrapping: a range is a range; straight is the nearest of its turns.
        middle -= 2 * math.pi * round(middle / (2 * math.pi))
        if abs(middle) > _UNDECIDED_RAD:
            return math.copysign(1.0, middle) * axis, True
    return (axis if float(axis @ left) >= 0 else -axis), False


def long_segment(bone: F64, y_axis: F64) -> F64:
    """Rotation whose -z runs along the bone and whose y is the hinge, made square to it."""
    z = -bone / np.linalg.norm(bone)
    y = y_axis - z * float(y_axis @ z)
    y /= np.linalg.norm(y)
    return np.column_stack([np.cross(y, z), y, z])


def hand_from_palm(forearm: F64, normal: F64, side: Side) -> F64:
    """The forearm's orientation turned about its z until the palm faces the thigh at neutral.

    Args:
        forearm: [3, 3] at zero configuration.
        normal: [3] out of the palm, in the same frame.
        side: Left palms face -y, right palms +y.
    """
    inward = -forearm[:, 1] if side == "left" else forearm[:, 1]
    z = forearm[:, 2]
    flat = normal - z * float(normal @ z)
    if float(np.linalg.norm(flat)) < 0.5:
        raise ValueError(f"{side} palm faces along the forearm")
    turn = math.atan2(float(z @ np.cross(inward, flat)), float(inward @ flat))
    turned: F64 = rotation_about(z, turn) @ forearm
    return turned


def palm_of_fingers(axes: F64, closing: F64, fingers: F64) -> F64:
    """Palm normal: where the fingertips go when the fingers close.

    Args:
        axes: [N, 3] finger flexion axes.
        closing: [N] sign of each joint's closing motion.
        fingers: [3] direction the open fingers point to.
    """
    tips = np.cross(axes * closing[:, None], fingers).sum(axis=0)
    normal: F64 = tips / np.linalg.norm(tips)
    return normal
