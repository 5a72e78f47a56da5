"""Up to four limbs through the frames of a chunk: together where they go on, alone where not."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_frame import (
    GOES_ON,
    HIGH,
    HOLDS,
    JUMPS,
    LOW,
    OUTPUT,
    REST,
    SOLUTION,
    SPEED,
    begin,
    end,
    hold,
    look_further,
)
from streams.kernels.solve_limb import (
    APART_RAD,
    SMALL_RAD,
    Work,
    descend,
    is_reached,
    is_settled,
    make_work,
    measure,
)
from streams.kernels.solve_side import (
    APART,
    COLUMNS,
    KEPT,
    LEFT,
    LOWER,
    ROWS,
    SIDE,
    STEP,
    UPPER_BOUND,
    X,
    lay_goal,
    lay_limb,
)
from streams.kernels.solve_side_measure import come_out, measure_side
from streams.kernels.solve_side_step import step_side
from streams.kernels.solve_tables import Tables, unpack
from streams.kernels.status import STATUS_DERIVED

Bool = NDArray[np.bool_]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

_WARM_STEPS = 12
_FIRST_STEPS = 24
# So many steps are made beside others before a limb is solved alone.
_STEPS_TOGETHER = 3


@njit(cache=True)
def follow(
    count: int, goals: F64, t_ns: I64, last_ns: int, started: bool, gap_ns: int,
    whole: I32, floats: F64, starts: I64, first: int,
    memory: F64, trends: F64, searched: F64, previous: F64,
    joint: I32, first_joint: int, position: F64, status: U8, left: F64, record: Bool,
) -> None:  # fmt: skip
    """Up to `SIDE` limbs from `first` on; memory [SIDE, 3, V], trends [SIDE, V, 3]."""
    last = count - 1
    # A tuple of what limbs are, the last one repeated: numba knows its length.
    tables = (
        unpack(whole, floats, starts, first),
        unpack(whole, floats, starts, first + min(1, last)),
        unpack(whole, floats, starts, first + min(2, last)),
        unpack(whole, floats, starts, first + last),
    )
    works = (_work(tables[0]), _work(tables[1]), _work(tables[2]), _work(tables[3]))
    room, ends = np.zeros(ROWS * SIDE), np.zeros((SIDE, 3), np.int32)
    column, size = np.full((SIDE, COLUMNS), -1, np.int32), np.zeros(SIDE, np.int64)
    offset, beside = np.zeros(SIDE, np.int64), np.zeros(SIDE, np.bool_)
    limits, length = np.zeros((SIDE, 4, memory.shape[2])), np.zeros((SIDE, 2))
    counts = np.zeros(SIDE, np.bool_)
    at = first_joint
    for lane in range(count):
        own = tables[lane]
        size[lane], offset[lane], counts[lane] = own[3].shape[0], at, own[4]
        at += size[lane]
        for v in range(size[lane]):
            limits[lane, LOW, v], limits[lane, HIGH, v] = own[0][7][v], own[0][8][v]
            limits[lane, SPEED, v], limits[lane, REST, v] = own[2][v], own[3][v]
        length[lane, 0], length[lane, 1] = own[1][0], own[1][1]
        beside[lane] = _lay(own, lane, room, column, ends)
    place, now, how = np.zeros((SIDE, 3)), np.zeros((SIDE, 3)), np.zeros(SIDE, np.int64)
    done = np.zeros(SIDE, np.bool_)
    for t in range(t_ns.shape[0]):
        step_ns = t_ns[t] - last_ns
        fresh = not started or step_ns > gap_ns
        last_ns, started = max(last_ns, t_ns[t]) if started else t_ns[t], True
        together = False
        for lane in range(count):
            m = first + lane
            how[lane] = begin(
                goals[lane, t], fresh, size[lane], length[lane], limits[lane], memory[lane],
                trends[lane], searched[m], previous[m], place[lane],
            )  # fmt: skip
            done[lane] = False
            if how[lane] == GOES_ON and beside[lane]:
                together = True
                lay_goal(room, lane, place[lane], goals[lane, t])
                for j in range(COLUMNS):
                    v = column[lane, j]
                    room[(X + j) * SIDE + lane] = memory[lane, SOLUTION, v] if v >= 0 else 0.0
        if together:
            _step_together(count, how, beside, room, ends, column, memory, now, done)
        for lane in range(count):
            m = first + lane
            if how[lane] == HOLDS:
                hold(fresh, size[lane], limits[lane], memory[lane], left[m], record[m, t], t)
            else:
                jump, reseeded = how[lane] == JUMPS, False
                if not done[lane]:
                    now[lane, 0], now[lane, 1], now[lane, 2] = descend(
                        memory[lane, SOLUTION, : size[lane]], place[lane], goals[lane, t],
                        tables[lane][0], _FIRST_STEPS if jump else _WARM_STEPS, works[lane],
                    )  # fmt: skip
                reached = is_reached(now[lane, 0], now[lane, 1], counts[lane])
                if jump or not reached:
                    reached, reseeded = look_further(
                        jump, reached, goals[lane, t], counts[lane], tables[lane], works[lane],
                        place[lane], now[lane], memory[lane], searched[m],
                    )  # fmt: skip
                limited = end(
                    jump, reached, reseeded, fresh, step_ns, goals[lane, t], size[lane],
                    limits[lane], place[lane], memory[lane], trends[lane], searched[m],
                    previous[m], record[m, t],
                )  # fmt: skip
                if limited:
                    now[lane, 0], now[lane, 1], now[lane, 2] = measure(
                        memory[lane, OUTPUT, : size[lane]], place[lane], goals[lane, t],
                        tables[lane][0], works[lane],
                    )  # fmt: skip
                half = 0.5 * now[lane, 1]
                left[m, 0, t], left[m, 1, t] = now[lane, 0], half
                left[m, 2, t] = math.sqrt(max(1.0 - half * half, 0.0))
            for v in range(size[lane]):
                position[t, joint[offset[lane] + v]] = memory[lane, OUTPUT, v]
                if how[lane] != HOLDS:
                    status[t, joint[offset[lane] + v]] = STATUS_DERIVED


@njit(cache=True)
def _work(own: Tables) -> Work:
    work: Work = make_work(own[0][0].shape[0], own[3].shape[0])
    return work


@njit(cache=True)
def _lay(own: Tables, lane: int, room: F64, column: I32, ends: I32) -> bool:
    """Put a limb beside others, if every variable turns one joint and there are not too many."""
    var, gain, bias, fixed, count, seg_q, reach, lower, upper, elbow_first = own[0]
    joints = var.shape[0]
    if joints > COLUMNS:
        return False
    for j in range(joints):
        for k in range(j):
            if var[j] >= 0 and var[j] == var[k]:
                return False
    lay_limb(room, lane, gain, bias, fixed, count, seg_q, reach, elbow_first)
    for j in range(joints):
        column[lane, j] = var[j]
        if var[j] >= 0:
            room[(LOWER + j) * SIDE + lane] = lower[var[j]]
            room[(UPPER_BOUND + j) * SIDE + lane] = upper[var[j]]
    for s in range(3):
        ends[lane, s] = count[s]
    return True


@njit(cache=True)
def _step_together(
    count: int, how: I64, beside: Bool, room: F64, ends: I32, column: I32, memory: F64, now: F64,
    done: Bool,
) -> None:  # fmt: skip
    """The usual steps of the limbs that go on: who is done by them, and what is left [SIDE, 3]."""
    before, pending = np.full(SIDE, -1.0), np.zeros(SIDE, np.bool_)
    for lane in range(count):
        pending[lane] = how[lane] == GOES_ON and beside[lane]
    measure_side(room, ends)
    for _ in range(_STEPS_TOGETHER):
        step_side(room)
        waiting = False
        for lane in range(count):
            step, kept = room[(LEFT + STEP) * SIDE + lane], room[(LEFT + KEPT) * SIDE + lane] > 0.0
            shrinks = before[lane] < 0.0 or step <= 0.5 * before[lane]
            pending[lane] = pending[lane] and kept and shrinks
            if pending[lane] and is_settled(step, before[lane]):
                _take(room, lane, column, memory, now, done, pending)
            before[lane] = step
            waiting = waiting or pending[lane]
        if not waiting:
            return
        measure_side(room, ends)
        come_out(room)
        waiting = False
        for lane in range(count):
            close = before[lane] <= SMALL_RAD and room[(LEFT + APART) * SIDE + lane] <= APART_RAD
            if pending[lane] and close:
                _take(room, lane, column, memory, now, done, pending)
            waiting = waiting or pending[lane]
        if not waiting:
            return


@njit(cache=True)
def _take(
    room: F64, lane: int, column: I32, memory: F64, now: F64, done: Bool, pending: Bool
) -> None:
    """A limb's solution, and what it leaves, out of its lane."""
    done[lane], pending[lane] = True, False
    for i in range(3):
        now[lane, i] = room[(LEFT + i) * SIDE + lane]
    for j in range(COLUMNS):
        if column[lane, j] >= 0:
            memory[lane, SOLUTION, column[lane, j]] = room[(X + j) * SIDE + lane]
