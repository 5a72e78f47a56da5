"""The gyroscope against the orientation: its rates cannot add up to more than the base turned."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.session_rows import IMU_BIAS, hit

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# What is carried: the window's first orientation, the sum of turns since, s and frames, and how
# many windows have said the same.
W0, TURN, PASSED_S, FRAMES, AGREE = 0, 4, 7, 8, 9
GYRO = 10

WINDOW_S = 2.0
_LARGEST_TURN = 1.0
"""rad; the sum of larger turns depends on their order."""


@numba.njit(cache=True)
def check_gyro(
    stamp_ns: I64, last_ns: int, first_frame: int, quaternion: F64, angular_velocity: F64,
    bound: float, state: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Look at T frames.

    Whether the rates are in the base's frame or the world's does not matter: only how much they add
    up to is compared.

    Args:
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before.
        first_frame: index of the chunk's first frame.
        quaternion: [T, 4] wxyz.
        angular_velocity: [T, 3] rad/s.
        bound: rad/s that is too much.
        state: [GYRO] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    for t in range(stamp_ns.shape[0]):
        passed_s = float(stamp_ns[t] - last_ns) * 1e-9
        last_ns = stamp_ns[t]
        finite = math.isfinite(angular_velocity[t, 0]) and math.isfinite(quaternion[t, 0])
        if not finite or passed_s <= 0.0 or passed_s > 0.5 or state[PASSED_S] == 0.0:
            state[:] = 0.0
            for i in range(4):
                state[W0 + i] = quaternion[t, i] if finite else 0.0
            # A window is open; no time has passed in it.
            state[PASSED_S] = 1e-9 if finite else 0.0
            continue
        for i in range(3):
            state[TURN + i] += angular_velocity[t, i] * passed_s
        state[PASSED_S] += passed_s
        state[FRAMES] += 1.0
        if state[PASSED_S] < WINDOW_S:
            continue
        dot = 0.0
        for i in range(4):
            dot += state[W0 + i] * quaternion[t, i]
        turned = 2.0 * math.acos(min(abs(dot), 1.0))
        summed = math.sqrt(state[TURN] ** 2 + state[TURN + 1] ** 2 + state[TURN + 2] ** 2)
        excess = (summed - turned) / state[PASSED_S]
        agree = state[AGREE] + 1.0 if excess > bound and turned < _LARGEST_TURN else 0.0
        if agree >= 2.0:
            back = int(state[FRAMES] * (2.0 if agree == 2.0 else 1.0))
            hit(IMU_BIAS, first_frame + t, back, excess, hits, worst)
        state[:] = 0.0
        for i in range(4):
            state[W0 + i] = quaternion[t, i]
        state[PASSED_S], state[AGREE] = 1e-9, agree
