"""From body poses to the canonical view: segments, key points, angles and their rates.

Arrays marked [n, k, lanes] are flat, as `streams.kernels.lanes` says.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.angles import half_twist_y, twist_y_rate, yxz, yxz_rates, zxy, zxy_rates
from streams.kernels.chain import POSE
from streams.kernels.lanes import LANES, fill, rows
from streams.kernels.quaternion import multiply, rotate
from streams.kernels.trig import arctangent

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

# Euler orders as numbers, in `layout` of the functions below.
ZXY, YXZ, TWIST_Y = 0, 1, 2


@njit(cache=True)
def orient_segments(count: int, seg_body: I32, seg_q: F64, body: F64, out: F64) -> None:
    """Orientation of each segment in the pelvis frame, w >= 0.

    Args:
        count: Frames, at most LANES.
        seg_body: [15] body that carries it, -1 = absent.
        seg_q: [15, 4] constant alignment, body <- segment.
        body: [B + 1, POSE, lanes] from `place_bodies`.
        out: [15, 4, lanes] pelvis <- segment; NaN where absent.
    """
    for s in range(seg_body.shape[0]):
        if seg_body[s] < 0:
            fill(rows(out, s, 4), math.nan)
        else:
            _orient(count, rows(body, seg_body[s], POSE), seg_q[s], rows(out, s, 4))


@njit(cache=True)
def _orient(count: int, body: F64, seg_q: F64, out: F64) -> None:
    aw, ax, ay, az = seg_q[0], seg_q[1], seg_q[2], seg_q[3]
    for t in range(count):
        w, x, y, z = multiply(
            body[t], body[LANES + t], body[2 * LANES + t], body[3 * LANES + t], aw, ax, ay, az
        )
        sign = -1.0 if w < 0.0 else 1.0
        out[t], out[LANES + t] = sign * w, sign * x
        out[2 * LANES + t], out[3 * LANES + t] = sign * y, sign * z


@njit(cache=True)
def place_points(count: int, point_body: I32, point: F64, body: F64, out: F64) -> None:
    """Points fixed in bodies, in the pelvis frame.

    Args:
        count: Frames, at most LANES.
        point_body: [N] body that carries it, -1 = absent.
        point: [N, 3] metres, in the body.
        body: [B + 1, POSE, lanes] from `place_bodies`.
        out: [N, 3, lanes] metres; NaN where absent.
    """
    for n in range(point_body.shape[0]):
        if point_body[n] < 0:
            fill(rows(out, n, 3), math.nan)
        else:
            _place(count, rows(body, point_body[n], POSE), point[n], rows(out, n, 3))


@njit(cache=True)
def _place(count: int, body: F64, point: F64, out: F64) -> None:
    vx, vy, vz = point[0], point[1], point[2]
    for t in range(count):
        x, y, z = rotate(
            body[t], body[LANES + t], body[2 * LANES + t], body[3 * LANES + t], vx, vy, vz
        )
        out[t] = x + body[4 * LANES + t]
        out[LANES + t] = y + body[5 * LANES + t]
        out[2 * LANES + t] = z + body[6 * LANES + t]


@njit(cache=True)
def measure_angles(count: int, layout: I32, sign: F64, seg_body: I32, quat: F64, out: F64) -> None:
    """Canonical angles of the 14 complexes, three each.

    Args:
        count: Frames, at most LANES.
        layout: [14, 5] parent segment, child segment, order, first DoF, number of DoFs.
        sign: [14, 3] of each angle; a hinge's carries the factor 2.
        seg_body: [15] -1 = absent segment.
        quat: [15, 4, lanes] pelvis <- segment.
        out: [14, 3, lanes] rad, in (-π, π]; NaN where a segment is absent.
    """
    for k in range(layout.shape[0]):
        p, c, angle = layout[k, 0], layout[k, 1], rows(out, k, 3)
        if seg_body[p] < 0 or seg_body[c] < 0:
            fill(angle, math.nan)
        elif layout[k, 2] == ZXY:
            _measure_zxy(count, sign[k], rows(quat, p, 4), rows(quat, c, 4), angle)
        elif layout[k, 2] == YXZ:
            _measure_yxz(count, sign[k], rows(quat, p, 4), rows(quat, c, 4), angle)
        else:
            _measure_twist(count, sign[k], rows(quat, p, 4), rows(quat, c, 4), angle)


@njit(cache=True)
def relative(parent: F64, child: F64, t: int):  # type: ignore[no-untyped-def]
    """Quaternion parent <- child of two orientations [4, lanes] in one frame."""
    return multiply(
        parent[t], -parent[LANES + t], -parent[2 * LANES + t], -parent[3 * LANES + t],
        child[t], child[LANES + t], child[2 * LANES + t], child[3 * LANES + t],
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _measure_zxy(count: int, sign: F64, parent: F64, child: F64, out: F64) -> None:
    a, b, c = sign[0], sign[1], sign[2]
    for t in range(count):
        w, x, y, z = relative(parent, child, t)
        y0, x0, y1, x1, y2, x2 = zxy(w, x, y, z)
        out[t] = _signed(a, arctangent(y0, x0))
        out[LANES + t] = _signed(b, arctangent(y1, x1))
        out[2 * LANES + t] = _signed(c, arctangent(y2, x2))


@njit(cache=True, error_model="numpy")
def _measure_yxz(count: int, sign: F64, parent: F64, child: F64, out: F64) -> None:
    a, b, c = sign[0], sign[1], sign[2]
    for t in range(count):
        w, x, y, z = relative(parent, child, t)
        y0, x0, y1, x1, y2, x2 = yxz(w, x, y, z)
        out[t] = _signed(a, arctangent(y0, x0))
        out[LANES + t] = _signed(b, arctangent(y1, x1))
        out[2 * LANES + t] = _signed(c, arctangent(y2, x2))


@njit(cache=True, error_model="numpy")
def _measure_twist(count: int, sign: F64, parent: F64, child: F64, out: F64) -> None:
    fill(out, 0.0)
    for t in range(count):
        w, _, y, _ = relative(parent, child, t)
        y0, x0 = half_twist_y(w, y)
        out[t] = _signed(sign[0], arctangent(y0, x0))


@njit(cache=True)
def _signed(sign: float, angle: float) -> float:
    """A canonical angle in (-π, π] from its arctangent."""
    signed = sign * angle
    return math.pi if signed <= -math.pi else signed


@njit(cache=True)
def measure_rates(
    count: int, layout: I32, sign: F64, seg_body: I32, quat: F64, body_w: F64, out: F64
) -> None:
    """Rates of the canonical angles: the exact directional derivative of the angles.

    Args:
        count: Frames, at most LANES.
        layout: [14, 5] as in `measure_angles`.
        sign: [14, 3] likewise.
        seg_body: [15] -1 = absent segment.
        quat: [15, 4, lanes] pelvis <- segment.
        body_w: [B + 1, 3, lanes] angular velocities in the pelvis frame.
        out: [14, 3, lanes] rad/s; NaN where a segment is absent.
    """
    for k in range(layout.shape[0]):
        p, c, rate = layout[k, 0], layout[k, 1], rows(out, k, 3)
        if seg_body[p] < 0 or seg_body[c] < 0:
            fill(rate, math.nan)
            continue
        a, b = rows(body_w, seg_body[p], 3), rows(body_w, seg_body[c], 3)
        parent, child, order = rows(quat, p, 4), rows(quat, c, 4), layout[k, 2]
        if order == ZXY:
            _rate_zxy(count, sign[k], parent, child, a, b, rate)
        elif order == YXZ:
            _rate_yxz(count, sign[k], parent, child, a, b, rate)
        else:
            _rate_twist(count, sign[k], parent, child, a, b, rate)


@njit(cache=True)
def _turning(parent: F64, a: F64, b: F64, t: int):  # type: ignore[no-untyped-def]
    """Angular velocity of child against parent, in the parent's frame."""
    return rotate(
        parent[t], -parent[LANES + t], -parent[2 * LANES + t], -parent[3 * LANES + t],
        b[t] - a[t], b[LANES + t] - a[LANES + t], b[2 * LANES + t] - a[2 * LANES + t],
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _rate_zxy(count: int, sign: F64, parent: F64, child: F64, a: F64, b: F64, out: F64) -> None:
    s0, s1, s2 = sign[0], sign[1], sign[2]
    for t in range(count):
        wx, wy, wz = _turning(parent, a, b, t)
        w, x, y, z = relative(parent, child, t)
        first, second, third = zxy_rates(w, x, y, z, wx, wy, wz)
        out[t], out[LANES + t], out[2 * LANES + t] = s0 * first, s1 * second, s2 * third


@njit(cache=True, error_model="numpy")
def _rate_yxz(count: int, sign: F64, parent: F64, child: F64, a: F64, b: F64, out: F64) -> None:
    s0, s1, s2 = sign[0], sign[1], sign[2]
    for t in range(count):
        wx, wy, wz = _turning(parent, a, b, t)
        w, x, y, z = relative(parent, child, t)
        first, second, third = yxz_rates(w, x, y, z, wx, wy, wz)
        out[t], out[LANES + t], out[2 * LANES + t] = s0 * first, s1 * second, s2 * third


@njit(cache=True, error_model="numpy")
def _rate_twist(count: int, sign: F64, parent: F64, child: F64, a: F64, b: F64, out: F64) -> None:
    fill(out, 0.0)
    for t in range(count):
        wx, wy, wz = _turning(parent, a, b, t)
        w, x, y, z = relative(parent, child, t)
        out[t] = sign[0] * 0.5 * twist_y_rate(w, x, y, z, wx, wy, wz)
