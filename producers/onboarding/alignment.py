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
_USUAL_RAD = 0.1
# Below this cosine two directions say nothing of each other's sign.
_SQUARE = 0.2

_AXES = {f"{s}{a}": f * np.eye(3)[i] for s, f in (("+", 1), ("-", -1)) for i, a in enumerate("xyz")}


def facing(forward: str, up: str) -> F64:
    """Rotation root <- pelvis from signed axes such as "-x" and "+z"."""
    x, z = _AXES[forward], _AXES[up]
    if abs(float(x @ z)) > 0:
        raise ValueError(f"forward {forward} and up {up} are not square to each other")
    return np.column_stack([x, np.cross(z, x), z])


def flexion_axis(
    joint: Joint, axis: F64, upper: F64, lower: F64, pelvis: F64, y_sign: int
) -> tuple[F64, float]:
    """The axis about which a hinge flexes positively, and how clearly its limits say so (rad).

    What the limits say counts a little more where a human flexes so, too.

    A hinge flexes from straight towards the middle of its range. Where the limits do not tell, it
    flexes as in the neutral pose, the limb lifted from there to where its proximal bone is at zero;
    where its axis is square to that, too, so that the distal bone sinks, or comes forward.

    Args:
        joint: The hinge.
        axis: [3] its axis in the root link.
        upper: [3] proximal bone, proximal to distal centre.
        lower: [3] distal bone at zero.
        pelvis: [3, 3] root link <- pelvis.
        y_sign: Whether it flexes about +y or -y at neutral.
    """
    lifted = _lift(-pelvis[:, 2], upper / max(float(np.linalg.norm(upper)), 1e-9))
    usual = y_sign * lifted @ pelvis[:, 1]
    u = upper - axis * float(upper @ axis)
    v = lower - axis * float(lower @ axis)
    straight = math.atan2(float(axis @ np.cross(v, u)), float(v @ u))
    if joint.lower is not None and joint.upper is not None:
        middle = 0.5 * (joint.lower + joint.upper) - straight
        # Without wrapping: a range is a range; straight is the nearest of its turns.
        middle -= 2 * math.pi * round(middle / (2 * math.pi))
        if abs(middle) > _UNDECIDED_RAD:
            flexion = math.copysign(1.0, middle) * axis
            return flexion, abs(middle) + _USUAL_RAD * float(flexion @ usual)
    down, moves = -pelvis[:, 2], np.cross(axis, lower / max(float(np.linalg.norm(lower)), 1e-9))
    for signs in (float(axis @ usual), float(moves @ down), float(moves @ pelvis[:, 0])):
        if abs(signs) > _SQUARE:
            return math.copysign(1.0, signs) * axis, 0.0
    return axis, 0.0


def in_mirror(axis: F64, pelvis: F64) -> F64:
    """The axis of the other side: in the mirror between left and right it turns the other way."""
    seen: F64 = pelvis @ (np.array([-1.0, 1.0, -1.0]) * (pelvis.T @ axis))
    return seen


def _lift(down: F64, bone: F64) -> F64:
    """The shortest rotation from one unit vector to another."""
    about = np.cross(down, bone)
    sine = float(np.linalg.norm(about))
    if sine < 1e-9:
        return np.eye(3)
    turned: F64 = rotation_about(about / sine, math.atan2(sine, float(down @ bone)))
    return turned


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
