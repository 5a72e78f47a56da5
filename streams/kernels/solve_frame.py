"""One limb in one frame: where it starts, what is looked for further, and what is kept of it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_chain import END, wanted_place
from streams.kernels.solve_limb import Work, cost_of, is_reached, measure
from streams.kernels.solve_search import PERFECT, STARTS, rank, search
from streams.kernels.solve_tables import Tables

Bool = NDArray[np.bool_]
F64 = NDArray[np.float64]

# Columns of the record.
REACHABLE, CLAMPED, VELOCITY_LIMITED, RESEEDED, HELD = 0, 1, 2, 3, 4
# How a frame of a limb begins: nothing to follow, going on smoothly, from anywhere.
HOLDS, GOES_ON, JUMPS = 0, 1, 2
# Rows of a limb's memory [3, V] and limits [4, V].
SOLUTION, OUTPUT, HOME = 0, 1, 2
LOW, HIGH, SPEED, REST = 0, 1, 2, 3

# A goal that moved less than this since the last search (fraction of limb length; turn of the end)
# has the same answer; one that moved more than that in one frame is no continuous motion.
_SAME = (0.05, 2.0 * math.sin(math.radians(3.0)))
_JUMP = (0.3, 2.0 * math.sin(math.radians(25.0)))
# In mid-motion, a pose that does not reach the goal either is worth going to for half the cost.
_WORTH = 0.5
# A joint that moved by no more than this is expected to move on as it did, and to speed up as it
# did where that was the better guess last time: a start so near that mostly one step is left, and
# that the solution keeps its branch also where the limb passes a singular pose.
_TREND_RAD = 0.2
# After a jump, a solution with a joint that turned further than this may have turned over.
_NEAR_RAD = 1.2
_AT_BOUND_RAD = 1e-9
# Rounding in prev + limit · dt must not exceed the limit.
_WITHIN = 1.0 - 1e-9


@njit(cache=True)
def begin(
    goal: F64, fresh: bool, size: int, length: F64, limits: F64, memory: F64, trend: F64,
    searched: F64, previous: F64, place: F64,
) -> int:  # fmt: skip
    """Where a limb starts a frame, and from what: `HOLDS`, `GOES_ON` or `JUMPS`."""
    solution, home = memory[SOLUTION], memory[HOME]
    if fresh:
        solution[:] = math.nan
        searched[:] = math.nan
        previous[:] = math.nan
    if not math.isfinite(goal[0, 0] + goal[1, 0] + goal[END, 0]):
        return HOLDS
    place[0], place[1], place[2] = wanted_place(goal, length)
    cold = math.isnan(solution[0])
    if cold:
        for v in range(size):
            solution[v] = limits[REST, v]
    jump = cold or _moved(place, goal, previous, _JUMP)
    for v in range(size):
        home[v] = solution[v]
        if not jump:
            expected = solution[v] + trend[v, 0] + trend[v, 2]
            solution[v] = min(max(expected, limits[LOW, v]), limits[HIGH, v])
    return JUMPS if jump else GOES_ON


@njit(cache=True)
def hold(fresh: bool, size: int, limits: F64, memory: F64, left: F64, record: Bool, t: int) -> None:
    """Nothing to follow: the limb stays, or rests at the start."""
    record[:] = False
    record[HELD] = True
    left[:, t] = math.nan
    if fresh:
        for v in range(size):
            memory[OUTPUT, v] = limits[REST, v]


@njit(cache=True)
def end(
    jump: bool, reached: bool, reseeded: bool, fresh: bool, step_ns: int, goal: F64, size: int,
    limits: F64, place: F64, memory: F64, trend: F64, searched: F64, previous: F64, record: Bool,
) -> bool:  # fmt: skip
    """Hold the solution to the velocity limits, remember, keep the record; whether it was held."""
    _learn(memory[SOLUTION], memory[HOME], size, reached and not jump, trend)
    if reached:
        searched[0] = math.nan
    _remember(place, goal, previous)
    limited = clamped = False
    most_s = max(step_ns, 0) * 1e-9
    for v in range(size):
        x = memory[SOLUTION, v]
        low, high = limits[LOW, v] + _AT_BOUND_RAD, limits[HIGH, v] - _AT_BOUND_RAD
        clamped = clamped or x <= low or x >= high
        if not fresh:
            most, before = limits[SPEED, v] * most_s * _WITHIN, memory[OUTPUT, v]
            held = min(max(x, before - most), before + most)
            limited = limited or held != x
            x = held
        memory[OUTPUT, v] = x
    record[REACHABLE], record[CLAMPED], record[VELOCITY_LIMITED] = reached, clamped, limited
    record[RESEEDED], record[HELD] = reseeded, False
    return limited


@njit(cache=True)
def look_further(
    jump: bool, reached: bool, goal: F64, counts: bool, own: Tables, work: Work, place: F64,
    now: F64, memory: F64, searched: F64,
) -> tuple[bool, bool]:  # fmt: skip
    """Search where a better solution may be found; whether the goal is reached, and was by that."""
    rest, bank = own[3], own[5]
    size = rest.shape[0]
    solution, home = memory[SOLUTION, :size], memory[HOME, :size]
    cost = cost_of(now[0], now[1], now[2], own[0][9])
    lost = not reached and _moved(place, goal, searched, _SAME)
    if not (lost or (jump and (cost > PERFECT or _furthest(solution, home) > _NEAR_RAD))):
        return reached, False
    if jump:
        home[:] = rest
    limit = rank(cost, solution, home)
    best, far, space = np.empty(STARTS, np.int32), np.empty(STARTS), np.empty((size + 3, size))
    replaced = search(
        solution, home, limit, limit if jump else _WORTH * cost, counts, rest[bank[3]],
        place, goal, own[0], bank, work, space, best, far,
    )  # fmt: skip
    now[0], now[1], now[2] = measure(solution, place, goal, own[0], work)
    _remember(place, goal, searched)
    return is_reached(now[0], now[1], counts), replaced


@njit(cache=True)
def _learn(x: F64, home: F64, size: int, steady: bool, trend: F64) -> None:
    """What the next frame may expect of x [V] that came from home; nothing if it is not steady."""
    linear = bent = 0.0
    for v in range(size):
        change = x[v] - home[v]
        if not steady or abs(change) > _TREND_RAD:
            change = 0.0
        second = change - trend[v, 0]
        linear = max(linear, abs(second))
        bent = max(bent, abs(second - trend[v, 1]))
        trend[v, 0], trend[v, 1] = change, second
    for v in range(size):
        trend[v, 2] = trend[v, 1] if steady and bent < linear else 0.0


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
