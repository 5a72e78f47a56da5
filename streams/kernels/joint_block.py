"""A block of joints filled from a robot's arrays, frame by frame, and written back."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.joint_lanes import (
    ABSENT,
    FORCE,
    JOINT,
    LANES,
    LAST,
    LIMITS,
    LOWER,
    RATE,
    TOLD,
    VALUE,
)

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@numba.njit(cache=True)
def open_block(
    lane: F64, seen_ns: I64, first: int, limits: F64, last: F64, last_ns: I64, joint: F64
) -> int:
    """Fill a block's constant and carried rows from joint `first` on; returns how many it holds."""
    count: int = min(LANES, last.shape[0] - first)
    lane[:] = 0.0
    for i in range(LANES):
        seen_ns[i] = last_ns[first + min(i, count - 1)]
    for i in range(count):
        lane[LAST * LANES + i] = last[first + i]
    for row in range(JOINT):
        for i in range(count):
            lane[row * LANES + i] = joint[row, first + i]
    for row in range(LIMITS):
        for i in range(count):
            lane[(LOWER + row) * LANES + i] = limits[row, first + i]
    return count


@numba.njit(cache=True)
def load_frames(
    first: int, count: int, position: F64, velocity: F64, effort: F64, action: F64,
    absent: npt.NDArray[np.uint8], frames: F64,
) -> None:  # fmt: skip
    """Fill a block's numbers of all frames, [T, ROWS_OF_A_FRAME * LANES].

    What the robot does not report is NaN. Lanes that are left over are absent, and 0 where one
    looks at them all the same.
    """
    frames[:] = math.nan
    _load(VALUE, first, count, position, frames)
    _load(RATE, first, count, velocity, frames)
    _load(FORCE, first, count, effort, frames)
    _load(TOLD, first, count, action, frames)
    for t in range(position.shape[0]):
        frame = frames[t]
        for i in range(LANES):
            frame[ABSENT * LANES + i] = 1.0 if i >= count else 0.0
        for i in range(count, LANES):
            frame[VALUE * LANES + i] = 0.0
        if absent.shape[0] > 0:
            for i in range(count):
                frame[ABSENT * LANES + i] = float(absent[t, first + i])


@numba.njit(cache=True)
def _load(row: int, first: int, count: int, signal: F64, frames: F64) -> None:
    for t in range(signal.shape[0]):
        for i in range(count):
            frames[t, row * LANES + i] = signal[t, first + i]


@numba.njit(cache=True)
def is_regular(lane: F64, frame: F64, absent_too: bool) -> bool:
    """Whether every joint gave a number in this frame and in the last, less than a radian apart."""
    close = 0
    for i in range(LANES):
        near = abs(frame[VALUE * LANES + i] - lane[LAST * LANES + i]) <= 1.0
        close += int(near)
    if absent_too and close == LANES:
        for i in range(LANES):
            close -= int(frame[ABSENT * LANES + i] != 0.0)
    return close == LANES


@numba.njit(cache=True)
def close_block(
    lane: F64, seen_ns: I64, first: int, count: int, last: F64, last_ns: I64, joint: F64
) -> None:
    """Write a block's carried rows back."""
    for i in range(count):
        last_ns[first + i] = seen_ns[i]
        last[first + i] = lane[LAST * LANES + i]
    for row in range(JOINT):
        for i in range(count):
            joint[row, first + i] = lane[row * LANES + i]
