"""Where a limb's end is from its proximal centre, as one constant vector per body; limbs of a make.

By its joints: from the shoulder's or hip's centre, fixed in torso or pelvis, through the joints'
origins to the centre of wrist or ankle. That is where the end really is.

Along its segments: length times direction of upper and fore. The two differ where a shoulder's or
hip's axes do not meet in a point (Unitree G1: by up to 9 % of arm length). A robot's own motion is
followed along the segments, or the robot would not get its own joints back; `limb_makes` tells by
which geometry a motion was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.body import SEGMENT_INDEX
from streams.body_tree import BodyTree
from streams.kernels.frames import rotation_of_quat

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

# Figures that agree to this are the same: descriptions of one robot differ by rounding.
_MAKE_DIGITS = 6


def reach_by_joints(
    tree: BodyTree, bodies: Sequence[int], slide_m: F64, ends: tuple[str, str], length_m: float
) -> F64 | None:
    """What each body adds on the way from the proximal to the distal centre, / limb length.

    Args:
        tree: The robot.
        bodies: Base body, then those along the limb.
        slide_m: [N] how far each joint slides at rest; 0 where it turns.
        ends: Segments whose key points are the two centres.
        length_m: Limb length.

    Returns:
        [N + 1, 3] in the bodies' frames; None where a centre is on none of them.
    """
    bodies = list(bodies)
    start, end = (int(tree.point_body[SEGMENT_INDEX[s]]) for s in ends)
    if start not in bodies or end not in bodies:
        return None
    reach = np.zeros((len(bodies), 3))
    for b in range(bodies.index(start), bodies.index(end)):
        fixed = tree.fixed[bodies[b + 1] - 1]
        reach[b] = fixed[:3] + slide_m[b] * rotation_of_quat(fixed[3:])[:, 2]
    reach[bodies.index(start)] -= tree.point[SEGMENT_INDEX[ends[0]]]
    reach[bodies.index(end)] += tree.point[SEGMENT_INDEX[ends[1]]]
    return reach / length_m


def reach_along_segments(count: I32, seg_q: F64, length: F64, bodies: int) -> F64:
    """The same, along -z of upper and fore.

    Args:
        count: [3] joints before upper, fore and end.
        seg_q: [4, 4] body <- segment of upper, fore, end (the last, of the base, is not read).
        length: [2] of upper and fore, as fractions of their sum.
        bodies: N + 1.
    """
    reach = np.zeros((bodies, 3))
    for s in range(2):
        reach[count[s]] -= length[s] * rotation_of_quat(seg_q[s])[:, 2]
    return reach


def limb_make(count: I32, fixed: F64, seg_q: F64, reach: F64, length: F64) -> str:
    """A limb's geometry as a short hash: equal for robots whose limb moves and measures alike.

    count, seg_q, length as above; fixed: [N, 4] rotations between the bodies; reach: [N + 1, 3] by
    its joints.
    """
    turned = [rotation_of_quat(q) for q in (*fixed, *seg_q)]
    figures = np.concatenate([*(r.ravel() for r in turned), reach.ravel(), length])
    rounded = np.round(figures, _MAKE_DIGITS) + 0.0
    return hashlib.sha256(count.astype("<i4").tobytes() + rounded.tobytes()).hexdigest()[:16]
