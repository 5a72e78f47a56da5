"""Hands that do not do what they are told: all of one frozen, or still closed after release."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.session_rows import HAND_FROZEN, HAND_STUCK, hit

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

# What is carried of each hand.
HELD_S, HELD_FRAMES, MOST_TOLD, STUCK_S, STUCK_FRAMES = 0, 1, 2, 3, 4
HAND = 5

_NEARLY_OPEN = 0.3
_FAR_CLOSED = 0.6
"""So much further than it is must a hand be told to close; less may be an object in it."""


@numba.njit(cache=True)
def check_hands(
    stamp_ns: I64, last_ns: int, first_frame: int, position: F64, action: F64, last: F64,
    start: I32, channel: I32, opened: F64, closed: F64, bound: F64, least: F64, state: F64,
    hits: I64, worst: F64,
) -> None:  # fmt: skip
    """Look at T frames of two hands.

    Args:
        stamp_ns: [T] stamps.
        last_ns: stamp of the frame before.
        first_frame: index of the chunk's first frame.
        position: [T, C] SI.
        action: [T, C] commanded.
        last: [C] last number of each channel before the chunk.
        start: [3] where each side's channels begin in the lists that follow, and their end.
        channel: [N] channels of the hands' joints.
        opened: [N] value when open.
        closed: [N] value when closed.
        bound: [SESSION_ROWS] thresholds.
        least: [SESSION_ROWS] second numbers.
        state: [2, HAND] carried; changed.
        hits: as in `session_rows.hit`; changed.
        worst: as in `session_rows.hit`; changed.
    """
    before = last.copy()
    for t in range(stamp_ns.shape[0]):
        passed_s = float(stamp_ns[t] - last_ns) * 1e-9
        last_ns = stamp_ns[t]
        for side in range(2):
            share = told = 0.0
            still = start[side + 1] > start[side]
            for n in range(start[side], start[side + 1]):
                c = channel[n]
                still &= position[t, c] == before[c]
                share += (position[t, c] - opened[n]) / (closed[n] - opened[n])
                told += (action[t, c] - opened[n]) / (closed[n] - opened[n])
                if math.isfinite(position[t, c]):
                    before[c] = position[t, c]
            fingers = max(start[side + 1] - start[side], 1)
            _look(
                side, first_frame + t, passed_s, still, share / fingers, told / fingers,
                bound, least, state[side], hits, worst,
            )  # fmt: skip


@numba.njit(cache=True)
def _look(
    side: int, frame: int, passed_s: float, still: bool, share: float, told: float,
    bound: F64, least: F64, own: F64, hits: I64, worst: F64,
) -> None:  # fmt: skip
    """One frame of one hand: shares of closing that it has, and that it is told to have."""
    if not (math.isfinite(share) and math.isfinite(told)) or passed_s < 0.0 or passed_s > 1.0:
        own[:] = 0.0
        return
    if still:
        own[HELD_S] += passed_s
        own[HELD_FRAMES] += 1.0
        own[MOST_TOLD] = max(own[MOST_TOLD], told)
    else:
        own[HELD_S] = own[HELD_FRAMES] = 0.0
        own[MOST_TOLD] = told
    # Round an object a hand stands still though it is told to close on: that says nothing.
    opens = own[MOST_TOLD] - told > least[HAND_FROZEN] and told < share
    closes = share < _NEARLY_OPEN and told - share > _FAR_CLOSED
    if own[HELD_S] > bound[HAND_FROZEN] and (opens or closes):
        hit(HAND_FROZEN + side, frame, int(own[HELD_FRAMES]), own[HELD_S], hits, worst)
    if share - told > bound[HAND_STUCK] and told < _NEARLY_OPEN:
        own[STUCK_S] += passed_s
        own[STUCK_FRAMES] += 1.0
    else:
        own[STUCK_S] = own[STUCK_FRAMES] = 0.0
    if own[STUCK_S] > least[HAND_STUCK]:
        hit(HAND_STUCK + side, frame, int(own[STUCK_FRAMES]), share - told, hits, worst)
