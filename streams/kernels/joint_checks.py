"""Checks of the native joints, one pass over a chunk with a few running figures a joint."""

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

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

# What is carried of each joint.
STEP, SPEED, ACCEL, BEND, KNOWN = 0, 1, 2, 3, 4
NOISE, NOISE_BEFORE, SETTLED_S = 5, 6, 7
QUANTUM, QUANTA, COARSE = 8, 9, 10
EXTREME, WAY, REVERSALS = 11, 12, 13
HELD, HELD_S, COMMAND, TRAVEL = 14, 15, 16, 17
ACTION_MEAN, POSITION_MEAN, BIAS, BIAS_S = 18, 19, 20, 21
REPEATS = 22
JOINT = 23

FREE, MOVED_BY_MOTOR, FINGER = 0, 1, 2
"""Kinds of channels: no joint or a share of closing; a joint; a finger's joint."""

_PERIODS_APART = 5.0
"""Two values further apart than this many periods say nothing about a rate."""

_WHOLE = 0.04
"""So far from a whole number may a ratio of two steps be."""

_FEW_REPEATS = 3.0
"""Still frames among the steps that show a quantum."""

_TURN = 2.0 * math.pi
_NOISE_TAU_S = 0.5
_NOISE_BEFORE_TAU_S = 20.0
_NOISE_SETTLES_S = 3.0
_NOISE_DOUBTFUL = 0.1
"""How much of what may be a defect goes into what is taken for usual."""

_TRACK_TAU_S = 0.5
_BIAS_TAU_S = 5.0
_BIAS_SETTLES_S = 2.0


