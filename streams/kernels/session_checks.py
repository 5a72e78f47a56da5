"""All checks that need seconds, of one chunk in one call, over one array of carried figures."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.foot_checks import SKATE
from streams.kernels.gravity_checks import FELT, feel_gravity
from streams.kernels.gyro_checks import GYRO, check_gyro
from streams.kernels.hand_checks import HAND
from streams.kernels.lag_checks import LAG, check_lag
from streams.kernels.mismatch_checks import SEEN, WATCH
from streams.kernels.model_checks import MODEL, check_model
from streams.kernels.motion_checks import SAMPLING, sample_motion
from streams.kernels.pose_checks import POSE
from streams.kernels.session_rows import (
    ACTION_LAG,
    GRAVITY_TILT,
    IMU_BIAS,
    IMU_NORM,
    SIGNAL_SKEW,
    WRONG_MODEL,
)
from streams.kernels.take_checks import note_take

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

# How the carried figures stand one after the other; W watched joints, P pairs behind them.
_FELT = SAMPLING
_GYRO = _FELT + FELT
_MODEL = _GYRO + GYRO
_LAG = _MODEL + MODEL
_SKEW = _LAG + LAG
_HANDS = _SKEW + LAG
_POSES = _HANDS + 2 * HAND
_SKATE = _POSES + 2 * POSE
_WATCH = _SKATE + SKATE


def fresh_session_figures(watched: int, pairs: int) -> F64:
    """What is carried at a session's start."""
    figures = np.zeros(_WATCH + WATCH * watched + 2 * pairs)
    figures[_WATCH + SEEN : _WATCH + WATCH * watched : WATCH] = math.nan
    return figures


def hand_figures(figures: F64) -> F64:
    """[2, HAND] what `hand_checks` carries."""
    return figures[_HANDS:_POSES].reshape(2, HAND)


def pose_figures(figures: F64) -> F64:
    """[2, POSE] what `pose_checks` carries."""
    return figures[_POSES:_SKATE].reshape(2, POSE)


def skate_figures(figures: F64) -> F64:
    """[SKATE] what `foot_checks` carries."""
    return figures[_SKATE:_WATCH]


@numba.njit(cache=True)
def check_motion(
    stamp_ns: I64, start_ns: int, last_ns: int, first_frame: int, position: F64, velocity: F64,
    action: F64, by_velocity: bool, channel: I32, pair: I32, is_mirror: I32, limits: F64,
    beyond: bool, led: I32, turned: I32, stride: int, sample_s: float,
    acceleration: F64, quaternion: F64, angular_velocity: F64, is_quaternion: bool,
    bound: F64, least: F64, figures: F64, take: F64, joint_hits: I64, hits: I64, worst: F64,
) -> bool:  # fmt: skip
    """Look at T frames; gives whether anything was found.

    `figures` are carried, as `fresh_session_figures` makes them, and changed. `led` are the joints
    that have a command in every frame, `turned` those that have a velocity; `beyond` tells whether
    any joint may be far past a limit. A signal that is not there is [0, 0]; everything else is as
    in the checks that are called.
    """
    joints, pairs = channel.shape[0], pair.shape[0]
    crossed = _WATCH + WATCH * joints
    watch = figures[_WATCH:crossed].reshape(joints, WATCH)
    cross = figures[crossed:].reshape(pairs, 2)
    sample_motion(
        stamp_ns, start_ns, first_frame, position, velocity if by_velocity else action,
        by_velocity, channel, pair, is_mirror, watch, cross, figures[:SAMPLING], joint_hits,
    )  # fmt: skip
    note_take(position, channel, take)
    if beyond:
        check_model(
            stamp_ns, last_ns, first_frame, position, channel, limits,
            bound[WRONG_MODEL], least[WRONG_MODEL], figures[_MODEL:_LAG], hits, worst,
        )  # fmt: skip
    else:
        figures[_MODEL:_LAG] = 0.0
    if led.shape[0] > 0:
        check_lag(
            ACTION_LAG, stamp_ns, start_ns, first_frame, stride, sample_s, position, action, False,
            led, bound[ACTION_LAG], figures[_LAG:_SKEW], hits, worst,
        )  # fmt: skip
    if turned.shape[0] > 0:
        check_lag(
            SIGNAL_SKEW, stamp_ns, start_ns, first_frame, stride, sample_s, position, velocity,
            True, turned, bound[SIGNAL_SKEW], figures[_SKEW:_HANDS], hits, worst,
        )  # fmt: skip
    if acceleration.shape[0] > 0:
        feel_gravity(
            stamp_ns, last_ns, first_frame, acceleration, quaternion, is_quaternion,
            bound[IMU_NORM], bound[GRAVITY_TILT], figures[_FELT:_GYRO], hits, worst,
        )  # fmt: skip
    if angular_velocity.shape[0] > 0 and quaternion.shape[0] > 0:
        check_gyro(
            stamp_ns, last_ns, first_frame, quaternion, angular_velocity,
            bound[IMU_BIAS], figures[_GYRO:_MODEL], hits, worst,
        )  # fmt: skip
    return bool(joint_hits.any() or hits.any())
