"""The tables that checks write findings into, and the place of each check in them."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
F64 = npt.NDArray[np.float64]
U64 = npt.NDArray[np.uint64]

# Written out, not looked up: numba keeps compiled kernels by their source alone.
GAP, JITTER, DUPLICATE_STAMP, OUT_OF_ORDER = 0, 1, 2, 3
NON_FINITE, MISSING_VALUE, JOINT_LIMIT, FROZEN_JOINT, NEAR_POLE = 4, 5, 6, 7, 8
BURST, STALE_FRAME, SEQUENCE_GAP, FRAME_LOSS, RATE = 9, 10, 11, 12, 13
WRONG_CLOCK_UNIT, ZERO_ORDER_HOLD = 14, 15
VELOCITY_LIMIT, ACCELERATION, JERK, SPIKE, ENCODER_WRAP = 16, 17, 18, 19, 20
SATURATION, CHATTER, NOISE_STEP, QUANTISATION, COMMAND_LIMIT = 21, 22, 23, 24, 25
EFFORT_LIMIT, TRACKING_ERROR, TRACKING_BIAS = 26, 27, 28
TEMPERATURE, EMERGENCY_STOP, MODE_CHANGE = 29, 30, 31
ROWS = 32
"""Rows of the tables; the order is that of `schemas.checks.FRAME_CHECKS`, and so are the bits."""

COUNT, FIRST, LAST = range(3)


@numba.njit(cache=True)
def note(
    flags: U64, table: I32, worst: F64, row: int, column: int, t: int, back: int, value: float
) -> None:
    """Enter one flagged frame.

    flags: [T]; table: [ROWS, C, 3] count, first and last frame of the chunk; worst: [ROWS, C];
    t: the frame; back: how many frames before it the defect began.
    """
    flags[t] |= np.uint64(1) << np.uint64(row)
    if table[row, column, COUNT] == 0:
        table[row, column, FIRST] = t - back
        worst[row, column] = value
    table[row, column, COUNT] += 1
    table[row, column, FIRST] = min(table[row, column, FIRST], t - back)
    table[row, column, LAST] = t
    if abs(value) > abs(worst[row, column]):
        worst[row, column] = value
