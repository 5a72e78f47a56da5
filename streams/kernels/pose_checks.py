"""Where the vendor says its hands are, against where the joints say they are."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.quaternion import rotate
from streams.kernels.session_rows import HAND_POSE, hit

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# What is carried of a hand: where the vendor's point lies in it, on average; s; how far it is off.
MEAN, SETTLED_S, OFF = 0, 3, 4
POSE = 5

_TAU_S = 20.0
_OFF_TAU_S = 0.5
_SETTLES_S = 2.0


@numba.njit(cache=True)
def check_pose(
    side: int, stamp_ns: I64, last_ns: int, first_frame: int, told: F64, hand: F32,
    bound: float, state: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Look at T frames of one hand.

    The vendor's point may be any point of the hand, but always the same one.

    Args:
        side: 0 left, 1 right.
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before.
        first_frame: index of the chunk's first frame.
        told: [T, 3] m, the vendor's point in the pelvis frame.
        hand: [T, 7] xyz + wxyz by forward kinematics.
        bound: m that is too much.
        state: [POSE] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    for t in range(stamp_ns.shape[0]):
        passed_s = float(stamp_ns[t] - last_ns) * 1e-9
        last_ns = stamp_ns[t]
        px, py, pz = told[t, 0] - hand[t, 0], told[t, 1] - hand[t, 1], told[t, 2] - hand[t, 2]
        x, y, z = rotate(hand[t, 3], -hand[t, 4], -hand[t, 5], -hand[t, 6], px, py, pz)
        if not math.isfinite(x + y + z) or passed_s < 0.0 or passed_s > 1.0:
            continue
        weight = min(passed_s / min(_TAU_S, state[SETTLED_S] + 1e-9), 1.0)
        if state[SETTLED_S] == 0.0:
            weight = 1.0
        state[SETTLED_S] = min(state[SETTLED_S] + max(passed_s, 1e-9), 1e3)
        state[MEAN] += weight * (x - state[MEAN])
        state[MEAN + 1] += weight * (y - state[MEAN + 1])
        state[MEAN + 2] += weight * (z - state[MEAN + 2])
        dx, dy, dz = x - state[MEAN], y - state[MEAN + 1], z - state[MEAN + 2]
        off = math.sqrt(dx * dx + dy * dy + dz * dz)
        state[OFF] += min(passed_s / _OFF_TAU_S, 1.0) * (off - state[OFF])
        if state[SETTLED_S] > _SETTLES_S and state[OFF] > bound:
            hit(HAND_POSE + side, first_frame + t, 0, state[OFF], hits, worst)
