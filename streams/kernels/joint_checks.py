"""Checks of the native joints: one pass over a chunk, joints side by side, nothing but the clean.

Joints in which something is off are gone through once more, one by one, to say what
(`joint_notes`); all others have cost no more than their running figures.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.joint_block import close_block, is_regular, load_frames, open_block
from streams.kernels.joint_lanes import (
    LANES,
    ODD,
    ROWS_OF_A_BLOCK,
    ROWS_OF_A_FRAME,
    advance,
    track,
)
from streams.kernels.joint_notes import note_joint
from streams.kernels.joint_rules import joint_rules

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]


@numba.njit(cache=True)
def check_joints(
    stamp_ns: I64,
    period_s: float,
    position: F64,
    velocity: F64,
    effort: F64,
    action: F64,
    absent: U8,
    limits: F64,
    strongest: F64,
    limit: F64,
    least: F64,
    last: F64,
    last_ns: I64,
    joint: F64,
    reported: I32,
    same: I32,
    moved: I32,
    flags: U64,
    table: I32,
    worst: F64,
) -> None:
    """Flag what the joints of T frames show.

    Args:
        stamp_ns: [T] the vendor's stamps.
        period_s: nominal period.
        position: [T, C] SI; NaN where the joint did not report a number.
        velocity: [T, C] as reported; [0, 0] where the robot reports none.
        effort: [T, C] as reported, or [0, 0].
        action: [T, C] commanded position, or [0, 0].
        absent: [T, C] 1 where no value was in the message; [0, 0] where all are there.
        limits: [6, C] lower and upper, −inf and +inf where unknown; speed and effort that are too
            much; 1 where a motor moves it; 1 where an absent value is a finding.
        strongest: [C] limit of effort, +inf where unknown.
        limit: [ROWS] thresholds of the catalogue.
        least: [ROWS] second numbers of the catalogue.
        last: [C] last number of each joint, NaN if none; changed.
        last_ns: [C] its stamp; changed.
        joint: [JOINT, C] running figures; changed.
        reported: [T] joints that gave a number; filled.
        same: [T] those that repeat their last number; filled.
        moved: [T] those that moved further than a stale frame's least; filled.
        flags: [T], changed.
        table: as in `findings.note`; changed.
        worst: as in `findings.note`; changed.
    """
    frames, channels = position.shape
    rules = joint_rules(period_s, limit, least)
    reported[:] = 0
    same[:] = 0
    moved[:] = 0
    lane, seen_ns = np.empty(ROWS_OF_A_BLOCK * LANES), np.empty(LANES, np.int64)
    told = np.empty((frames, ROWS_OF_A_FRAME * LANES))
    has_action, has_absent = action.shape[0] > 0, absent.shape[0] > 0
    for first in range(0, channels, LANES):
        count = open_block(lane, seen_ns, first, limits, last, last_ns, joint)
        load_frames(first, count, position, velocity, effort, action, absent, told)
        together = True
        for i in range(LANES):
            together &= seen_ns[i] == seen_ns[0]
        for t in range(frames):
            frame, stamp = told[t], stamp_ns[t]
            since_s = float(stamp - seen_ns[0]) * 1e-9
            in_time = together and 0.0 < since_s <= rules.late_s
            if in_time and is_regular(lane, frame, has_absent):
                repeats = moves = 0
                for i in range(LANES):
                    step = advance(lane, seen_ns, frame, i, stamp, True, since_s, rules)
                    lane[ODD * LANES + i] = 1.0 if step[0] else lane[ODD * LANES + i]
                    repeats += int(step[3])
                    moves += int(step[4])
                reported[t] += count
                same[t] += repeats - (LANES - count)
                moved[t] += moves
            else:
                gave = repeats = moves = 0
                for i in range(LANES):
                    step = advance(lane, seen_ns, frame, i, stamp, False, 0.0, rules)
                    lane[ODD * LANES + i] = 1.0 if step[0] else lane[ODD * LANES + i]
                    gave += int(step[2])
                    repeats += int(step[3])
                    moves += int(step[4])
                reported[t] += gave
                same[t] += repeats
                moved[t] += moves
                together = gave == count
            if has_action:
                for i in range(LANES):
                    off = track(lane, frame, i, rules)
                    lane[ODD * LANES + i] = 1.0 if off[0] else lane[ODD * LANES + i]
        odd = False
        for i in range(LANES):
            odd |= lane[ODD * LANES + i] != 0.0
        if odd:
            again, again_ns = np.empty(ROWS_OF_A_BLOCK * LANES), np.empty(LANES, np.int64)
            open_block(again, again_ns, first, limits, last, last_ns, joint)
            for t in range(frames):
                for i in range(count):
                    if lane[ODD * LANES + i] != 0.0:
                        note_joint(
                            again, again_ns, told[t], i, first + i, t, stamp_ns[t], rules,
                            strongest[first + i], flags, table, worst,
                        )  # fmt: skip
        close_block(lane, seen_ns, first, count, last, last_ns, joint)
