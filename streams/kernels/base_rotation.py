"""Orientations of the base as unit quaternions, wxyz."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from streams.kernels.quaternion import multiply

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

SHORTEST = 0.5
"""A quaternion shorter than this is none."""


@njit(cache=True)
def unit_quaternions(values: F64, real: int) -> F64:
    """Quaternions of length 1; NaN where they are shorter than a half.

    Args:
        values: [T, 4] the imaginary parts behind the real one, round the end.
        real: column of the real part: 0 for wxyz, 3 for xyzw.

    Returns:
        [T, 4] wxyz.
    """
    out = np.empty_like(values)
    for t in range(len(values)):
        total = 0.0
        for k in range(4):
            total += values[t, k] * values[t, k]
        norm = np.sqrt(total)
        if norm < SHORTEST:
            norm = np.nan
        for k in range(4):
            out[t, k] = values[t, (real + k) % 4] / norm
    return out


@njit(cache=True)
def euler_quaternions(angles: F64, axes: I64) -> F64:
    """Intrinsic Euler angles to quaternions.

    Args:
        angles: [T, 3] turns about x, y, z, in this order of columns, rad.
        axes: [3] columns in the order of the rotations.

    Returns:
        [T, 4] wxyz, world from body: q = q_axes[0] · q_axes[1] · q_axes[2].
    """
    out = np.empty((len(angles), 4))
    for t in range(len(angles)):
        w, x, y, z = 1.0, 0.0, 0.0, 0.0
        for axis in axes:
            half = angles[t, axis] / 2.0
            turn = np.zeros(3)
            turn[axis] = np.sin(half)
            w, x, y, z = multiply(w, x, y, z, np.cos(half), turn[0], turn[1], turn[2])
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = w, x, y, z
    return out
