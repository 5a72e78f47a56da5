"""The second look at a joint in which something is off: which check says so, by how much."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.findings import (
    ACCELERATION,
    CHATTER,
    COMMAND_LIMIT,
    EFFORT_LIMIT,
    ENCODER_WRAP,
    FROZEN_JOINT,
    JERK,
    JOINT_LIMIT,
    MISSING_VALUE,
    NOISE_STEP,
    NON_FINITE,
    QUANTISATION,
    SATURATION,
    SPIKE,
    TRACKING_BIAS,
    TRACKING_ERROR,
    VELOCITY_LIMIT,
    note,
)
from streams.kernels.joint_lanes import (
    BIAS,
    COARSE,
    ERROR,
    FORCE,
    HELD,
    HELD_S,
    LANES,
    NOISE,
    NOISE_BEFORE,
    QUANTA,
    RATE,
    REPEATS,
    REVERSALS,
    TOP,
    advance,
    track,
)
from streams.kernels.joint_rules import Rules

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@numba.njit(cache=True, error_model="numpy")
def note_joint(
    lane: F64, seen_ns: I64, frame: F64, i: int, channel: int, t: int, stamp_ns: int, rules: Rules,
    strongest: float, flags: U64, table: I32, worst: F64,
) -> None:  # fmt: skip
    """Take the joint in lane i one frame on, and note what its checks say.

    `lane`, `seen_ns` and `frame` as in `joint_lanes.advance`, the rest as in `findings.note`.
    """
    _, bits, _, _, _, past, beyond, passed_s, step, speed, accel, jerk = advance(
        lane, seen_ns, frame, i, stamp_ns, False, 0.0, rules
    )
    bits |= track(lane, frame, i, rules)[1]
    if bits == 0:
        return
    turn = abs(step) - 2.0 * math.pi
    per_s = 1.0 / max(passed_s, 0.5 * rules.period_s)
    rate, top = abs(frame[RATE * LANES + i]) - lane[TOP * LANES + i], lane[TOP * LANES + i]
    over = abs(speed) - top
    # A velocity that is reported counts only where it is what is too high.
    over = max(over, rate) if rate - 0.1 > rules.velocity else over
    held, held_s = int(lane[HELD * LANES + i]), lane[HELD_S * LANES + i]
    noise, usual = lane[NOISE * LANES + i], lane[NOISE_BEFORE * LANES + i]
    error = lane[ERROR * LANES + i]
    agree = lane[QUANTA * LANES + i] + lane[REPEATS * LANES + i]
    _note(bits, MISSING_VALUE, 0, 1.0, channel, t, flags, table, worst)
    _note(bits, NON_FINITE, 0, 1.0, channel, t, flags, table, worst)
    _note(bits, JOINT_LIMIT, 0, past, channel, t, flags, table, worst)
    _note(bits, COMMAND_LIMIT, 0, beyond, channel, t, flags, table, worst)
    share = frame[FORCE * LANES + i] / strongest
    _note(bits, EFFORT_LIMIT, 0, share, channel, t, flags, table, worst)
    _note(bits, SATURATION, held, held_s, channel, t, flags, table, worst)
    _note(bits, FROZEN_JOINT, held, held_s, channel, t, flags, table, worst)
    _note(bits, ENCODER_WRAP, 0, turn, channel, t, flags, table, worst)
    _note(bits, VELOCITY_LIMIT, 0, over, channel, t, flags, table, worst)
    _note(bits, ACCELERATION, 0, accel, channel, t, flags, table, worst)
    _note(bits, JERK, 0, jerk, channel, t, flags, table, worst)
    _note(bits, SPIKE, 1, step, channel, t, flags, table, worst)
    times = math.sqrt(noise / max(usual, 1e-10))
    _note(bits, NOISE_STEP, 0, times, channel, t, flags, table, worst)
    reversals = lane[REVERSALS * LANES + i]
    _note(bits, CHATTER, int(per_s), reversals, channel, t, flags, table, worst)
    quantum = lane[COARSE * LANES + i]
    _note(bits, QUANTISATION, int(agree), quantum, channel, t, flags, table, worst)
    _note(bits, TRACKING_ERROR, 0, error, channel, t, flags, table, worst)
    _note(bits, TRACKING_BIAS, 0, lane[BIAS * LANES + i], channel, t, flags, table, worst)


@numba.njit(cache=True)
def _note(
    bits: int, row: int, back: int, value: float, channel: int, t: int, flags: U64, table: I32,
    worst: F64,
) -> None:  # fmt: skip
    if (bits >> row) & 1:
        note(flags, table, worst, row, channel, t, back, value)
