"""Intrinsic angles of a rotation R(parent -> child) and their exact rates.

Rotations come as unit quaternions, angular velocities in the parent's frame. The middle angle lies
in [-90°, 90°]; at its ends the other two are not unique, and `_COS_FLOOR` holds rates finite.

Angles are returned as `Terms`, (y, x) of each arctangent.
"""

from __future__ import annotations

import math

from numba import njit

from streams.kernels.quaternion import Vector

Terms = tuple[float, float, float, float, float, float]

_COS_FLOOR = 1e-9


@njit(cache=True)
def zxy(w: float, x: float, y: float, z: float) -> Terms:
    """Angles (a, b, c) of R = Rz(a) Rx(b) Ry(c)."""
    r01, r11 = 2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z)
    r20, r22 = 2.0 * (x * z - w * y), 1.0 - 2.0 * (x * x + y * y)
    r21 = 2.0 * (y * z + w * x)
    return -r01, r11, r21, math.sqrt(r01 * r01 + r11 * r11), -r20, r22


@njit(cache=True)
def yxz(w: float, x: float, y: float, z: float) -> Terms:
    """Angles (a, b, c) of R = Ry(a) Rx(b) Rz(c)."""
    r02, r22 = 2.0 * (x * z + w * y), 1.0 - 2.0 * (x * x + y * y)
    r10, r11 = 2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z)
    r12 = 2.0 * (y * z - w * x)
    return r02, r22, -r12, math.sqrt(r02 * r02 + r22 * r22), r10, r11


@njit(cache=True)
def half_twist_y(w: float, y: float) -> tuple[float, float]:
    """Half the twist about y: what the rotation turns about that axis, swing left aside."""
    return (y, w) if w >= 0.0 else (-y, -w)


# numpy's error model: a division is a division, without a branch that would raise.
@njit(cache=True, error_model="numpy")
def zxy_rates(w: float, x: float, y: float, z: float, wx: float, wy: float, wz: float) -> Vector:
    """Rates of `zxy`: ω = a' ez + b' Rz ex + c' Rz Rx ey, solved in the frame after Rz."""
    r01, r11 = 2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z)
    sin_b = 2.0 * (y * z + w * x)
    cos_b = max(math.sqrt(r01 * r01 + r11 * r11), _COS_FLOOR)
    cos_a, sin_a = r11 / cos_b, -r01 / cos_b
    c_rate = (cos_a * wy - sin_a * wx) / cos_b
    return wz - c_rate * sin_b, cos_a * wx + sin_a * wy, c_rate


@njit(cache=True, error_model="numpy")
def yxz_rates(w: float, x: float, y: float, z: float, wx: float, wy: float, wz: float) -> Vector:
    """Rates of `yxz`: ω = a' ey + b' Ry ex + c' Ry Rx ez, solved in the frame after Ry."""
    r02, r22 = 2.0 * (x * z + w * y), 1.0 - 2.0 * (x * x + y * y)
    sin_b = 2.0 * (w * x - y * z)
    cos_b = max(math.sqrt(r02 * r02 + r22 * r22), _COS_FLOOR)
    cos_a, sin_a = r22 / cos_b, r02 / cos_b
    c_rate = (sin_a * wx + cos_a * wz) / cos_b
    return wy + c_rate * sin_b, cos_a * wx - sin_a * wz, c_rate


@njit(cache=True, error_model="numpy")
def twist_y_rate(w: float, x: float, y: float, z: float, wx: float, wy: float, wz: float) -> float:
    """Rate of the twist about y, from q' = ½ ω ⊗ q."""
    y_rate = wy * w + wz * x - wx * z
    w_rate = -(wx * x + wy * y + wz * z)
    return (w * y_rate - y * w_rate) / max(w * w + y * y, _COS_FLOOR)
