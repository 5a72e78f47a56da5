"""One limb through the frames of a chunk: solve, hold to the velocity limits, keep the record."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_chain import END, wanted_place
from streams.kernels.solve_limb import (
    Limb,
    cost_of,
    descend,
    is_reached,
    make_work,
    measure,
)
from streams.kernels.solve_search import PERFECT, STARTS, Bank, rank, search

Bool = NDArray[np.bool_]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# Columns of the record.
REACHABLE, CLAMPED, VELOCITY_LIMITED, RESEEDED, HELD = 0, 1, 2, 3, 4

_WARM_STEPS = 12
_FIRST_STEPS = 24
# A goal that moved less than this since the last search (fraction of limb length; turn of the end)
# has the same answer; one that moved more than that in one frame is no continuous motion.
_SAME = (0.05, 2.0 * math.sin(math.radians(3.0)))
_JUMP = (0.3, 2.0 * math.sin(math.radians(25.0)))
# In mid-motion, a pose that does not reach the goal either is worth going to for half the cost.
_WORTH = 0.5
# A joint that moved by no more than this is expected to move on as it did: a start so near that the
# solution keeps its branch also where the limb passes a singular pose.
_TREND_RAD = 0.2
# After a jump, a solution with a joint that turned further than this may have turned over.
_NEAR_RAD = 1.2
_AT_BOUND_RAD = 1e-9
# Rounding in prev + limit · dt must not exceed the limit.
_WITHIN = 1.0 - 1e-9


@njit(cache=True)
def solve_limb_chunk(
    goals: F64, t_ns: I64, last_ns: int, started: bool, gap_ns: int,
    limb: Limb, length: F64, speed: F64, rest: F64, end_counts: bool, bank: Bank,
    solution: F64, trend: F64, output: F64, searched: F64, previous: F64,
    position: F64, left: F64, record: Bool,
) -> None:  # fmt: skip
    """Follow the goals of T frames.

    In: goals [T, 3, 4], base segment <- upper, fore, end, NaN = nothing to follow; t_ns [T];
    last_ns: time of the frame before, if `started`; gap_ns: a longer step starts anew; limb
    as in `solve_limb`; length [2] as in `wanted_place`; speed [V] rad/s; rest [V]: start, and pose
    without a goal; end_counts: whether the end's turn decides, too, what is reached; bank as in
    `solve_search`.

    In and out, the limb's memory: solution [V] before velocity limits, NaN = none; trend [V], what
    it changed by last; output [V] after the limits; searched [7], goal of the last search that
    failed, and previous [7], goal before, NaN = none.

    Out: position [T, V]; left [3, T]: place (fraction of limb length), then |sin| and |cos| of half
    the end's turn, of the output, NaN where nothing was followed; record [T, 5].
    """
    size, lower, upper, elbow_first = rest.shape[0], limb[7], limb[8], limb[9]
    work = make_work(limb[0].shape[0], size)
    best, far = np.empty(STARTS, np.int32), np.empty(STARTS)
    place, home, room = np.empty(3), np.empty(size), np.empty((size + 3, size))
    for t in range(t_ns.shape[0]):
        record[t, :] = False
        step_ns = t_ns[t] - last_ns
        fresh = not started or step_ns > gap_ns
        last_ns, started = max(last_ns, t_ns[t]) if started else t_ns[t], True
        if fresh:
            solution[:] = math.nan
            searched[:] = math.nan
            previous[:] = math.nan
        goal = goals[t]
        if not math.isfinite(goal[0, 0] + goal[1, 0] + goal[END, 0]):
            left[:, t] = math.nan
            record[t, HELD] = True
            for v in range(size):
                output[v] = rest[v] if fresh else output[v]
                position[t, v] = output[v]
            continue
        place[0], place[1], place[2] = wanted_place(goal, length)
        cold = math.isnan(solution[0])
        if cold:
            for v in range(size):
                solution[v] = rest[v]
        jump = cold or _moved(place, goal, previous, _JUMP)
        for v in range(size):
            home[v] = solution[v]
            if not jump:
                solution[v] = min(max(solution[v] + trend[v], lower[v]), upper[v])
        at, end, turn = descend(
            solution, place, goal, limb, _FIRST_STEPS if jump else _WARM_STEPS, work
        )
        reached = is_reached(at, end, end_counts)
        cost = cost_of(at, end, turn, elbow_first)
        lost = not reached and _moved(place, goal, searched, _SAME)
        if lost or (jump and (cost > PERFECT or _furthest(solution, home) > _NEAR_RAD)):
            if jump:
                for v in range(size):
                    home[v] = rest[v]
            limit = rank(cost, solution, home)
            record[t, RESEEDED] = search(
                solution, home, limit, limit if jump else _WORTH * cost, end_counts, rest[bank[3]],
                place, goal, limb, bank, work, room, best, far,
            )  # fmt: skip
            at, end, turn = measure(solution, place, goal, limb, work)
            reached = is_reached(at, end, end_counts)
            _remember(place, goal, searched)
        for v in range(size):
            change = solution[v] - home[v]
            trend[v] = change if reached and not jump and abs(change) <= _TREND_RAD else 0.0
        if reached:
            searched[:] = math.nan
        _remember(place, goal, previous)
        record[t, REACHABLE] = reached
        limited = False
        for v in range(size):
            x = solution[v]
            near = x <= lower[v] + _AT_BOUND_RAD or x >= upper[v] - _AT_BOUND_RAD
            record[t, CLAMPED] = record[t, CLAMPED] or near
            if not fresh:
                most = speed[v] * max(step_ns, 0) * 1e-9 * _WITHIN
                held = min(max(x, output[v] - most), output[v] + most)
                limited = limited or held != x
                x = held
            output[v] = x
            position[t, v] = x
        if limited:
            at, end, turn = measure(output, place, goal, limb, work)
        record[t, VELOCITY_LIMITED] = limited
        left[0, t] = at
        left[1, t] = 0.5 * end
        left[2, t] = math.sqrt(max(1.0 - 0.25 * end * end, 0.0))


@njit(cache=True)
def _moved(place: F64, goal: F64, before: F64, by: tuple[float, float]) -> bool:
    """Whether the goal is further from `before` [7] than `by` (place, turn), or that is NaN."""
    squares, dot = 0.0, 0.0
    for i in range(3):
        squares += (place[i] - before[i]) ** 2
    for i in range(4):
        dot += goal[END, i] * before[3 + i]
    # |2 sin(θ/2)|² = 4 (1 - dot²)
    return not (squares <= by[0] * by[0] and 4.0 * (1.0 - dot * dot) <= by[1] * by[1])


@njit(cache=True)
def _furthest(x: F64, home: F64) -> float:
    """Largest change of a variable."""
    largest = 0.0
    for v in range(x.shape[0]):
        largest = max(largest, abs(x[v] - home[v]))
    return largest


@njit(cache=True)
def _remember(place: F64, goal: F64, into: F64) -> None:
    for i in range(3):
        into[i] = place[i]
    for i in range(4):
        into[3 + i] = goal[END, i]
