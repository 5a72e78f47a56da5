"""One step of each check of a native joint: numbers in, numbers and a decision out, no branches.

Without branches the compiler takes many joints at once (`joint_checks`); called for a single joint
the same functions give the figures of a finding (`joint_notes`).
"""

from __future__ import annotations

import math

import numba
import numpy as np

from streams.kernels.joint_rules import Rules

_TURN = 2.0 * math.pi
_WHOLE = 0.04
"""So far from a whole number may a ratio of two steps be."""

_FEW_REPEATS = 3.0
"""Still frames among the steps that show a quantum."""

_NOISE_TAU_S = 0.5
_NOISE_BEFORE_TAU_S = 20.0
_NOISE_SETTLES_S = 3.0
_NOISE_DOUBTFUL = 0.1
"""How much of what may be a defect goes into what is taken for usual."""

_TRACK_TAU_S = 0.5
_BIAS_TAU_S = 5.0
_BIAS_SETTLES_S = 2.0
_LONG_S = 1e3


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def hold(
    rules: Rules, on: bool, step: float, passed_s: float, rate: float, told: float, past: float,
    held: float, held_s: float, command: float, travel: float,
) -> tuple[float, float, float, float, bool, bool]:  # fmt: skip
    """A joint that does not move though its command or its velocity says it should.

    Returns:
        frames and s that it has been held, the command when that began, rad that its velocity adds
        up to since; whether it is saturated, and whether it is frozen.
    """
    free = (step != 0.0) | (passed_s > rules.far_s)
    travelled = travel + (rate * passed_s if math.isfinite(rate) else 0.0)
    next_held = 0.0 if free else held + 1.0
    next_held_s = 0.0 if free else held_s + max(passed_s, 0.0)
    next_command = told if free else command
    next_travel = 0.0 if free else travelled
    pushed = abs(told - next_command) > rules.least_pushed
    # At a limit a joint may well stand still: saturated, if it is pushed on.
    at_limit = past > rules.at_limit
    saturated = on & at_limit & pushed & (next_held_s > rules.saturation_s)
    told_to_move = pushed | (abs(next_travel) > rules.least_pushed)
    frozen = on & (not at_limit) & told_to_move & (next_held_s > rules.frozen_s)
    return (
        next_held if on else held,
        next_held_s if on else held_s,
        next_command if on else command,
        next_travel if on else travel,
        saturated & (not free),
        frozen & (not free),
    )


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def wraps(rules: Rules, step: float) -> bool:
    """Whether a step is a whole turn."""
    return (abs(step) > 1.0) & (abs(abs(step) - _TURN) < rules.wrap)


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def exceed(
    rules: Rules, on: bool, top: float, rate: float, per_s: float, speed: float, accel: float,
    last_accel: float, known: float,
) -> tuple[bool, bool, bool]:  # fmt: skip
    """Whether speed, acceleration and jerk are more than a motor and a little noise can do."""
    reported = abs(rate) - top - 0.1 > rules.velocity
    fast = abs(speed) - top - rules.least_jerk * per_s > rules.velocity
    most = rules.acceleration + 4.0 * rules.least_acceleration * per_s * per_s
    hard = (known >= 1.0) & (abs(accel) > most)
    jerk = (accel - last_accel) * per_s
    most = rules.jerk + 8.0 * rules.least_jerk * per_s * per_s * per_s
    return on & (reported | fast), on & hard, on & (known >= 2.0) & (abs(jerk) > most)


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def spikes(
    rules: Rules, on: bool, step: float, last_step: float, bend: float, last_bend: float,
    noise: float, reversals: float,
) -> bool:  # fmt: skip
    """Whether a joint has jumped away and come back, out of calm, far beyond its noise."""
    turned = (step * last_step < 0.0) & (abs(step) > rules.spike)
    smaller = min(abs(step), abs(last_step))
    loud = rules.spike_noises_squared * max(noise, 0.0)
    returns = abs(bend) > 1.6 * max(abs(step), abs(last_step))
    # Before a spike the joint is calm; a tremble reverses again and again.
    calm = abs(last_step - last_bend) < 0.5 * abs(last_step)
    away = (smaller > rules.spike) & (smaller * smaller > loud)
    return on & turned & away & returns & calm & (reversals < 3.0)


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def roughen(
    rules: Rules, on: bool, step_s: float, per_s: float, bend: float, last_bend: float,
    noise: float, noise_before: float, settled_s: float,
) -> tuple[float, float, float, bool]:  # fmt: skip
    """A sensor's noise now and before: noise alternates, motion does not.

    E[bend x bend before] = -4 sigma^2 of white noise. No one or two samples may carry the mean past
    the threshold.

    Returns:
        variance now, variance before, s that were looked at; whether it is much noisier now.
    """
    weight = min(step_s / _NOISE_TAU_S, 1.0)
    most = 0.4 * rules.least_noise_squared * max(_NOISE_TAU_S * per_s, 1.0)
    variance = min(max(-0.25 * bend * last_bend, 0.0), most)
    next_noise = noise + weight * (variance - noise)
    next_s = min(settled_s + step_s, _LONG_S)
    settled = next_s > _NOISE_SETTLES_S
    loud = (next_noise > rules.least_noise_squared) & settled
    noisier = loud & (next_noise > rules.noise_times_squared * noise_before)
    slow = min(step_s / min(_NOISE_BEFORE_TAU_S, next_s), 1.0)
    doubtful = (next_noise > 4.0 * noise_before) & settled
    doubted = _NOISE_DOUBTFUL * slow
    slow = doubted if doubtful else slow
    usual = noise_before if noisier else noise_before + slow * (variance - noise_before)
    return (
        next_noise if on else noise,
        usual if on else noise_before,
        next_s if on else settled_s,
        on & noisier,
    )


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def reverse(
    rules: Rules, on: bool, value: float, step_s: float, extreme: float, way: float,
    reversals: float,
) -> tuple[float, float, float, bool]:  # fmt: skip
    """Reversals of more than the least, fading within a second.

    Returns:
        the furthest value on the way, the way (-1, 1; 0 = none yet), reversals; whether it
        chatters.
    """
    fresh = way == 0.0
    from_value, from_way = (value if fresh else extreme), (1.0 if fresh else way)
    back = (from_value - value) * from_way
    turns = back > rules.least_reversal
    next_extreme = value if turns | (back < 0.0) else from_value
    next_way = -from_way if turns else from_way
    faded = reversals * max(1.0 - step_s, 0.0)
    one_more = faded + 1.0
    faded = one_more if turns else faded
    return (
        next_extreme if on else extreme,
        next_way if on else way,
        faded if on else reversals,
        on & (faded > rules.reversals),
    )


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def quantise(
    rules: Rules, on: bool, step: float, quantum: float, quanta: float, repeats: float,
    coarse: float,
) -> tuple[float, float, float, float, bool]:  # fmt: skip
    """Steps that are whole quanta, with still frames between them.

    A motion without quanta has steps of any size, and never stands quite still.

    Returns:
        the quantum, steps and still frames that agree with it, the quantum that is sure (0 = none);
        whether it is coarse.
    """
    size = abs(step)
    larger = (size >= quantum) & (quantum > 0.0)
    ratio = (size if larger else quantum) / (quantum if larger else size)
    moved = step != 0.0
    broken = moved & (abs(ratio - np.rint(ratio)) > _WHOLE)
    agreed = 0.0 if broken else quanta
    stood = 0.0 if broken else repeats
    sure = 0.0 if broken else coarse
    next_quantum = size if agreed == 0.0 else min(quantum, size)
    next_quanta = agreed + 1.0
    enough = moved & (next_quanta >= rules.least_quanta) & (stood >= _FEW_REPEATS)
    sure = next_quantum if enough else sure
    stood = stood if moved else stood + 1.0
    return (
        next_quantum if on & moved else quantum,
        next_quanta if on & moved else quanta,
        stood if on else repeats,
        sure if on else coarse,
        on & (sure > rules.quantum),
    )


@numba.njit(cache=True, error_model="numpy", forceinline=True)
def follow(
    rules: Rules, on: bool, value: float, told: float, step_s: float,
    error: float, bias: float, bias_s: float,
) -> tuple[float, float, float, bool, bool]:  # fmt: skip
    """State beside its command, smoothed so that a usual delay is no error.

    Returns:
        how far it is off, how far over seconds, s that were looked at; whether the joint is far
        off, and whether it stays off.
    """
    now = value - told
    from_error = now if bias_s == 0.0 else error
    next_error = from_error + min(step_s / _TRACK_TAU_S, 1.0) * (now - from_error)
    next_s = min(bias_s + step_s, _LONG_S)
    next_bias = bias + min(step_s / min(_BIAS_TAU_S, next_s), 1.0) * (next_error - bias)
    stays = (abs(next_bias) > rules.tracking_bias) & (next_s > _BIAS_SETTLES_S)
    return (
        next_error if on else error,
        next_bias if on else bias,
        next_s if on else bias_s,
        on & (abs(next_error) > rules.tracking_error),
        on & stays,
    )