@numba.njit(cache=True)
def check_joints(
    stamp_ns: I64,
    period_s: float,
    position: F64,
    velocity: F64,
    effort: F64,
    action: F64,
    absent: U8,
    lower: F64,
    upper: F64,
    fastest: F64,
    strongest: F64,
    kind: U8,
    note_absent: bool,
    limit: F64,
    least: F64,
    last: F64,
    seen_ns: I64,
    joint: F64,
    reported: I32,
    same: I32,
    moved: F64,
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
        lower: [C] limits, −inf where unknown.
        upper: [C] limits, +inf where unknown.
        fastest: [C] limit of speed, per second.
        strongest: [C] limit of effort, +inf where unknown.
        kind: [C] FREE, MOVED_BY_MOTOR or FINGER.
        note_absent: whether an absent value is a finding; in a sparse message it is usual.
        limit: [ROWS] thresholds of the catalogue.
        least: [ROWS] second numbers of the catalogue.
        last: [C] last number of each joint, NaN if none; changed.
        seen_ns: [C] its stamp; changed.
        joint: [C, JOINT] running figures; changed.
        reported: [T] joints that gave a number; filled.
        same: [T] those that repeat their last number; filled.
        moved: [T] the largest step, rad or m; filled.
        flags: [T], changed.
        table: as in `findings.note`; changed.
        worst: as in `findings.note`; changed.
    """
    frames, channels = position.shape
    has_absent = absent.shape[0] > 0
    has_action = action.shape[0] > 0
    has_velocity = velocity.shape[0] > 0
    has_effort = effort.shape[0] > 0
    reported[:] = 0
    same[:] = 0
    moved[:] = 0.0
    far_s = _PERIODS_APART * period_s
    loud = least[NOISE_STEP] * least[NOISE_STEP]
    louder = limit[NOISE_STEP] * limit[NOISE_STEP]
    sharp = limit[JOINT_LIMIT]
    for c in range(channels):
        own = joint[c]
        low, high, top = lower[c], upper[c], 1.1 * fastest[c]
        most_effort = strongest[c] * limit[EFFORT_LIMIT]
        is_joint = kind[c] == MOVED_BY_MOTOR
        before, before_ns = last[c], seen_ns[c]
        last_step, last_speed, last_accel = own[STEP], own[SPEED], own[ACCEL]
        last_bend, known = own[BEND], own[KNOWN]
        noise, noise_before, settled_s = own[NOISE], own[NOISE_BEFORE], own[SETTLED_S]
        quantum, quanta, coarse = own[QUANTUM], own[QUANTA], own[COARSE]
        repeats = own[REPEATS]
        extreme, way, reversals = own[EXTREME], own[WAY], own[REVERSALS]
        held, held_s, command, travel = own[HELD], own[HELD_S], own[COMMAND], own[TRAVEL]
        action_mean, position_mean = own[ACTION_MEAN], own[POSITION_MEAN]
        bias, bias_s = own[BIAS], own[BIAS_S]
        for t in range(frames):
            if has_absent and absent[t, c]:
                if note_absent:
                    note(flags, table, worst, MISSING_VALUE, c, t, 0, 1.0)
                continue
            value = position[t, c]
            if not math.isfinite(value):
                note(flags, table, worst, NON_FINITE, c, t, 0, 1.0)
                continue
            past = max(low - value, value - high)
            if past > sharp:
                note(flags, table, worst, JOINT_LIMIT, c, t, 0, past)
            told = math.nan
            if has_action:
                told = action[t, c]
                beyond = max(low - told, told - high)
                if beyond > limit[COMMAND_LIMIT]:
                    note(flags, table, worst, COMMAND_LIMIT, c, t, 0, beyond)
            if has_effort and abs(effort[t, c]) > most_effort:
                share = effort[t, c] / strongest[c]
                note(flags, table, worst, EFFORT_LIMIT, c, t, 0, share)
            reported[t] += 1
            step = value - before
            passed_s = float(stamp_ns[t] - before_ns) * 1e-9
            before = value
            before_ns = stamp_ns[t]
            if math.isnan(step):
                command = told
                continue
            if step == 0.0:
                same[t] += 1
            elif abs(step) > moved[t]:
                moved[t] = abs(step)
            if not is_joint:
                continue

            # Held: the position does not change though command or velocity say it should.
            rate = velocity[t, c] if has_velocity else math.nan
            if step != 0.0 or passed_s > far_s:
                held = held_s = travel = 0.0
                command = told
            else:
                held += 1.0
                held_s += max(passed_s, 0.0)
                if has_velocity and math.isfinite(rate):
                    travel += rate * passed_s
                pushed = abs(told - command) > least[FROZEN_JOINT]
                if past > -least[SATURATION]:
                    # At a limit a joint may well stand still: saturated, if it is pushed on.
                    if pushed and held_s > limit[SATURATION]:
                        note(flags, table, worst, SATURATION, c, t, int(held), held_s)
                elif held_s > limit[FROZEN_JOINT] and (pushed or abs(travel) > least[FROZEN_JOINT]):
                    note(flags, table, worst, FROZEN_JOINT, c, t, int(held), held_s)

            if passed_s <= 0.0:
                continue
            if passed_s > far_s:
                known = way = reversals = 0.0
                continue
            if abs(step) > 1.0 and abs(abs(step) - _TURN) < limit[ENCODER_WRAP]:
                note(flags, table, worst, ENCODER_WRAP, c, t, 0, abs(step) - _TURN)
                known = way = 0.0
                continue
            if has_velocity and abs(rate) - top - 0.1 > limit[VELOCITY_LIMIT]:
                note(flags, table, worst, VELOCITY_LIMIT, c, t, 0, abs(rate) - top)

            # Rates, by differences; behind a frame without a value they begin anew.
            if passed_s > 1.5 * period_s:
                known = 0.0
            step_s = max(passed_s, 0.5 * period_s)
            per_s = 1.0 / step_s
            speed = step * per_s
            accel = (speed - last_speed) * per_s
            bend = step - last_step
            if abs(speed) - top - least[JERK] * per_s > limit[VELOCITY_LIMIT]:
                note(flags, table, worst, VELOCITY_LIMIT, c, t, 0, abs(speed) - top)
            if known >= 1.0:
                if abs(accel) > limit[ACCELERATION] + 4.0 * least[ACCELERATION] * per_s * per_s:
                    note(flags, table, worst, ACCELERATION, c, t, 0, accel)
                if known >= 2.0:
                    jerk = (accel - last_accel) * per_s
                    allowed = 8.0 * least[JERK] * per_s * per_s * per_s
                    if abs(jerk) > limit[JERK] + allowed:
                        note(flags, table, worst, JERK, c, t, 0, jerk)
                    if step * last_step < 0.0 and abs(step) > limit[SPIKE]:
                        smaller = min(abs(step), abs(last_step))
                        away = max(limit[SPIKE], least[SPIKE] * math.sqrt(max(noise, 0.0)))
                        returns = abs(bend) > 1.6 * max(abs(step), abs(last_step))
                        # Before a spike the joint is calm; a tremble reverses again and again.
                        calm = abs(last_step - last_bend) < 0.5 * abs(last_step)
                        if smaller > away and returns and calm and reversals < 3.0:
                            note(flags, table, worst, SPIKE, c, t, 1, step)
                    # Noise alternates, motion does not: E[bend x bend before] = -4 sigma^2 of
                    # white noise. No one or two samples may carry the mean past the threshold.
                    weight = min(step_s / _NOISE_TAU_S, 1.0)
                    most = 0.4 * loud / weight
                    variance = min(max(-0.25 * bend * last_bend, 0.0), most)
                    noise += weight * (variance - noise)
                    settled_s = min(settled_s + step_s, 1e3)
                    if (
                        noise > loud
                        and noise > louder * noise_before
                        and settled_s > _NOISE_SETTLES_S
                    ):
                        times = math.sqrt(noise / max(noise_before, 1e-10))
                        note(flags, table, worst, NOISE_STEP, c, t, 0, times)
                    else:
                        slow = min(step_s / min(_NOISE_BEFORE_TAU_S, settled_s), 1.0)
                        if noise > 4.0 * noise_before and settled_s > _NOISE_SETTLES_S:
                            slow *= _NOISE_DOUBTFUL
                        noise_before += slow * (variance - noise_before)
            last_step = step if passed_s <= 1.5 * period_s else speed * period_s
            last_speed, last_accel, last_bend = speed, accel, bend
            known = min(known + 1.0, 2.0)

            # Chatter: reversals of more than `least`, fading within a second.
            reversals *= max(1.0 - step_s, 0.0)
            if way == 0.0:
                extreme = value
                way = 1.0
            back = (extreme - value) * way
            if back < 0.0:
                extreme = value
            elif back > least[CHATTER]:
                way = -way
                extreme = value
                reversals += 1.0
            if reversals > limit[CHATTER]:
                note(flags, table, worst, CHATTER, c, t, int(per_s), reversals)

            # Quantisation: steps are whole quanta, with still frames between them; a motion without
            # quanta has steps of any size, and never stands quite still.
            if step == 0.0:
                repeats += 1.0
            else:
                size = abs(step)
                times = size / quantum if size >= quantum > 0.0 else quantum / size
                if abs(times - np.rint(times)) > _WHOLE:
                    quanta = repeats = 0.0
                    coarse = 0.0
                quantum = size if quanta == 0.0 else min(quantum, size)
                quanta += 1.0
                if quanta >= least[QUANTISATION] and repeats >= _FEW_REPEATS:
                    coarse = quantum
            if coarse > limit[QUANTISATION]:
                note(flags, table, worst, QUANTISATION, c, t, int(quanta + repeats), coarse)

            # State behind its command, both smoothed so that a usual delay is no error.
            if has_action and math.isfinite(told):
                if bias_s == 0.0:
                    action_mean, position_mean = told, value
                weight = min(step_s / _TRACK_TAU_S, 1.0)
                action_mean += weight * (told - action_mean)
                position_mean += weight * (value - position_mean)
                error = position_mean - action_mean
                bias_s = min(bias_s + step_s, 1e3)
                bias += min(step_s / min(_BIAS_TAU_S, bias_s), 1.0) * (error - bias)
                if abs(error) > limit[TRACKING_ERROR]:
                    note(flags, table, worst, TRACKING_ERROR, c, t, 0, error)
                if abs(bias) > limit[TRACKING_BIAS] and bias_s > _BIAS_SETTLES_S:
                    note(flags, table, worst, TRACKING_BIAS, c, t, 0, bias)
        last[c], seen_ns[c] = before, before_ns
        own[STEP], own[SPEED], own[ACCEL] = last_step, last_speed, last_accel
        own[BEND], own[KNOWN] = last_bend, known
        own[NOISE], own[NOISE_BEFORE], own[SETTLED_S] = noise, noise_before, settled_s
        own[QUANTUM], own[QUANTA], own[COARSE] = quantum, quanta, coarse
        own[REPEATS] = repeats
        own[EXTREME], own[WAY], own[REVERSALS] = extreme, way, reversals
        own[HELD], own[HELD_S], own[COMMAND], own[TRAVEL] = held, held_s, command, travel
        own[ACTION_MEAN], own[POSITION_MEAN] = action_mean, position_mean
        own[BIAS], own[BIAS_S] = bias, bias_s
