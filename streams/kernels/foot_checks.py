"""Whether a foot that stands slides over the ground."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.quaternion import Vector, rotate
from streams.kernels.session_rows import FOOT_SKATE, hit

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# What is carried: whether a frame was seen; how high the ground is; which foot stands; for how long
# it has slid, in s and in frames; then of each foot where it was, and how fast it went.
SEEN, GROUND, STANDING, SLID_S, SLID_FRAMES, FEET = range(6)
AT_X, AT_Y, SPEED_X, SPEED_Y = range(4)
FOOT = 4
SKATE = FEET + 2 * FOOT

_TAU_S = 0.15
_BREAK_S = 0.5
_JUMP_M, _JUMP_M_S = 0.3, 6.0
_NEAR_GROUND_M = 0.03
_CLEARLY_LOWER_M = 0.01
_GROUND_RISES_M_S = 0.05


@numba.njit(cache=True)
def check_skate(
    stamp_ns: I64, last_ns: int, first_frame: int, base: F64, turn: F64, feet: F32, mount: F64,
    bound: float, least_s: float, state: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Look at T frames of both feet.

    Whoever walks has one foot at rest; where both go faster over the ground than `bound` while the
    lower one is on it, that one slides. The ground is where the lower foot was lowest of late: a
    robot in flight, or one step up, is not judged.

    Args:
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before.
        first_frame: index of the chunk's first frame.
        base: [T, 3] m, position of the base in the world.
        turn: [T, 4] wxyz, world <- base.
        feet: [T, 2, 7] soles by forward kinematics, xyz + wxyz, in the pelvis frame.
        mount: [7] the pelvis frame in the base's, xyz + wxyz.
        bound: m/s that is too much.
        least_s: for how long.
        state: [SKATE] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    for t in range(stamp_ns.shape[0]):
        passed_s = float(stamp_ns[t] - last_ns) * 1e-9
        last_ns = stamp_ns[t]
        left = _sole(base[t], turn[t], feet[t, 0], mount)
        right = _sole(base[t], turn[t], feet[t, 1], mount)
        if not math.isfinite(left[0] + left[1] + left[2] + right[0] + right[1] + right[2]):
            state[SEEN] = 0.0
            continue
        known = state[SEEN] > 0.0 and 0.0 < passed_s <= _BREAK_S
        known &= _follow(state[FEET : FEET + FOOT], left, passed_s, known)
        known &= _follow(state[FEET + FOOT : SKATE], right, passed_s, known)
        lower = min(left[2], right[2])
        if not known:
            state[SEEN], state[GROUND], state[SLID_S], state[SLID_FRAMES] = 1.0, lower, 0.0, 0.0
            state[FEET + SPEED_X : FEET + FOOT] = 0.0
            state[FEET + FOOT + SPEED_X : SKATE] = 0.0
            continue
        state[GROUND] = min(lower, state[GROUND] + _GROUND_RISES_M_S * passed_s)
        standing, other = (right, left) if state[STANDING] > 0.0 else (left, right)
        if other[2] < standing[2] - _CLEARLY_LOWER_M:
            state[STANDING] = 1.0 - state[STANDING]
        speed = min(
            math.hypot(state[FEET + SPEED_X], state[FEET + SPEED_Y]),
            math.hypot(state[FEET + FOOT + SPEED_X], state[FEET + FOOT + SPEED_Y]),
        )
        if speed > bound and lower <= state[GROUND] + _NEAR_GROUND_M:
            state[SLID_S] += passed_s
            state[SLID_FRAMES] += 1.0
            if state[SLID_S] >= least_s:
                row, back = FOOT_SKATE + int(state[STANDING]), int(state[SLID_FRAMES]) - 1
                hit(row, first_frame + t, back, speed, hits, worst)
        else:
            state[SLID_S] = state[SLID_FRAMES] = 0.0


@numba.njit(cache=True)
def _sole(base: F64, turn: F64, foot: F32, mount: F64) -> Vector:
    """Where a sole is in the world, m."""
    x, y, z = float(foot[0]), float(foot[1]), float(foot[2])
    x, y, z = rotate(mount[3], mount[4], mount[5], mount[6], x, y, z)
    x, y, z = x + mount[0], y + mount[1], z + mount[2]
    x, y, z = rotate(turn[0], turn[1], turn[2], turn[3], x, y, z)
    return base[0] + x, base[1] + y, base[2] + z


@numba.njit(cache=True)
def _follow(foot: F64, sole: Vector, passed_s: float, known: bool) -> bool:
    """Where a foot is now and, if the frame before is known, how fast it goes; False on a jump."""
    dx, dy = sole[0] - foot[AT_X], sole[1] - foot[AT_Y]
    foot[AT_X], foot[AT_Y] = sole[0], sole[1]
    if not known or math.hypot(dx, dy) > max(_JUMP_M, _JUMP_M_S * passed_s):
        return False
    weight = min(passed_s / _TAU_S, 1.0)
    foot[SPEED_X] += weight * (dx / passed_s - foot[SPEED_X])
    foot[SPEED_Y] += weight * (dy / passed_s - foot[SPEED_Y])
    return True
