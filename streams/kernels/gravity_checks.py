"""The IMU against gravity: how strong it feels it, and which way is up."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.session_rows import GRAVITY_TILT, IMU_NORM, WRONG_QUATERNION_ORDER, hit

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# What is carried: the norm, and up by the orientation as it is read and as it might be.
NORM, NORM_S, UP, UP_S, LEFT, RIGHT = 0, 1, 2, 5, 6, 9
FELT = 12

_IMU_TAU_S = 2.0
_GRAVITY = 9.80665


@numba.njit(cache=True)
def feel_gravity(
    stamp_ns: I64, last_ns: int, first_frame: int, acceleration: F64, quaternion: F64,
    is_quaternion: bool, norm_off: float, tilt_deg: float, felt: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Compare what the IMU feels with gravity: its norm, and which way is up.

    Args:
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before, the first one's own at a session's start.
        first_frame: index of the chunk's first frame.
        acceleration: [T, 3] m/s^2, base frame.
        quaternion: [T, 4] wxyz world from base, or [0, 0].
        is_quaternion: whether the vendor sends a quaternion, whose order may be misread.
        norm_off: m/s^2 by which the norm may be off.
        tilt_deg: degrees by which up may be off.
        felt: [FELT] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    tilt_cos = math.cos(math.radians(tilt_deg))
    for t in range(stamp_ns.shape[0]):
        passed_s = float(stamp_ns[t] - last_ns) * 1e-9
        last_ns = stamp_ns[t]
        ax, ay, az = acceleration[t, 0], acceleration[t, 1], acceleration[t, 2]
        norm = math.sqrt(ax * ax + ay * ay + az * az)
        if not math.isfinite(norm) or passed_s < 0.0 or passed_s > 1.0:
            continue
        felt[NORM_S] = min(felt[NORM_S] + passed_s, 1e3)
        weight = min(passed_s / min(_IMU_TAU_S, max(felt[NORM_S], 1e-3)), 1.0)
        if felt[NORM_S] == 0.0:
            weight = 1.0
        felt[NORM] += weight * (norm - felt[NORM])
        settled = felt[NORM_S] > _IMU_TAU_S
        if settled and abs(felt[NORM] - _GRAVITY) > norm_off:
            hit(IMU_NORM, first_frame + t, 0, felt[NORM] - _GRAVITY, hits, worst)
        if quaternion.shape[0] == 0 or not math.isfinite(quaternion[t, 0]):
            continue
        w, x, y, z = quaternion[t, 0], quaternion[t, 1], quaternion[t, 2], quaternion[t, 3]
        _feel_up(w, x, y, z, ax, ay, az, weight, UP, felt)
        if is_quaternion:
            _feel_up(z, w, x, y, ax, ay, az, weight, LEFT, felt)
            _feel_up(x, y, z, w, ax, ay, az, weight, RIGHT, felt)
        if not settled or _is_within(felt, UP, tilt_cos):
            continue
        tilt, other = _tilt_deg(felt, UP), 180.0
        if is_quaternion:
            other = min(_tilt_deg(felt, LEFT), _tilt_deg(felt, RIGHT))
        if other < 0.5 * tilt_deg and tilt > 2.0 * tilt_deg:
            hit(WRONG_QUATERNION_ORDER, first_frame + t, 0, tilt, hits, worst)
        else:
            hit(GRAVITY_TILT, first_frame + t, 0, tilt, hits, worst)


@numba.njit(cache=True)
def _feel_up(
    w: float, x: float, y: float, z: float, ax: float, ay: float, az: float,
    weight: float, at: int, felt: F64,
) -> None:  # fmt: skip
    """Smooth R(q) a into felt[at : at + 3]."""
    wx = (1 - 2 * (y * y + z * z)) * ax + 2 * (x * y - w * z) * ay + 2 * (x * z + w * y) * az
    wy = 2 * (x * y + w * z) * ax + (1 - 2 * (x * x + z * z)) * ay + 2 * (y * z - w * x) * az
    wz = 2 * (x * z - w * y) * ax + 2 * (y * z + w * x) * ay + (1 - 2 * (x * x + y * y)) * az
    felt[at] += weight * (wx - felt[at])
    felt[at + 1] += weight * (wy - felt[at + 1])
    felt[at + 2] += weight * (wz - felt[at + 2])


@numba.njit(cache=True)
def _is_within(felt: F64, at: int, cos: float) -> bool:
    """Whether felt[at : at + 3] is as near to the vertical as an angle of this cosine >= 0."""
    x, y, z = felt[at], felt[at + 1], felt[at + 2]
    return bool(z > 0.0 and z * z >= cos * cos * (x * x + y * y + z * z))


@numba.njit(cache=True)
def _tilt_deg(felt: F64, at: int) -> float:
    level = math.sqrt(felt[at] * felt[at] + felt[at + 1] * felt[at + 1])
    return math.degrees(math.atan2(level, felt[at + 2]))
