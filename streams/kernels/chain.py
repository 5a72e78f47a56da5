"""From a stream's channels to the pose of every moving body in the pelvis frame, frame by frame.

Bodies are numbered outward from the pelvis, which is body 0 with its origin at its key point; body
b is moved by joint b - 1. A body's z axis is its joint's axis and its origin the joint's, so that

    T_pelvis_b = T_pelvis_parent · T_fixed[b] · (Rz(value) or Tz(value)).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.quaternion import multiply, rotate, turn_about_z, z_axis
from streams.kernels.trig import LARGEST

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

MEASURED, DERIVED, MISSING, NO_VELOCITY = 0, 1, 2, 4


@njit(cache=True)
def read_joints(
    position: F64, velocity: F64, source: I32, rule: F64, value: F64, rate: F64, state: U8
) -> None:
    """Value and rate of each joint from one frame of the stream.

    Args:
        position: [C] one frame; not finite, or beyond `LARGEST` = not there.
        velocity: [C] one frame, or [0] where the stream has no velocity.
        source: [B, 2] the joint's channel, and that of the joint it mimics; -1 = none.
        rule: [B, 4] sign, mimic multiplier, mimic offset, value where both are missing.
        value: [B] out, rad or m, about the body's z axis.
        rate: [B] out, per second; 0 where unknown.
        state: [B] out: MEASURED, DERIVED (from its mimic) or MISSING, + NO_VELOCITY.
    """
    for j in range(source.shape[0]):
        sign = rule[j, 0]
        own, mimic = source[j, 0], source[j, 1]
        channel = own
        gain, bias = 1.0, 0.0
        state[j] = MEASURED
        if own < 0 or not abs(position[own]) <= LARGEST:
            channel, gain, bias = mimic, rule[j, 1], rule[j, 2]
            state[j] = DERIVED
        if channel < 0 or not abs(position[channel]) <= LARGEST:
            value[j] = sign * rule[j, 3]
            rate[j] = 0.0
            state[j] = MISSING + NO_VELOCITY
            continue
        value[j] = sign * (gain * position[channel] + bias)
        rate[j] = 0.0
        if velocity.shape[0] > 0 and math.isfinite(velocity[channel]):
            rate[j] = sign * gain * velocity[channel]
        else:
            state[j] += NO_VELOCITY


@njit(cache=True)
def place_bodies(
    value: F64,
    cos_half: F64,
    sin_half: F64,
    parent: I32,
    prismatic: U8,
    fixed: F64,
    body_q: F64,
    body_p: F64,
) -> None:
    """Pose of every body in the pelvis frame.

    Args:
        value: [B] joint values.
        cos_half: [B] cosine of half of each value.
        sin_half: [B] sine of half of each value.
        parent: [B] parent body of body b + 1; parents come first.
        prismatic: [B] 1 where the joint slides.
        fixed: [B, 7] T_fixed: xyz + wxyz.
        body_q: [B + 1, 4] out; row 0 stays the identity.
        body_p: [B + 1, 3] out, metres.
    """
    for j in range(value.shape[0]):
        a = parent[j]
        qw, qx, qy, qz = body_q[a, 0], body_q[a, 1], body_q[a, 2], body_q[a, 3]
        px, py, pz = rotate(qw, qx, qy, qz, fixed[j, 0], fixed[j, 1], fixed[j, 2])
        px, py, pz = px + body_p[a, 0], py + body_p[a, 1], pz + body_p[a, 2]
        qw, qx, qy, qz = multiply(
            qw, qx, qy, qz, fixed[j, 3], fixed[j, 4], fixed[j, 5], fixed[j, 6]
        )
        if prismatic[j]:
            zx, zy, zz = z_axis(qw, qx, qy, qz)
            px, py, pz = px + zx * value[j], py + zy * value[j], pz + zz * value[j]
        else:
            qw, qx, qy, qz = turn_about_z(qw, qx, qy, qz, cos_half[j], sin_half[j])
        b = j + 1
        body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3] = qw, qx, qy, qz
        body_p[b, 0], body_p[b, 1], body_p[b, 2] = px, py, pz


@njit(cache=True)
def turn_bodies(rate: F64, parent: I32, prismatic: U8, body_q: F64, body_w: F64) -> None:
    """Angular velocity of every body relative to the pelvis, in the pelvis frame.

    Args:
        rate: [B] joint rates.
        parent: [B] as in `place_bodies`.
        prismatic: [B] as in `place_bodies`.
        body_q: [B + 1, 4] from `place_bodies`.
        body_w: [B + 1, 3] out, rad/s; row 0 stays zero.
    """
    for j in range(rate.shape[0]):
        a, b = parent[j], j + 1
        turn = 0.0 if prismatic[j] else rate[j]
        zx, zy, zz = z_axis(body_q[b, 0], body_q[b, 1], body_q[b, 2], body_q[b, 3])
        body_w[b, 0] = body_w[a, 0] + zx * turn
        body_w[b, 1] = body_w[a, 1] + zy * turn
        body_w[b, 2] = body_w[a, 2] + zz * turn
