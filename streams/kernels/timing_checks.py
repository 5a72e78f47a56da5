"""Checks of a chunk's stamps, and of frames that repeat the one before."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from streams.kernels.findings import (
    BURST,
    DUPLICATE_STAMP,
    FRAME_LOSS,
    GAP,
    JITTER,
    NEAR_POLE,
    OUT_OF_ORDER,
    RATE,
    SEQUENCE_GAP,
    STALE_FRAME,
    WRONG_CLOCK_UNIT,
    ZERO_ORDER_HOLD,
    note,
)

Bool = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

NO_STAMP = np.iinfo(np.int64).min

# What is carried from frame to frame.
TYPICAL, BURST_RUN, UNIT_RUN, STALE_RUN, STALE_SHARE, MOVED = 0, 1, 2, 3, 4, 5
WINDOW_S, WINDOW_FRAMES, WINDOW_HOLES = 6, 7, 8
EXPECTED_FRAME = 9
TAKE_STEPS, TAKE_SQUARES, TAKE_MISSED = 10, 11, 12
MODE = 13
"""Of the controller; NaN before one is reported."""

TIMING = 14

_WINDOW_S = 5.0
_STALE_TAU_S = 2.0
_FEW_CHANNELS = 4
"""Fewer than these may stand still together by chance."""


@numba.njit(cache=True)
def check_timing(
    stamp_ns: I64,
    period_s: float,
    first_frame: int,
    near_pole: Bool,
    reported: I32,
    same: I32,
    moved: I32,
    native_share: float,
    limit: F64,
    least: F64,
    last_stamp_ns: int,
    timing: F64,
    flags: U64,
    table: I32,
    worst: F64,
) -> int:
    """Flag what the stamps of T frames show.

    Args:
        stamp_ns: [T] the vendor's stamps.
        period_s: nominal period.
        first_frame: index of the first frame in the session.
        near_pole: [T, K] where a ball joint is near its pole.
        reported: [T] joints that gave a number.
        same: [T] those of them that repeat their last one.
        moved: [T] joints that moved further than a stale frame's least.
        native_share: share of frames that may repeat, given the native rate; NaN = not known.
        limit: [ROWS] thresholds of the catalogue.
        least: [ROWS] second numbers of the catalogue.
        last_stamp_ns: of the frame before, NO_STAMP at a session's start.
        timing: [TIMING] carried; changed.
        flags: [T], changed.
        table: as in `findings.note`; changed.
        worst: as in `findings.note`; changed.

    Returns:
        The last stamp.
    """
    frames = stamp_ns.shape[0]
    expected = timing[EXPECTED_FRAME]
    if last_stamp_ns != NO_STAMP and first_frame > expected:
        note(flags, table, worst, SEQUENCE_GAP, 0, 0, 0, first_frame - expected)
        timing[STALE_RUN] = 0.0
    timing[EXPECTED_FRAME] = first_frame + frames
    for t in range(frames):
        near = False
        for k in range(near_pole.shape[1]):
            near |= near_pole[t, k]
        if near:
            note(flags, table, worst, NEAR_POLE, 0, t, 0, 1.0)
        if last_stamp_ns == NO_STAMP:
            timing[TYPICAL] = period_s
            last_stamp_ns = stamp_ns[t]
            continue
        step = float(stamp_ns[t] - last_stamp_ns) * 1e-9
        last_stamp_ns = stamp_ns[t]
        periods = step / period_s
        if step > 0.0:
            timing[TAKE_MISSED] += max(np.rint(periods) - 1.0, 0.0)
            if periods <= limit[GAP]:
                timing[TAKE_STEPS] += 1.0
                timing[TAKE_SQUARES] += (periods - 1.0) * (periods - 1.0)
        if step < 0.0:
            note(flags, table, worst, OUT_OF_ORDER, 0, t, 0, step)
        elif step == 0.0:
            note(flags, table, worst, DUPLICATE_STAMP, 0, t, 0, 0.0)
        elif periods > limit[GAP]:
            note(flags, table, worst, GAP, 0, t, 0, periods)
        elif abs(periods - 1.0) > limit[JITTER]:
            note(flags, table, worst, JITTER, 0, t, 0, periods - 1.0)
        timing[BURST_RUN] = timing[BURST_RUN] + 1.0 if 0.0 <= periods < least[BURST] else 0.0
        if timing[BURST_RUN] >= limit[BURST]:
            run = timing[BURST_RUN]
            note(flags, table, worst, BURST, 0, t, int(run), run)
        odd = periods > limit[WRONG_CLOCK_UNIT] or 0.0 < periods < 1.0 / limit[WRONG_CLOCK_UNIT]
        timing[UNIT_RUN] = timing[UNIT_RUN] + 1.0 if odd else 0.0
        if timing[UNIT_RUN] >= least[WRONG_CLOCK_UNIT]:
            back = int(timing[UNIT_RUN]) if timing[UNIT_RUN] == least[WRONG_CLOCK_UNIT] else 0
            note(flags, table, worst, WRONG_CLOCK_UNIT, 0, t, back, periods)
        _window(t, step, period_s, limit, least, timing, flags, table, worst)
        _stale(
            t, step, reported[t], same[t], moved[t], native_share, limit, timing,
            flags, table, worst,
        )  # fmt: skip
    return last_stamp_ns


@numba.njit(cache=True)
def _window(
    t: int, step: float, period_s: float, limit: F64, least: F64, timing: F64,
    flags: U64, table: I32, worst: F64,
) -> None:  # fmt: skip
    """Rate and loss over windows of 5 s; a gap is a finding of its own and begins a new window."""
    if step < 0.0 or step > limit[GAP] * period_s:
        timing[WINDOW_S] = timing[WINDOW_FRAMES] = timing[WINDOW_HOLES] = 0.0
        return
    # A median that creeps: bursts and holes move it no further than any other frame.
    creep = 0.01 * period_s
    timing[TYPICAL] += creep if step > timing[TYPICAL] else -creep
    timing[WINDOW_S] += step
    timing[WINDOW_FRAMES] += 1.0
    if step > 1.5 * max(timing[TYPICAL], 0.5 * period_s):
        timing[WINDOW_HOLES] += 1.0
    if timing[WINDOW_S] < _WINDOW_S:
        return
    frames = timing[WINDOW_FRAMES]
    due = timing[WINDOW_S] / period_s
    off = frames / due - 1.0
    # Too few frames: is each of them late, or are some not there?
    slow = timing[TYPICAL] > (1.0 + 0.5 * limit[RATE]) * period_s
    back = int(frames) - 1
    if off > limit[RATE] or (off < -limit[RATE] and slow):
        note(flags, table, worst, RATE, 0, t, back, off)
    elif (
        -off > limit[FRAME_LOSS]
        and due - frames >= least[FRAME_LOSS]
        and timing[WINDOW_HOLES] > 0.0
    ):
        note(flags, table, worst, FRAME_LOSS, 0, t, back, -off)
    timing[WINDOW_S] = timing[WINDOW_FRAMES] = timing[WINDOW_HOLES] = 0.0


@numba.njit(cache=True)
def _stale(
    t: int, step: float, reported: int, same: int, moved: int, native_share: float,
    limit: F64, timing: F64, flags: U64, table: I32, worst: F64,
) -> None:  # fmt: skip
    """Frames that repeat every joint while the robot moves: single ones, and held rates."""
    if reported < _FEW_CHANNELS:
        return
    repeats = same == reported
    if not repeats:
        timing[MOVED] = 1.0 if moved > 0 else 0.0
        timing[STALE_RUN] = 0.0
    if timing[MOVED] == 0.0:
        return
    weight = min(max(step, 0.0) / _STALE_TAU_S, 1.0)
    timing[STALE_SHARE] += weight * ((1.0 if repeats else 0.0) - timing[STALE_SHARE])
    if repeats and step > 0.0:
        timing[STALE_RUN] += 1.0
        # The hold may be the robot's way of filling a faster stream: then its share tells.
        if timing[STALE_SHARE] > native_share + limit[ZERO_ORDER_HOLD]:
            note(flags, table, worst, ZERO_ORDER_HOLD, 0, t, 0, timing[STALE_SHARE])
        if timing[STALE_RUN] > limit[STALE_FRAME]:
            note(flags, table, worst, STALE_FRAME, 0, t, 0, timing[STALE_RUN])
