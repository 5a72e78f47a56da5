"""All per-frame checks of a chunk in one call, over one array of carried figures."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.joint_checks import check_joints
from streams.kernels.joint_lanes import BIAS, BIAS_S, JOINT
from streams.kernels.timing_checks import MODE, TIMING, check_timing

Bool = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

_BIAS_KNOWN_S = 8.0


def fresh_figures(channels: int) -> F64:
    """Carried at a session's start: timing [TIMING], last numbers [C], joints [JOINT, C]."""
    figures = np.zeros(TIMING + channels + JOINT * channels)
    figures[TIMING : TIMING + channels] = np.nan
    figures[MODE] = np.nan
    return figures


def last_position(figures: F64, channels: int) -> F64:
    """[C] the last number of each joint, NaN where there is none."""
    return figures[TIMING : TIMING + channels]


def bias_of(figures: F64, channels: int) -> F64:
    """[C] how far each joint stays beside its command; NaN where that is not known yet."""
    joint = figures[TIMING + channels :].reshape(JOINT, channels)
    return np.where(joint[BIAS_S] >= _BIAS_KNOWN_S, joint[BIAS], np.nan)


@numba.njit(cache=True)
def check_frames(
    stamp_ns: I64, period_s: float, first_frame: int, position: F64, velocity: F64, effort: F64,
    action: F64, absent: U8, near_pole: Bool, limits: F64, strongest: F64, native_share: float,
    limit: F64, least: F64, last_stamp_ns: int, figures: F64, last_ns: I64,
    flags: U64, table: I32, worst: F64,
) -> tuple[int, bool]:  # fmt: skip
    """Flag what T frames show; gives the last stamp, and whether anything was flagged.

    `figures` are carried, as `fresh_figures` makes them, and changed; everything else is as in
    `check_joints` and `check_timing`.
    """
    frames, channels = position.shape
    reported, same = np.empty(frames, np.int32), np.empty(frames, np.int32)
    moved = np.empty(frames, np.int32)
    last = figures[TIMING : TIMING + channels]
    joint = figures[TIMING + channels :].reshape(JOINT, channels)
    check_joints(
        stamp_ns, period_s, position, velocity, effort, action, absent, limits, strongest,
        limit, least, last, last_ns, joint, reported, same, moved, flags, table, worst,
    )  # fmt: skip
    last_stamp_ns = check_timing(
        stamp_ns, period_s, first_frame, near_pole, reported, same, moved, native_share,
        limit, least, last_stamp_ns, figures[:TIMING], flags, table, worst,
    )  # fmt: skip
    found = False
    for t in range(frames):
        found |= flags[t] != 0
    return last_stamp_ns, found
