"""Joints side by side: the rows of numbers that a block of joints is checked in, and one step.

A block holds `LANES` joints. Number k of the joint in lane i is `lane[k * LANES + i]`; lanes that
are left over report nothing. With a constant row length the compiler sees that rows do not overlap.
"""

from __future__ import annotations

import math
from typing import Final

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
)
from streams.kernels.joint_rules import Rules
from streams.kernels.joint_steps import (
    exceed,
    follow,
    hold,
    quantise,
    reverse,
    roughen,
    spikes,
    wraps,
)

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

LANES: Final = 16

# What is carried of each joint, beside its last number and that one's stamp.
STEP, SPEED, ACCEL, BEND, KNOWN = 0, 1, 2, 3, 4
NOISE, NOISE_BEFORE, SETTLED_S = 5, 6, 7
QUANTUM, QUANTA, COARSE, REPEATS = 8, 9, 10, 11
EXTREME, WAY, REVERSALS = 12, 13, 14
HELD, HELD_S, COMMAND, TRAVEL = 15, 16, 17, 18
ERROR, BIAS, BIAS_S = 19, 20, 21
JOINT = 22

LAST = JOINT
"""Row of the last number."""

# What a joint can do, as the plan says.
LOWER, UPPER, TOP, MOST_EFFORT, IS_JOINT, NOTES_ABSENT = 23, 24, 25, 26, 27, 28
LIMITS = 6
GONE_S = 29
"""Row of s by which a joint's rates went on in this frame; 0 = they did not."""

ODD = 30
"""Row that is not zero where a joint has something to note."""

ROWS_OF_A_BLOCK = 31

# A frame's numbers.
VALUE, RATE, FORCE, TOLD, ABSENT = 0, 1, 2, 3, 4
ROWS_OF_A_FRAME = 5

