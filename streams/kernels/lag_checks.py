"""How far one signal runs behind another: all joints summed to one number a frame, correlated.

The sum has a fixed sign for each joint, so that joints that move alike do not cancel: what is
common to all joints, their delay, stays.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.session_rows import hit

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

LAGS = 16
"""Samples that are looked back and forth."""

# What is carried: sums over the joints at the last sample, energies, the doubt; then steps of both
# signals, the newest first; and their products, by how late and by how early the second one is.
LED_AT, SEEN_AT, AT_NS, LED_SUM, SEEN_SUM, DOUBTS, SINCE = 0, 1, 2, 3, 4, 5, 6
_LED_STEPS = 7
_SEEN_STEPS = _LED_STEPS + LAGS + 1
_LATE = _SEEN_STEPS + LAGS + 1
_EARLY = _LATE + LAGS + 1
LAG = _EARLY + LAGS

_TAU_S = 20.0
JUDGE_EVERY = 10
_ENOUGH = 0.02
_LIKE = 0.7
_CLEARLY = 0.05
"""So much better must another delay fit than none."""
_SURE = 5.0
_AS_GOOD = 0.02


@numba.njit(cache=True)
def check_lag(
    row: int, stamp_ns: I64, start_ns: int, first_frame: int, stride: int, sample_s: float,
    position: F64, lead: F64, is_rate: bool, channel: I32, bound: float, state: F64,
    hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Look at T frames.

    Args:
        row: which check says so.
        stamp_ns: [T] stamps.
        start_ns: stamp of the session's first frame.
        first_frame: index of the chunk's first frame.
        stride: every so many frames one is taken.
        sample_s: the nominal time between two that are taken.
        position: [T, C] SI.
        lead: [T, C] the signal it should follow: commands, or velocities if `is_rate`.
        is_rate: which of them; behind commands only a delay counts, beside velocities both ways.
        channel: [N] joints that have both.
        bound: s that is too much.
        state: [LAG] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    keep = 1.0 - sample_s / _TAU_S
    led_steps, seen_steps = state[_LED_STEPS:_SEEN_STEPS], state[_SEEN_STEPS:_LATE]
    late, early = state[_LATE:_EARLY], state[_EARLY:LAG]
    for t in range(stamp_ns.shape[0]):
        number = first_frame + t
        if number % stride != 0:
            continue
        led = seen = 0.0
        for n in range(channel.shape[0]):
            # A fixed sign for each joint that follows no pattern of limbs.
            sign = 1.0 if (n * 7919 + 3) % 5 < 3 else -1.0
            led += sign * lead[t, channel[n]]
            seen += sign * position[t, channel[n]]
        at_ns = float(stamp_ns[t] - start_ns)
        passed_s = (at_ns - state[AT_NS]) * 1e-9
        whole = 0.5 * sample_s < passed_s < 1.5 * sample_s
        seen_step = seen - state[SEEN_AT]
        led_step = led * sample_s if is_rate else led - state[LED_AT]
        if not (whole and math.isfinite(seen_step) and math.isfinite(led_step)):
            seen_step = led_step = 0.0
        state[AT_NS], state[SEEN_AT], state[LED_AT] = at_ns, seen, led
        for k in range(LAGS, 0, -1):
            led_steps[k], seen_steps[k] = led_steps[k - 1], seen_steps[k - 1]
        led_steps[0], seen_steps[0] = led_step, seen_step
        state[LED_SUM] = keep * state[LED_SUM] + led_step * led_step
        state[SEEN_SUM] = keep * state[SEEN_SUM] + seen_step * seen_step
        for k in range(LAGS + 1):
            late[k] = keep * late[k] + seen_step * led_steps[k]
        for k in range(LAGS):
            early[k] = keep * early[k] + led_step * seen_steps[k + 1]
        if (number // stride) % JUDGE_EVERY != 0:
            continue
        lag_s = sample_s * _best_lag(state, is_rate)
        # A velocity belongs to the middle of its step.
        lag_s -= 0.5 * sample_s if is_rate and lag_s != 0.0 else 0.0
        if abs(lag_s) <= bound:
            state[DOUBTS], state[SINCE] = 0.0, float(number)
            continue
        state[DOUBTS] += 1.0
        if state[DOUBTS] >= _SURE:
            back = number - int(state[SINCE]) if state[DOUBTS] == _SURE else JUDGE_EVERY * stride
            hit(row, number, back, lag_s, hits, worst)


@numba.njit(cache=True)
def _best_lag(state: F64, both_ways: bool) -> int:
    """The smallest delay that fits as well as any; 0 where nothing is proved."""
    scale = math.sqrt(state[LED_SUM] * state[SEEN_SUM])
    if min(state[LED_SUM], state[SEEN_SUM]) < _ENOUGH:
        return 0
    late, early = state[_LATE:_EARLY] / scale, state[_EARLY:LAG] / scale
    most = late.max()
    if both_ways:
        most = max(most, early.max())
    if most < _LIKE or most - late[0] < _CLEARLY:
        return 0
    for k in range(LAGS + 1):
        if late[k] >= most - _AS_GOOD:
            return k
        if both_ways and k > 0 and early[k - 1] >= most - _AS_GOOD:
            return -k
    return 0
