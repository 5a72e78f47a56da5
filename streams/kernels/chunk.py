"""All of canonicalisation for one chunk: one call, frames side by side, no state between them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.chain import POSE, place_bodies, read_joints, read_usual, turn_bodies
from streams.kernels.chunk_tables import ChunkTables, unpack
from streams.kernels.lanes import LANES
from streams.kernels.readings import close_gripper, read_directly
from streams.kernels.segments import measure_angles, measure_rates, orient_segments, place_points
from streams.kernels.status import STATUS_ABSENT, dof_status, segment_status

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


class Views(NamedTuple):
    """What is filled, as parts of the arrays of `canonicalise_chunk`, in the order they stand.

    Attributes:
        angle: [T, 44] rad or 0..1, NaN = absent.
        rate: [T, 44] per second, or [T, 0]; behind the feet.
        hand, foot: [T, 2, 7] xyz + wxyz.
        quat: [T, 60] 15 quaternions wxyz.
        key: [T, 45] 15 points, metres.
        status: [T, 44]
        seg_status: [T, 15]
        near: [T, 14] 1 near the pole.
    """

    angle: F32
    rate: F32
    hand: F32
    foot: F32
    quat: F64
    key: F64
    status: U8
    seg_status: U8
    near: U8


@njit(cache=True)
def canonicalise_chunk(
    position: F64, velocity: F64, whole: I32, floats: F64, octets: U8, pole_rad: float,
    hand_start: int, narrow: F32, wide: F64, marks: U8,
) -> None:  # fmt: skip
    """Fill the canonical view of T frames, each kind of number in one array: see `Views`.

    In: position [T, C], velocity [T, C] (or [T, 0]), not finite = not there; whole, floats, octets
    from `chunk_tables.pack`; pole_rad: middle angle beyond which a ball complex is near its pole;
    hand_start as in `readings`.

    Tables: source, rule, parent, prismatic, fixed as in `chain`; seg_body, seg_q, layout, sign as
    in `segments`; point_body [19], point [19, 3]: 15 key points, left and right palm, left and
    right sole; end_segment [4]: whose orientation palms and soles have; dof_base, dof_needs,
    seg_base, seg_path as in `status`; usual [B]: state of the joints where all channels are there,
    and usual_dof, usual_known, usual_seg what `status` makes of it; read_dof to read_rule as in
    `readings`; gripper [G]: first finger DoF of each gripper.

    Out: narrow [T * 72, or T * 116 with velocities]; wide [T * 105]; marks [T * 73].
    """
    frames, with_rate = position.shape[0], velocity.shape[1] > 0
    rates = 44 if with_rate else 0
    a, b, c = 44 * frames, 58 * frames, 72 * frames
    out = Views(
        narrow[:a].reshape(frames, 44),
        narrow[c : c + rates * frames].reshape(frames, rates),
        narrow[a:b].reshape(frames, 2, 7),
        narrow[b:c].reshape(frames, 2, 7),
        wide[: 60 * frames].reshape(frames, 60),
        wide[60 * frames :].reshape(frames, 45),
        marks[: 44 * frames].reshape(frames, 44),
        marks[44 * frames : 59 * frames].reshape(frames, 15),
        marks[59 * frames :].reshape(frames, 14),
    )
    _fill(position, velocity, unpack(whole, floats, octets), pole_rad, hand_start, out)


@njit(cache=True)
def _fill(
    position: F64, velocity: F64, tables: ChunkTables, pole_rad: float, hand_start: int, out: Views
) -> None:
    """All frames, in blocks of `LANES`."""
    source, rule, parent = tables.source, tables.rule, tables.parent
    prismatic, fixed, layout, sign = tables.prismatic, tables.fixed, tables.layout, tables.sign
    seg_body, seg_q, end_segment = tables.seg_body, tables.seg_q, tables.end_segment
    usual, read_dof, gripper = tables.usual, tables.read_dof, tables.gripper
    angle, rate, status, seg_status = out.angle, out.rate, out.status, out.seg_status
    hand, foot, near, flat_quat, flat_key = out.hand, out.foot, out.near, out.quat, out.key
    joints, with_rate = source.shape[0], rate.shape[1] > 0
    value, turn = np.empty(joints * LANES), np.empty(joints * LANES)
    state, body = np.empty(joints * LANES, np.uint8), np.empty((joints + 1) * POSE * LANES)
    body_w = np.empty((joints + 1) * 3 * LANES if with_rate else 0)
    segment, spot = np.empty(15 * 4 * LANES), np.empty(19 * 3 * LANES)
    turned, slope = np.empty(14 * 3 * LANES), np.empty(14 * 3 * LANES)
    before, own_status = usual.copy(), tables.usual_dof.copy()
    known, own_seg = tables.usual_known.copy(), tables.usual_seg.copy()
    # Which of the 42 angles a DoF is; -1 = a finger's.
    row = np.full(44, -1, np.int32)
    for k in range(14):
        for i in range(layout[k, 4]):
            row[layout[k, 3] + i] = k * 3 + i
    usual_held = True
    for first in range(0, position.shape[0], LANES):
        count = min(LANES, position.shape[0] - first)
        still, moving = position[first : first + count], velocity[first : first + count]
        all_there = read_usual(still, moving, source, rule, value, turn)
        if not all_there:
            read_joints(still, moving, source, rule, value, turn, state)
        place_bodies(count, value, parent, prismatic, fixed, body)
        orient_segments(count, seg_body, seg_q, body, segment)
        place_points(count, tables.point_body, tables.point, body, spot)
        measure_angles(count, layout, sign, seg_body, segment, turned)
        if with_rate:
            turn_bodies(count, turn, parent, prismatic, body, body_w)
            measure_rates(count, layout, sign, seg_body, segment, body_w, slope)
        for t in range(count):
            now, changed = first + t, False
            if not (all_there and usual_held):
                for j in range(joints):
                    how = usual[j] if all_there else state[j * LANES + t]
                    changed |= how != before[j]
                    before[j] = how
                usual_held = all_there
            if changed:
                dof_status(before, tables.dof_base, tables.dof_needs, own_status, known)
                segment_status(before, tables.seg_base, tables.seg_path, own_seg)
            for s in range(15):
                seg_status[now, s] = own_seg[s]
            for d in range(44):
                status[now, d] = own_status[d]
            for i in range(60):
                flat_quat[now, i] = segment[i * LANES + t]
            for i in range(45):
                flat_key[now, i] = spot[i * LANES + t]
            for side in range(2):
                palm, sole = (15 + side) * 3, (17 + side) * 3
                for i in range(3):
                    hand[now, side, i] = spot[(palm + i) * LANES + t]
                    foot[now, side, i] = spot[(sole + i) * LANES + t]
                palm, sole = end_segment[side] * 4, end_segment[2 + side] * 4
                for i in range(4):
                    hand[now, side, 3 + i] = segment[(palm + i) * LANES + t]
                    foot[now, side, 3 + i] = segment[(sole + i) * LANES + t]
            for d in range(44):
                here = row[d] >= 0 and own_status[d] != STATUS_ABSENT
                angle[now, d] = turned[row[d] * LANES + t] if here else math.nan
            if with_rate:
                for d in range(44):
                    here = row[d] >= 0 and own_status[d] != STATUS_ABSENT and known[d] != 0
                    rate[now, d] = slope[row[d] * LANES + t] if here else math.nan
            for k in range(14):
                seen = False
                for i in range(layout[k, 4]):
                    seen |= own_status[layout[k, 3] + i] != STATUS_ABSENT
                near[now, k] = seen and abs(turned[(k * 3 + 1) * LANES + t]) > pole_rad
            if read_dof.shape[0] > 0:
                read_directly(
                    position[now], velocity[now], read_dof, tables.read_start,
                    tables.read_channel, tables.read_rule, hand_start, angle[now], rate[now],
                    status[now],
                )  # fmt: skip
                for g in range(gripper.shape[0]):
                    close_gripper(gripper[g], angle[now], rate[now], status[now])


@njit(cache=True)
def raw_angles(
    value: F64, parent: I32, prismatic: U8, fixed: F64, seg_body: I32, seg_q: F64,
    layout: I32, sign: F64, out: F64,
) -> None:  # fmt: skip
    """Angles of all complexes for given joint values [N, B], whatever the stream holds.

    out: [N, 14, 3] rad; NaN where a segment is absent.
    """
    joints = value.shape[1]
    row, body = np.empty(joints * LANES), np.empty((joints + 1) * POSE * LANES)
    segment, turned = np.empty(15 * 4 * LANES), np.empty(14 * 3 * LANES)
    for first in range(0, value.shape[0], LANES):
        count = min(LANES, value.shape[0] - first)
        for j in range(joints):
            for t in range(count):
                row[j * LANES + t] = value[first + t, j]
        place_bodies(count, row, parent, prismatic, fixed, body)
        orient_segments(count, seg_body, seg_q, body, segment)
        measure_angles(count, layout, sign, seg_body, segment, turned)
        for t in range(count):
            for k in range(14):
                for i in range(3):
                    out[first + t, k, i] = turned[(k * 3 + i) * LANES + t]