Values = tuple[float, float, float, float, float, float, float, float, float, float]


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def advance(  # type: ignore[no-untyped-def]
    lane: F64, seen_ns: I64, frame: F64, i: int, stamp_ns: int, regular: bool,
    since_s: float, rules: Rules,
):  # fmt: skip
    """Take one joint one frame on, but for what compares it with its command (`track`).

    Args:
        lane: [ROWS_OF_A_BLOCK * LANES]; the carried rows change.
        seen_ns: [LANES] stamps of the last numbers; changed.
        frame: [ROWS_OF_A_FRAME * LANES] the frame's numbers.
        i: the lane.
        stamp_ns: of the frame.
        regular: a constant; true where all joints of the block gave a number in this frame and in
            the last, less than a radian apart: then much need not be asked, with the same result.
        since_s: for a regular frame, s since the last; neither late nor early.
        rules: thresholds.

    Returns:
        Whether there is anything to note, and by bits what; whether the joint gave a number,
        repeated its last, moved; and numbers that notes are made of: how far past its limit, how
        far its command, s since its last number, step, speed, acceleration, jerk.
    """
    value, absent = frame[VALUE * LANES + i], frame[ABSENT * LANES + i] != 0.0
    rate, told = frame[RATE * LANES + i], frame[TOLD * LANES + i]
    last, before_ns = lane[LAST * LANES + i], seen_ns[i]
    low, high = lane[LOWER * LANES + i], lane[UPPER * LANES + i]
    here = regular | (math.isfinite(value) & (not absent))
    past = max(low - value, value - high)
    beyond = max(low - told, told - high)
    missing = (not regular) & absent & (lane[NOTES_ABSENT * LANES + i] != 0.0)
    no_number = (not regular) & (not absent) & (not math.isfinite(value))
    off_limit = here & (past > rules.joint_limit)
    off_command = here & (beyond > rules.command_limit)
    strained = here & (abs(frame[FORCE * LANES + i]) > lane[MOST_EFFORT * LANES + i])

    step = value - last
    passed_s = since_s if regular else float(stamp_ns - before_ns) * 1e-9
    lane[LAST * LANES + i] = value if here else last
    seen_ns[i] = stamp_ns if here else before_ns
    stepped = regular | (here & (step == step))
    is_joint = lane[IS_JOINT * LANES + i] != 0.0

    held, held_s = lane[HELD * LANES + i], lane[HELD_S * LANES + i]
    command, travel = lane[COMMAND * LANES + i], lane[TRAVEL * LANES + i]
    command = told if here & (not stepped) else command
    held, held_s, command, travel, saturated, frozen = hold(
        rules, stepped, step, passed_s, rate, told, past, held, held_s, command, travel
    )
    lane[HELD * LANES + i], lane[HELD_S * LANES + i] = held, held_s
    lane[COMMAND * LANES + i], lane[TRAVEL * LANES + i] = command, travel

    # Rates, by differences; behind a hole or a frame without a value they begin anew.
    later = regular | (stepped & (passed_s > 0.0))
    far = (not regular) & later & (passed_s > rules.far_s)
    wrapped = (not regular) & later & (not far) & wraps(rules, step)
    go = later & (not far) & (not wrapped)
    late = (not regular) & (passed_s > rules.late_s)
    known = lane[KNOWN * LANES + i]
    known = 0.0 if far | wrapped | (go & late) else known
    step_s = max(passed_s, 0.5 * rules.period_s)
    per_s = 1.0 / step_s
    last_step, last_bend = lane[STEP * LANES + i], lane[BEND * LANES + i]
    last_speed, last_accel = lane[SPEED * LANES + i], lane[ACCEL * LANES + i]
    speed = step * per_s
    accel = (speed - last_speed) * per_s
    bend = step - last_step
    fast, hard, jerky = exceed(
        rules, go, lane[TOP * LANES + i], rate, per_s, speed, accel, last_accel, known
    )
    seen_two = go & (known >= 2.0)
    noise, reversals = lane[NOISE * LANES + i], lane[REVERSALS * LANES + i]
    spiked = spikes(rules, seen_two, step, last_step, bend, last_bend, noise, reversals)
    noise, usual, settled_s, noisier = roughen(
        rules, seen_two, step_s, per_s, bend, last_bend, noise,
        lane[NOISE_BEFORE * LANES + i], lane[SETTLED_S * LANES + i],
    )  # fmt: skip
    lane[NOISE * LANES + i], lane[NOISE_BEFORE * LANES + i] = noise, usual
    lane[SETTLED_S * LANES + i] = settled_s
    usual_step = speed * rules.period_s if late else step
    lane[STEP * LANES + i] = usual_step if go else last_step
    lane[SPEED * LANES + i] = speed if go else last_speed
    lane[ACCEL * LANES + i] = accel if go else last_accel
    lane[BEND * LANES + i] = bend if go else last_bend
    lane[KNOWN * LANES + i] = min(known + 1.0, 2.0) if go else known

    way = lane[WAY * LANES + i]
    extreme, way, reversals, chatters = reverse(
        rules, go, value, step_s, lane[EXTREME * LANES + i], way, reversals
    )
    lane[EXTREME * LANES + i] = extreme
    lane[WAY * LANES + i] = 0.0 if far | wrapped else way
    lane[REVERSALS * LANES + i] = 0.0 if far else reversals

    quantum, quanta, repeats, coarse, is_coarse = quantise(
        rules, go, step, lane[QUANTUM * LANES + i], lane[QUANTA * LANES + i],
        lane[REPEATS * LANES + i], lane[COARSE * LANES + i],
    )  # fmt: skip
    lane[QUANTUM * LANES + i], lane[QUANTA * LANES + i] = quantum, quanta
    lane[REPEATS * LANES + i], lane[COARSE * LANES + i] = repeats, coarse
    lane[GONE_S * LANES + i] = step_s if go else 0.0

    of_motor = saturated | frozen | wrapped | fast | hard | jerky
    of_motor |= spiked | noisier | chatters | is_coarse
    odd = missing | no_number | off_limit | off_command | strained | (is_joint & of_motor)
    bits = _bit(missing, MISSING_VALUE) | _bit(no_number, NON_FINITE)
    bits |= _bit(off_limit, JOINT_LIMIT) | _bit(off_command, COMMAND_LIMIT)
    bits |= _bit(strained, EFFORT_LIMIT)
    moved_by = _bit(saturated, SATURATION) | _bit(frozen, FROZEN_JOINT)
    moved_by |= _bit(wrapped, ENCODER_WRAP) | _bit(fast, VELOCITY_LIMIT)
    moved_by |= _bit(hard, ACCELERATION) | _bit(jerky, JERK) | _bit(spiked, SPIKE)
    moved_by |= _bit(noisier, NOISE_STEP) | _bit(chatters, CHATTER)
    moved_by |= _bit(is_coarse, QUANTISATION)
    bits |= moved_by if is_joint else 0
    repeated = stepped & (step == 0.0)
    moved = stepped & (abs(step) > rules.moving)
    jerk = (accel - last_accel) * per_s
    return odd, bits, here, repeated, moved, past, beyond, passed_s, step, speed, accel, jerk


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def track(lane: F64, frame: F64, i: int, rules: Rules) -> tuple[bool, int]:
    """Compare a joint with its command, behind `advance`; arguments as there.

    Returns:
        Whether there is anything to note, and by bits what.
    """
    step_s, told = lane[GONE_S * LANES + i], frame[TOLD * LANES + i]
    error, bias, bias_s, is_off, stays_off = follow(
        rules, (step_s > 0.0) & math.isfinite(told), frame[VALUE * LANES + i], told, step_s,
        lane[ERROR * LANES + i], lane[BIAS * LANES + i], lane[BIAS_S * LANES + i],
    )  # fmt: skip
    lane[ERROR * LANES + i] = error
    lane[BIAS * LANES + i], lane[BIAS_S * LANES + i] = bias, bias_s
    is_joint = lane[IS_JOINT * LANES + i] != 0.0
    bits = _bit(is_off, TRACKING_ERROR) | _bit(stays_off, TRACKING_BIAS)
    return is_joint & (is_off | stays_off), bits if is_joint else 0


@numba.njit(cache=True, forceinline=True)
def _bit(says: bool, row: int) -> int:
    return 1 << row if says else 0
