"""From body poses to the canonical view of one frame: segments, key points, end poses, angles."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.angles import half_twist_y, twist_y_rate, yxz, yxz_rates, zxy, zxy_rates
from streams.kernels.quaternion import multiply, rotate

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

# Euler orders as numbers, in `layout` of the functions below.
ZXY, YXZ, TWIST_Y = 0, 1, 2


@njit(cache=True)
def orient_segments(seg_body: I32, seg_q: F64, body_q: F64, out: F64) -> None:
    """Orientation of each segment in the pelvis frame, w >= 0.

    Args:
        seg_body: [15] body that carries it, -1 = absent.
        seg_q: [15, 4] constant alignment, body <- segment.
        body_q: [B + 1, 4] from `place_bodies`.
        out: [15, 4] pelvis <- segment; NaN where absent.
    """
    for s in range(seg_body.shape[0]):
        b = seg_body[s]
        if b < 0:
            out[s, :] = math.nan
            continue
        w, x, y, z = multiply(
            body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3],
            seg_q[s, 0], seg_q[s, 1], seg_q[s, 2], seg_q[s, 3],
        )  # fmt: skip
        sign = -1.0 if w < 0.0 else 1.0
        out[s, 0], out[s, 1], out[s, 2], out[s, 3] = sign * w, sign * x, sign * y, sign * z


@njit(cache=True)
def place_points(point_body: I32, point: F64, body_q: F64, body_p: F64, out: F64) -> None:
    """Points fixed in bodies, in the pelvis frame.

    Args:
        point_body: [N] body that carries it, -1 = absent.
        point: [N, 3] metres, in the body.
        body_q: [B + 1, 4] from `place_bodies`.
        body_p: [B + 1, 3] from `place_bodies`.
        out: [N, 3] metres; NaN where absent.
    """
    for n in range(point_body.shape[0]):
        b = point_body[n]
        if b < 0:
            out[n, :] = math.nan
            continue
        x, y, z = rotate(
            body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3],
            point[n, 0], point[n, 1], point[n, 2],
        )  # fmt: skip
        out[n, 0], out[n, 1], out[n, 2] = x + body_p[b, 0], y + body_p[b, 1], z + body_p[b, 2]


@njit(cache=True)
def relative(parent: F64, child: F64):  # type: ignore[no-untyped-def]
    """Quaternion parent <- child of two orientations [4] in one frame."""
    return multiply(
        parent[0], -parent[1], -parent[2], -parent[3], child[0], child[1], child[2], child[3]
    )


@njit(cache=True)
def angle_terms(layout: I32, seg_body: I32, seg_q: F64, y: F64, x: F64) -> None:
    """Arctangent terms of the angles of the 14 complexes, three each; a hinge's is half its twist.

    Args:
        layout: [14, 5] parent segment, child segment, order, first DoF, number of DoFs.
        seg_body: [15] -1 = absent segment.
        seg_q: [15, 4] pelvis <- segment.
        y: [42] out; NaN where a segment is absent.
        x: [42] out.
    """
    for k in range(layout.shape[0]):
        p, c, i = layout[k, 0], layout[k, 1], 3 * k
        if seg_body[p] < 0 or seg_body[c] < 0:
            y[i : i + 3] = math.nan
            x[i : i + 3] = 1.0
            continue
        qw, qx, qy, qz = relative(seg_q[p], seg_q[c])
        if layout[k, 2] == ZXY:
            y[i], x[i], y[i + 1], x[i + 1], y[i + 2], x[i + 2] = zxy(qw, qx, qy, qz)
        elif layout[k, 2] == YXZ:
            y[i], x[i], y[i + 1], x[i + 1], y[i + 2], x[i + 2] = yxz(qw, qx, qy, qz)
        else:
            y[i], x[i] = half_twist_y(qw, qy)
            y[i + 1], x[i + 1], y[i + 2], x[i + 2] = 0.0, 1.0, 0.0, 1.0


@njit(cache=True)
def signed_angle(angle: float, sign: float) -> float:
    """A canonical angle in (-π, π] from its arctangent; a hinge's sign carries the factor 2."""
    signed = sign * angle
    return math.pi if signed <= -math.pi else signed


@njit(cache=True)
def measure_rates(layout: I32, sign: F64, seg_body: I32, seg_q: F64, body_w: F64, out: F64) -> None:
    """Rates of the canonical angles: the exact directional derivative of the angles.

    Args:
        layout: [14, 5] as in `angle_terms`.
        sign: [14, 3] of each angle; a hinge's carries the factor 2.
        seg_body: [15] -1 = absent segment.
        seg_q: [15, 4] pelvis <- segment.
        body_w: [B + 1, 3] angular velocities in the pelvis frame.
        out: [14, 3] rad/s; NaN where a segment is absent.
    """
    for k in range(layout.shape[0]):
        p, c = layout[k, 0], layout[k, 1]
        a, b = seg_body[p], seg_body[c]
        if a < 0 or b < 0:
            out[k, :] = math.nan
            continue
        wx, wy, wz = rotate(
            seg_q[p, 0], -seg_q[p, 1], -seg_q[p, 2], -seg_q[p, 3],
            body_w[b, 0] - body_w[a, 0], body_w[b, 1] - body_w[a, 1], body_w[b, 2] - body_w[a, 2],
        )  # fmt: skip
        w, x, y, z = relative(seg_q[p], seg_q[c])
        if layout[k, 2] == ZXY:
            first, second, third = zxy_rates(w, x, y, z, wx, wy, wz)
        elif layout[k, 2] == YXZ:
            first, second, third = yxz_rates(w, x, y, z, wx, wy, wz)
        else:
            first, second, third = 0.5 * twist_y_rate(w, x, y, z, wx, wy, wz), 0.0, 0.0
        out[k, 0], out[k, 1], out[k, 2] = (
            sign[k, 0] * first,
            sign[k, 1] * second,
            sign[k, 2] * third,
        )
