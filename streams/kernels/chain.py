"""From a stream's channels to the pose of every moving body in the pelvis frame.

Bodies are numbered outward from the pelvis, which is body 0 with its origin at its key point; body
b is moved by joint b - 1. A body's z axis is its joint's axis and its origin the joint's, so that

    T_pelvis_b = T_pelvis_parent · T_fixed[b] · (Rz(value) or Tz(value)).

Arrays marked [n, k, lanes] are flat, as `streams.kernels.lanes` says; a body's seven rows are its
quaternion wxyz and its origin, metres.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.lanes import LANES, fill, rows
from streams.kernels.quaternion import multiply, rotate, turn_about_z, z_axis
from streams.kernels.trig import LARGEST, half_angle

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

POSE = 7
MEASURED, DERIVED, MISSING, NO_VELOCITY = 0, 1, 2, 4


@njit(cache=True)
def read_usual(position: F64, velocity: F64, source: I32, rule: F64, value: F64, rate: F64) -> bool:
    """Value and rate of each joint where every channel is there; else it says so by False.

    Args:
        position: [t, C] not finite, or beyond `LARGEST` = not there.
        velocity: [t, C], or [t, 0] where the stream has no velocity.
        source: [B, 2] the joint's channel, and that of the joint it mimics; -1 = none.
        rule: [B, 4] sign, mimic multiplier, mimic offset, value where both are missing.
        value: [B, lanes] out, rad or m, about the body's z axis.
        rate: [B, lanes] out, per second; 0 where unknown.
    """
    there = True
    with_rate = velocity.shape[1] > 0
    for j in range(source.shape[0]):
        here, speed = rows(value, j, 1), rows(rate, j, 1)
        sign, channel, gain, bias = rule[j, 0], source[j, 0], 1.0, 0.0
        if channel < 0:
            channel, gain, bias = source[j, 1], rule[j, 1], rule[j, 2]
        if channel < 0:
            fill(here, sign * rule[j, 3])
            fill(speed, 0.0)
            continue
        for t in range(position.shape[0]):
            x = position[t, channel]
            there &= abs(x) <= LARGEST
            here[t] = sign * (gain * x + bias)
        if with_rate:
            for t in range(position.shape[0]):
                x = velocity[t, channel]
                there &= abs(x) < math.inf
                speed[t] = sign * gain * x
    return there


@njit(cache=True)
def read_joints(
    position: F64, velocity: F64, source: I32, rule: F64, value: F64, rate: F64, state: U8
) -> None:
    """Value and rate of each joint, whichever channels are there.

    As `read_usual`; state [B, lanes] out: MEASURED, DERIVED (from its mimic) or MISSING, +
    NO_VELOCITY.
    """
    for j in range(source.shape[0]):
        here, speed, how = rows(value, j, 1), rows(rate, j, 1), rows(state, j, 1)
        for t in range(position.shape[0]):
            here[t], speed[t], how[t] = _read_one(position[t], velocity[t], source[j], rule[j])


@njit(cache=True)
def _read_one(position: F64, velocity: F64, source: I32, rule: F64) -> tuple[float, float, int]:
    """Value, rate and state of one joint in one frame."""
    sign = rule[0]
    channel = source[0]
    gain, bias = 1.0, 0.0
    state = MEASURED
    if channel < 0 or not abs(position[channel]) <= LARGEST:
        channel, gain, bias = source[1], rule[1], rule[2]
        state = DERIVED
    if channel < 0 or not abs(position[channel]) <= LARGEST:
        return sign * rule[3], 0.0, MISSING + NO_VELOCITY
    value = sign * (gain * position[channel] + bias)
    if velocity.shape[0] > 0 and math.isfinite(velocity[channel]):
        return value, sign * gain * velocity[channel], state
    return value, 0.0, state + NO_VELOCITY


@njit(cache=True)
def place_bodies(count: int, value: F64, parent: I32, prismatic: U8, fixed: F64, body: F64) -> None:
    """Pose of every body in the pelvis frame.

    Args:
        count: Frames, at most LANES.
        value: [B, lanes] joint values.
        parent: [B] parent body of body b + 1; parents come first.
        prismatic: [B] 1 where the joint slides.
        fixed: [B, 7] T_fixed: xyz + wxyz.
        body: [B + 1, POSE, lanes] out; the pelvis, which does not move, included.
    """
    fill(rows(body, 0, POSE), 0.0)
    fill(body[:LANES], 1.0)
    for j in range(parent.shape[0]):
        base, out = rows(body, parent[j], POSE), rows(body, j + 1, POSE)
        here = rows(value, j, 1)
        if prismatic[j]:
            _slide(count, here, fixed[j], base, out)
        else:
            _turn(count, here, fixed[j], base, out)


@njit(cache=True)
def _turn(count: int, value: F64, fixed: F64, base: F64, out: F64) -> None:
    fx, fy, fz = fixed[0], fixed[1], fixed[2]
    aw, ax, ay, az = fixed[3], fixed[4], fixed[5], fixed[6]
    for t in range(count):
        qw, qx, qy, qz = base[t], base[LANES + t], base[2 * LANES + t], base[3 * LANES + t]
        px, py, pz = rotate(qw, qx, qy, qz, fx, fy, fz)
        out[4 * LANES + t] = px + base[4 * LANES + t]
        out[5 * LANES + t] = py + base[5 * LANES + t]
        out[6 * LANES + t] = pz + base[6 * LANES + t]
        qw, qx, qy, qz = multiply(qw, qx, qy, qz, aw, ax, ay, az)
        cos, sin = half_angle(value[t])
        qw, qx, qy, qz = turn_about_z(qw, qx, qy, qz, cos, sin)
        out[t], out[LANES + t], out[2 * LANES + t], out[3 * LANES + t] = qw, qx, qy, qz


@njit(cache=True)
def _slide(count: int, value: F64, fixed: F64, base: F64, out: F64) -> None:
    fx, fy, fz = fixed[0], fixed[1], fixed[2]
    aw, ax, ay, az = fixed[3], fixed[4], fixed[5], fixed[6]
    for t in range(count):
        qw, qx, qy, qz = base[t], base[LANES + t], base[2 * LANES + t], base[3 * LANES + t]
        px, py, pz = rotate(qw, qx, qy, qz, fx, fy, fz)
        qw, qx, qy, qz = multiply(qw, qx, qy, qz, aw, ax, ay, az)
        zx, zy, zz = z_axis(qw, qx, qy, qz)
        out[4 * LANES + t] = px + base[4 * LANES + t] + zx * value[t]
        out[5 * LANES + t] = py + base[5 * LANES + t] + zy * value[t]
        out[6 * LANES + t] = pz + base[6 * LANES + t] + zz * value[t]
        out[t], out[LANES + t], out[2 * LANES + t], out[3 * LANES + t] = qw, qx, qy, qz


@njit(cache=True)
def turn_bodies(count: int, rate: F64, parent: I32, prismatic: U8, body: F64, body_w: F64) -> None:
    """Angular velocity of every body relative to the pelvis, in the pelvis frame.

    Args:
        count: Frames, at most LANES.
        rate: [B, lanes] joint rates.
        parent: [B] as in `place_bodies`.
        prismatic: [B] as in `place_bodies`.
        body: [B + 1, POSE, lanes] from `place_bodies`.
        body_w: [B + 1, 3, lanes] out, rad/s.
    """
    fill(rows(body_w, 0, 3), 0.0)
    for j in range(parent.shape[0]):
        base, out, pose = (
            rows(body_w, parent[j], 3),
            rows(body_w, j + 1, 3),
            rows(body, j + 1, POSE),
        )
        _add_rate(count, rows(rate, j, 1), 0.0 if prismatic[j] else 1.0, pose, base, out)


@njit(cache=True)
def _add_rate(count: int, rate: F64, share: float, pose: F64, base: F64, out: F64) -> None:
    for t in range(count):
        turn = share * rate[t]
        zx, zy, zz = z_axis(pose[t], pose[LANES + t], pose[2 * LANES + t], pose[3 * LANES + t])
        out[t] = base[t] + zx * turn
        out[LANES + t] = base[LANES + t] + zy * turn
        out[2 * LANES + t] = base[2 * LANES + t] + zz * turn
