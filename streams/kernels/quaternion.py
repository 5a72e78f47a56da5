"""Quaternion algebra on scalars, so that the compiler keeps everything in registers.

Quaternions are (w, x, y, z) and unit; q_a_b maps coordinates in b to coordinates in a.
"""

from __future__ import annotations

from numba import njit

Quaternion = tuple[float, float, float, float]
Vector = tuple[float, float, float]


@njit(cache=True)
def multiply(
    aw: float, ax: float, ay: float, az: float, bw: float, bx: float, by: float, bz: float
) -> Quaternion:
    """Product a ⊗ b: b is applied first."""
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


@njit(cache=True)
def turn_about_z(
    w: float, x: float, y: float, z: float, cos_half: float, sin_half: float
) -> Quaternion:
    """Product with a rotation about z: q ⊗ (cos, 0, 0, sin)."""
    return (
        w * cos_half - z * sin_half,
        x * cos_half + y * sin_half,
        y * cos_half - x * sin_half,
        z * cos_half + w * sin_half,
    )


@njit(cache=True)
def rotate(w: float, x: float, y: float, z: float, vx: float, vy: float, vz: float) -> Vector:
    """Vector v turned by a unit quaternion: v + w t + u × t with u = (x, y, z), t = 2 u × v."""
    tx = 2.0 * (y * vz - z * vy)
    ty = 2.0 * (z * vx - x * vz)
    tz = 2.0 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


@njit(cache=True)
def z_axis(w: float, x: float, y: float, z: float) -> Vector:
    """Third column of the rotation matrix."""
    return 2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)
