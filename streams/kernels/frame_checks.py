"""Per-frame checks in one pass over a chunk, with state carried from the chunk before.

Findings come out as tables: a row a check, a column a joint (per-frame checks use column 0), each
cell the number of flagged frames, the first and last of them, and the worst value.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U8 = npt.NDArray[np.uint8]

GAP, JITTER, DUPLICATE, DISORDER, NON_FINITE, MISSING, LIMIT, FROZEN, POLE = range(9)
ROWS = 9
"""Rows of the tables; the order is that of `schemas.checks.CATALOGUE`."""

NO_STAMP = np.iinfo(np.int64).min
COUNT, FIRST, LAST = range(3)

MOVE_COMMAND = 0.05
"""A command must move this far (rad, m) before a still joint is called frozen."""


@numba.njit(cache=True)
def _note(
    flags: U64, table: I64, worst: F64, row: int, column: int, t: int, value: float, bit: int
) -> None:
    flags[t] |= np.uint64(1) << np.uint64(bit)
    if table[row, column, COUNT] == 0:
        table[row, column, FIRST] = t
        worst[row, column] = value
    table[row, column, COUNT] += 1
    table[row, column, LAST] = t
    if abs(value) > abs(worst[row, column]):
        worst[row, column] = value


@numba.njit(cache=True)
def check_frames(
    stamp_ns: I64,
    period_ns: float,
    position: F64,
    action: F64,
    absent: U8,
    near_pole: U8,
    lower: F64,
    upper: F64,
    watch_frozen: U8,
    note_absent: bool,
    thresholds: F64,
    bits: I64,
    last_stamp_ns: int,
    last_position: F64,
    changed_ns: I64,
    command: F64,
) -> tuple[U64, I64, F64, int]:
    """Flag every frame of a chunk.

    Args:
        stamp_ns: [T] the vendor's stamps in ns.
        period_ns: nominal period.
        position: [T, C] SI; NaN where the joint did not report a number.
        action: [T, C] commanded position; [0, 0] where the robot sends none.
        absent: [T, C] 1 where no value was in the message; [0, 0] where all are there.
        near_pole: [T] 1 where a ball joint is near its pole.
        lower: [C] limits, −inf where unknown.
        upper: [C] limits, +inf where unknown.
        watch_frozen: [C] 1 where a joint must move when told to.
        note_absent: whether an absent value is a finding; in a sparse message it is usual.
        thresholds: [ROWS] as in the catalogue; FROZEN's is in seconds.
        bits: [ROWS] place of each check in the flags.
        last_stamp_ns: stamp of the frame before, NO_STAMP at a session's start.
        last_position: [C] last number each joint reported, NaN if none; updated.
        changed_ns: [C] stamp when it last changed; updated.
        command: [C] command at that time, NaN if none; updated.

    Returns:
        flags [T], table [ROWS, C, 3] (count, first, last frame in the chunk), worst [ROWS, C],
        stamp of the last frame.
    """
    frames, channels = position.shape
    flags = np.zeros(frames, np.uint64)
    table = np.zeros((ROWS, channels, 3), np.int64)
    worst = np.zeros((ROWS, channels))
    has_action = action.shape[0] > 0
    has_absent = absent.shape[0] > 0
    frozen_ns = thresholds[FROZEN] * 1e9
    for t in range(frames):
        now = stamp_ns[t]
        if last_stamp_ns != NO_STAMP:
            step = float(now - last_stamp_ns)
            periods = step / period_ns
            if step < 0:
                _note(flags, table, worst, DISORDER, 0, t, step * 1e-9, bits[DISORDER])
            elif step == 0:
                _note(flags, table, worst, DUPLICATE, 0, t, 0.0, bits[DUPLICATE])
            elif periods > thresholds[GAP]:
                _note(flags, table, worst, GAP, 0, t, periods, bits[GAP])
            elif abs(periods - 1.0) > thresholds[JITTER]:
                _note(flags, table, worst, JITTER, 0, t, periods - 1.0, bits[JITTER])
        last_stamp_ns = now
        if near_pole[t]:
            _note(flags, table, worst, POLE, 0, t, 1.0, bits[POLE])
        for c in range(channels):
            if has_absent and absent[t, c]:
                if note_absent:
                    _note(flags, table, worst, MISSING, c, t, 1.0, bits[MISSING])
                continue
            value = position[t, c]
            if not np.isfinite(value):
                _note(flags, table, worst, NON_FINITE, c, t, 1.0, bits[NON_FINITE])
                continue
            past = max(lower[c] - value, value - upper[c])
            if past > thresholds[LIMIT]:
                _note(flags, table, worst, LIMIT, c, t, past, bits[LIMIT])
            if value != last_position[c]:
                last_position[c] = value
                changed_ns[c] = now
                command[c] = action[t, c] if has_action else np.nan
            elif watch_frozen[c] and has_action:
                told = abs(action[t, c] - command[c])
                held_ns = now - changed_ns[c]
                if told > MOVE_COMMAND and held_ns > frozen_ns:
                    _note(flags, table, worst, FROZEN, c, t, held_ns * 1e-9, bits[FROZEN])
    return flags, table, worst, last_stamp_ns
