"""The canonical human body: segments, degrees of freedom, signed axes, mirror map, status codes.

Frame: right-handed, x forward, y left, z up; metres and radians. In the neutral pose (upright,
arms hanging, palms facing the thighs, legs straight, feet forward, head level) all segment frames
are parallel to the pelvis frame. Anatomical angles are positive the same way on both sides, so a
mirrored motion swaps left and right and negates only the yaw and roll of waist and neck.

Order of everything listed: the trunk, then limb by limb, the left limb directly before the right
one (left arm, right arm, left leg, right leg, left hand, right hand). `COMPLEXES` go side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Side = Literal["left", "right"]
SIDES: Final[tuple[Side, Side]] = ("left", "right")


class Status(IntEnum):
    """Where a canonical value comes from, per frame and per DoF or segment."""

    MEASURED = 0
    DERIVED = 1
    IMPUTED = 2
    CLAMPED = 3
    ABSENT = 4


@dataclass(frozen=True, slots=True)
class Complex:
    """The joints between two neighbouring segments, and the angles that describe them.

    Attributes:
        name: One of `COMPLEXES`.
        parent: Proximal segment.
        child: Distal segment.
        order: Intrinsic Euler order of R(parent -> child), e.g. "ZXY"; one letter for a hinge,
            whose angle is the twist about that axis.
        dofs: Names of the DoFs in the order of `order` (ankle: two of three, the last is unnamed).
        signs: +1 or -1 for each DoF: positive angle about the positive or negative axis.
    """

    name: str
    parent: str
    child: str
    order: str
    dofs: tuple[str, ...]
    signs: tuple[int, ...]


def _trunk(name: str, parent: str, child: str) -> Complex:
    dofs = (f"{name}_yaw", f"{name}_roll", f"{name}_pitch")
    return Complex(name, parent, child, "ZXY", dofs, (1, 1, 1))


def _side(side: Side) -> tuple[Complex, ...]:
    # Axes turn about x or z mirror their sign between the sides, axes about y keep it.
    right = 1 if side == "right" else -1

    def joint(name: str, parent: str, child: str, order: str, **axes: int) -> Complex:
        dofs = tuple(f"{side}_{dof}" for dof in axes)
        own_parent = parent if parent in ("torso", "pelvis") else f"{side}_{parent}"
        signs = tuple(axes.values())
        return Complex(f"{side}_{name}", own_parent, f"{side}_{child}", order, dofs, signs)

    return (
        joint("shoulder", "torso", "upper_arm", "YXZ",
              shoulder_flexion=-1, shoulder_abduction=-right, shoulder_rotation=right),
        joint("elbow", "upper_arm", "forearm", "Y", elbow_flexion=-1),
        joint("wrist", "forearm", "hand", "ZXY",
              forearm_pronation=right, wrist_flexion=right, wrist_deviation=1),
        joint("hip", "pelvis", "thigh", "YXZ",
              hip_flexion=-1, hip_abduction=-right, hip_rotation=right),
        joint("knee", "thigh", "shank", "Y", knee_flexion=1),
        joint("ankle", "shank", "foot", "YXZ", ankle_dorsiflexion=-1, ankle_inversion=right),
    )  # fmt: skip


COMPLEXES: Final[tuple[Complex, ...]] = (
    Complex(
        "waist", "pelvis", "torso", "ZXY", ("waist_yaw", "waist_roll", "waist_pitch"), (1, 1, 1)
    ),
    Complex("neck", "torso", "head", "ZXY", ("neck_yaw", "neck_roll", "neck_pitch"), (1, 1, 1)),
    *_side("left"),
    *_side("right"),
)
COMPLEX_NAMES: Final[tuple[str, ...]] = tuple(c.name for c in COMPLEXES)
COMPLEX_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(COMPLEX_NAMES)}

_ARM = ("upper_arm", "forearm", "hand")
_LEG = ("thigh", "shank", "foot")
SEGMENTS: Final[tuple[str, ...]] = (
    "pelvis",
    "torso",
    "head",
    *(f"{side}_{part}" for limb in (_ARM, _LEG) for side in SIDES for part in limb),
)
SEGMENT_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(SEGMENTS)}

FINGER_DOFS: Final[tuple[str, ...]] = (
    "thumb_rotation",
    "thumb_flexion",
    "index_flexion",
    "middle_flexion",
    "ring_flexion",
    "little_flexion",
)


def _dofs_of(*complexes: str) -> tuple[str, ...]:
    return tuple(dof for name in complexes for dof in COMPLEXES[COMPLEX_INDEX[name]].dofs)


DOFS: Final[tuple[str, ...]] = (
    *_dofs_of("waist", "neck"),
    *(
        d
        for side in SIDES
        for d in _dofs_of(*(f"{side}_{c}" for c in ("shoulder", "elbow", "wrist")))
    ),
    *(d for side in SIDES for d in _dofs_of(*(f"{side}_{c}" for c in ("hip", "knee", "ankle")))),
    *(f"{side}_{finger}" for side in SIDES for finger in FINGER_DOFS),
)
DOF_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(DOFS)}
HAND_DOF_START: Final = DOF_INDEX["left_thumb_rotation"]

# Middle Euler angles beyond this leave the other two ill-conditioned: 0.1 deg of noise at 85 deg of
# abduction becomes 1.2 deg of flexion.
POLE_RAD: Final = math.radians(80.0)

LONG_SEGMENTS: Final[tuple[str, ...]] = tuple(
    f"{side}_{part}" for part in ("upper_arm", "forearm", "thigh", "shank") for side in SIDES
)

_AXIS: Final[dict[str, int]] = {"X": 0, "Y": 1, "Z": 2}


def dof_axis(dof: str) -> NDArray[np.float64]:
    """Signed unit axis a body DoF turns about at the neutral pose, in its parent segment's frame.

    Args:
        dof: A name of `DOFS` that is not a finger's.

    Returns:
        [3] unit vector, one of ±x, ±y, ±z.
    """
    for c in COMPLEXES:
        if dof in c.dofs:
            place = c.dofs.index(dof)
            axis = np.zeros(3)
            axis[_AXIS[c.order[place]]] = c.signs[place]
            return axis
    raise KeyError(f"{dof!r} is no body DoF")


def mirror_name(name: str) -> str:
    """The same DoF, segment or complex on the other side; trunk names stay."""
    for side, other in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(side):
            return other + name.removeprefix(side)
    return name


MIRROR_DOF: Final[NDArray[np.intp]] = np.array(
    [DOF_INDEX[mirror_name(d)] for d in DOFS], dtype=np.intp
)
MIRROR_SIGN: Final[NDArray[np.float64]] = np.array(
    [-1.0 if d in ("waist_yaw", "waist_roll", "neck_yaw", "neck_roll") else 1.0 for d in DOFS]
)
MIRROR_SEGMENT: Final[NDArray[np.intp]] = np.array(
    [SEGMENT_INDEX[mirror_name(s)] for s in SEGMENTS], dtype=np.intp
)


def mirror_angle(angle: NDArray[np.floating]) -> NDArray[np.floating]:
    """Canonical angles of the motion seen in a mirror (the x-z plane). angle: [..., 44]."""
    return angle[..., MIRROR_DOF] * MIRROR_SIGN.astype(angle.dtype)
