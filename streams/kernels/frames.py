"""Constant frames as 4×4 matrices: what is composed once, when a description or plan is compiled.

A frame T_a_b maps coordinates in b to coordinates in a. Quaternions are wxyz.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


def rotation_of_quat(quat: Sequence[float] | F64) -> F64:
    """Rotation matrix [3, 3] of a quaternion, normalised first."""
    w, x, y, z = np.asarray(quat, dtype=np.float64) / np.linalg.norm(quat)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quat_of_rotation(rotation: F64) -> F64:
    """Quaternion [4] of a rotation matrix, w >= 0; the largest component is taken as pivot."""
    r = rotation
    trace = float(np.trace(r))
    squares = np.array([1 + trace, *(1 + 2 * np.diag(r) - trace)])
    quat_rows = np.array(
        [
            [squares[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
            [r[2, 1] - r[1, 2], squares[1], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
            [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], squares[2], r[1, 2] + r[2, 1]],
            [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], squares[3]],
        ]
    )
    row = quat_rows[int(np.argmax(squares))]
    quat: F64 = row / np.linalg.norm(row)
    return -quat if quat[0] < 0 else quat


def rotation_about(axis: ArrayLike, angle_rad: float) -> F64:
    """Rotation matrix [3, 3] about a unit axis (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=np.float64)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: F64 = np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * (cross @ cross)
    return turned


def frame(rotation: ArrayLike, position: ArrayLike) -> F64:
    """Frame [4, 4] of a rotation matrix and an origin."""
    t = np.eye(4)
    t[:3, :3] = rotation
    t[:3, 3] = position
    return t


def inverse(t: F64) -> F64:
    """Inverse of a rigid frame."""
    return frame(t[:3, :3].T, -t[:3, :3].T @ t[:3, 3])


def rotation_with_z(axis: ArrayLike) -> F64:
    """A rotation matrix whose third column is the unit axis; which one is fixed, not meaningful."""
    z = np.asarray(axis, dtype=np.float64)
    side = np.eye(3)[int(np.argmin(np.abs(z)))]
    x = np.cross(side, z)
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(z, x), z])
