"""All checks that need seconds, of one chunk in one call, over one array of carried figures."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.gravity_checks import FELT, feel_gravity
from streams.kernels.mismatch_checks import SEEN, WATCH
from streams.kernels.motion_checks import SAMPLING, sample_motion

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

# How the carried figures stand one after the other; W watched joints, P pairs behind them.
_FELT = SAMPLING
_WATCH = _FELT + FELT


def fresh_session_figures(watched: int, pairs: int) -> F64:
    """What is carried at a session's start."""
    figures = np.zeros(_WATCH + WATCH * watched + 2 * pairs)
    figures[_WATCH + SEEN : _WATCH + WATCH * watched : WATCH] = math.nan
    return figures


@numba.njit(cache=True)
def check_motion(
    stamp_ns: I64, start_ns: int, last_ns: int, first_frame: int, position: F64, told: F64,
    is_rate: bool, channel: I32, pair: I32, is_mirror: I32, acceleration: F64, quaternion: F64,
    is_quaternion: bool, norm_off: float, tilt_deg: float, figures: F64,
    joint_hits: I64, hits: I64, worst: F64,
) -> bool:  # fmt: skip
    """Look at T frames; gives whether anything was found.

    `figures` are carried, as `fresh_session_figures` makes them, and changed; `acceleration` is
    [0, 0] where there is none; everything else is as in `sample_motion` and `feel_gravity`.
    """
    joints, pairs = channel.shape[0], pair.shape[0]
    sampling, felt = figures[:SAMPLING], figures[_FELT : _FELT + FELT]
    crossed = _WATCH + WATCH * joints
    watch = figures[_WATCH:crossed].reshape(joints, WATCH)
    cross = figures[crossed:].reshape(pairs, 2)
    sample_motion(
        stamp_ns, start_ns, first_frame, position, told, is_rate, channel, pair, is_mirror,
        watch, cross, sampling, joint_hits,
    )  # fmt: skip
    if acceleration.shape[0] > 0:
        feel_gravity(
            stamp_ns, last_ns, first_frame, acceleration, quaternion, is_quaternion,
            norm_off, tilt_deg, felt, hits, worst,
        )  # fmt: skip
    return bool(joint_hits.any() or hits.any())
