"""All of canonicalisation for one chunk: one call, frame after frame, no state between them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.chain import place_bodies, read_joints, turn_bodies
from streams.kernels.readings import close_gripper, read_directly
from streams.kernels.segments import (
    angle_terms,
    measure_rates,
    orient_segments,
    place_points,
    signed_angle,
)
from streams.kernels.status import STATUS_ABSENT, dof_status, segment_status
from streams.kernels.trig import arctangents, half_angles

Bool = NDArray[np.bool_]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

# Frames whose arctangents are taken together: enough to vectorise, few enough to stay in cache.
BLOCK = 32


@njit(cache=True)
def canonicalise_chunk(
    position: F64, velocity: F64, source: I32, rule: F64, parent: I32, prismatic: U8, fixed: F64,
    seg_body: I32, seg_q: F64, point_body: I32, point: F64, end_segment: I32,
    layout: I32, sign: F64, pole_rad: float,
    dof_base: U8, dof_needs: U8, seg_base: U8, seg_path: U8,
    read_start: I32, read_channel: I32, read_rule: F64, gripper: I32, hand_start: int,
    angle: F32, rate: F32, status: U8, quat: F64, seg_status: U8, key: F64, end: F32, near: Bool,
) -> None:  # fmt: skip
    """Fill the canonical view of T frames.

    In: position [T, C], velocity [T, C] (or [T, 0]), not finite = not there; source, rule, parent,
    prismatic, fixed as in `chain`; seg_body, seg_q, layout, sign as in `segments`; point_body [19],
    point [19, 3]: 15 key points, left and right palm, left and right sole; end_segment [4]: whose
    orientation palms and soles have; pole_rad: middle angle beyond which a ball complex is near its
    pole; dof_base, dof_needs, seg_base, seg_path as in `status`; read_start, read_channel,
    read_rule, hand_start as in `readings`; gripper [G]: first finger DoF of each gripper.

    Out: angle [T, 44] rad or 0..1, NaN = absent; rate [T, 44] per second (or [T, 0]); status
    [T, 44]; quat [T, 15, 4]; seg_status [T, 15]; key [T, 15, 3] metres; end [T, 4, 7] xyz + wxyz;
    near [T, 14].
    """
    joints, with_rate = source.shape[0], rate.shape[1] > 0
    block = min(position.shape[0], BLOCK)
    value, cos, sin = np.empty(block * joints), np.empty(block * joints), np.empty(block * joints)
    turn, y, x = np.empty(block * joints), np.empty(block * 42), np.empty(block * 42)
    arc = np.empty(block * 42)
    state, before = np.empty(joints, np.uint8), np.full(joints, 255, np.uint8)
    body_q, body_p = np.zeros((joints + 1, 4)), np.zeros((joints + 1, 3))
    body_w, points, rates = np.zeros((joints + 1, 3)), np.empty((19, 3)), np.empty((14, 3))
    body_q[0, 0] = 1.0
    own_status, rate_known = np.empty(44, np.uint8), np.empty(44, np.uint8)
    own_seg_status = np.empty(15, np.uint8)
    dof_status(state[:0], dof_base, dof_needs, own_status, rate_known)
    segment_status(state[:0], seg_base, seg_path, own_seg_status)
    for first in range(0, position.shape[0], BLOCK):
        last = min(first + BLOCK, position.shape[0])
        for t in range(first, last):
            a, b = (t - first) * joints, (t - first + 1) * joints
            read_joints(position[t], velocity[t], source, rule, value[a:b], turn[a:b], state)
            changed = False
            for j in range(joints):
                changed = changed or state[j] != before[j]
                before[j] = state[j]
            if changed:
                dof_status(state, dof_base, dof_needs, own_status, rate_known)
                segment_status(state, seg_base, seg_path, own_seg_status)
            for d in range(44):
                status[t, d] = own_status[d]
            for s in range(15):
                seg_status[t, s] = own_seg_status[s]
            if with_rate:
                for d in range(44):
                    rate[t, d] = 0.0 if rate_known[d] else math.nan
        filled = (last - first) * joints
        half_angles(value[:filled], cos[:filled], sin[:filled])
        for t in range(first, last):
            a, b, c = (t - first) * joints, (t - first + 1) * joints, (t - first) * 42
            place_bodies(value[a:b], cos[a:b], sin[a:b], parent, prismatic, fixed, body_q, body_p)
            orient_segments(seg_body, seg_q, body_q, quat[t])
            place_points(point_body, point, body_q, body_p, points)
            for s in range(15):
                for i in range(3):
                    key[t, s, i] = points[s, i]
            for e in range(4):
                for i in range(3):
                    end[t, e, i] = points[15 + e, i]
                for i in range(4):
                    end[t, e, 3 + i] = quat[t, end_segment[e], i]
            angle_terms(layout, seg_body, quat[t], y[c : c + 42], x[c : c + 42])
            if with_rate:
                turn_bodies(turn[a:b], parent, prismatic, body_q, body_w)
                measure_rates(layout, sign, seg_body, quat[t], body_w, rates)
                for k in range(14):
                    for i in range(layout[k, 4]):
                        rate[t, layout[k, 3] + i] += rates[k, i]
        filled = (last - first) * 42
        arctangents(y[:filled], x[:filled], arc[:filled])
        for t in range(first, last):
            for k in range(14):
                c = (t - first) * 42 + 3 * k
                seen = False
                for i in range(layout[k, 4]):
                    d = layout[k, 3] + i
                    if status[t, d] == STATUS_ABSENT:
                        angle[t, d] = math.nan
                        if with_rate:
                            rate[t, d] = math.nan
                    else:
                        angle[t, d] = signed_angle(arc[c + i], sign[k, i])
                        seen = True
                near[t, k] = seen and abs(arc[c + 1]) > pole_rad
            for d in range(hand_start, 44):
                angle[t, d] = math.nan
                if with_rate:
                    rate[t, d] = math.nan
            read_directly(
                position[t], velocity[t], read_start, read_channel, read_rule, hand_start,
                angle[t], rate[t], status[t],
            )  # fmt: skip
            for g in range(gripper.shape[0]):
                close_gripper(gripper[g], angle[t], rate[t], status[t])


@njit(cache=True)
def raw_angles(
    value: F64, parent: I32, prismatic: U8, fixed: F64, seg_body: I32, seg_q: F64,
    layout: I32, sign: F64, out: F64,
) -> None:  # fmt: skip
    """Angles of all complexes for given joint values [N, B], whatever the stream holds.

    out: [N, 14, 3] rad; NaN where a segment is absent.
    """
    joints = value.shape[1]
    body_q, body_p, quat = np.zeros((joints + 1, 4)), np.zeros((joints + 1, 3)), np.empty((15, 4))
    cos, sin = np.empty(joints), np.empty(joints)
    y, x, arc = np.empty(42), np.empty(42), np.empty(42)
    body_q[0, 0] = 1.0
    for n in range(value.shape[0]):
        half_angles(value[n], cos, sin)
        place_bodies(value[n], cos, sin, parent, prismatic, fixed, body_q, body_p)
        orient_segments(seg_body, seg_q, body_q, quat)
        angle_terms(layout, seg_body, quat, y, x)
        arctangents(y, x, arc)
        for k in range(14):
            for i in range(3):
                out[n, k, i] = signed_angle(arc[3 * k + i], sign[k, i])
