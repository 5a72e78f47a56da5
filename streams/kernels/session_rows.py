"""Where a session's checks of the whole robot and its hands write what they find."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

IMU_NORM, GRAVITY_TILT, WRONG_QUATERNION_ORDER, IMU_BIAS = 0, 1, 2, 3
ACTION_LAG, SIGNAL_SKEW, WRONG_MODEL = 4, 5, 6
# Two rows each: left, right.
HAND_FROZEN, HAND_STUCK, HAND_POSE, FOOT_SKATE = 7, 9, 11, 13
SESSION_ROWS = 15

COUNT, FIRST, LAST = range(3)


@numba.njit(cache=True)
def hit(row: int, frame: int, back: int, value: float, hits: I64, worst: F64) -> None:
    """Enter one frame.

    Args:
        row: which check.
        frame: index in the session.
        back: how many frames before it the defect began.
        value: what is found.
        hits: [SESSION_ROWS, 3] count, first and last frame; changed.
        worst: [SESSION_ROWS] changed.
    """
    if hits[row, COUNT] == 0:
        hits[row, FIRST] = frame - back
    hits[row, FIRST] = min(hits[row, FIRST], frame - back)
    hits[row, COUNT] += 1
    hits[row, LAST] = frame
    if abs(value) > abs(worst[row]):
        worst[row] = value
