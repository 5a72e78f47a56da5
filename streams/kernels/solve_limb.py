"""Solve one limb for one frame: from a start downhill, and from better starts where that fails."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_chain import END, UPPER, measure_limb, pull_limb, turn_limb
from streams.kernels.solve_levels import step_tasks

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

# Reachable: the place within 1 % of limb length; the end's turn, where it counts, within 2 deg.
PLACE_WITHIN = 0.01
TURN_WITHIN = 2.0 * math.sin(math.radians(1.0))

# A step is the last where what convergence leaves after it, if quadratic, is less than this, and
# it was a fraction of the step before.
_LEFT_RAD = 1e-7
_FRACTION = 0.1

# Starts that are tried, best first by their distance from the goal.
STARTS = 10
_COLD_STEPS = 24
# Solutions whose cost is less are all as good as each other.
PERFECT = 1e-5


@njit(cache=True)
def cost_of(place: float, end: float, upper: float, elbow_first: bool) -> float:
    """One number to choose by: the place far before the second task, that before the third."""
    second, third = (upper, end) if elbow_first else (end, upper)
    return 100.0 * place + second + 0.1 * third


@njit(cache=True)
def is_reached(place: float, end: float, end_counts: bool) -> bool:
    """Whether a solution counts as reaching its goal."""
    return place <= PLACE_WITHIN and (not end_counts or end <= TURN_WITHIN)


@njit(cache=True)
def descend(
    x: F64, place: F64, goal: F64, var: I32, gain: F64, bias: F64, fixed: F64, count: I32,
    seg_q: F64, length: F64, lower: F64, upper: F64, elbow_first: bool, steps: int,
    joint: F64, body_q: F64, pose_q: F64, rows: F64, free: U8,
) -> tuple[float, float, float]:  # fmt: skip
    """Improve x in place, at most `steps` times.

    In: place [3] of the end, fraction of limb length, and goal [3, 4], orientations of upper, fore
    (not used) and end; the limb as in `solve_chain`; bounds lower and upper [V]. In and out: x [V],
    always within the bounds. Out: pose_q [3, 4], orientation of the three segments. Work: joint
    [3, N], body_q [N + 1, 4], rows [23, V or 9], free [V].

    Returns:
        What is left: place (fraction), end and upper (2 sin(θ/2)).
    """
    size = x.shape[0]
    pull, own = rows[0:9, :size], rows[9:18, :size]
    factor, error, dx = rows[18:20, :6], rows[20, :9], rows[21, :size]
    before = -1.0
    for _ in range(steps):
        turn_limb(x, var, gain, bias, fixed, count, seg_q, joint, body_q, pose_q)
        measure_limb(place, goal, pose_q, length, elbow_first, error)
        pull_limb(var, gain, count, body_q, pose_q, length, elbow_first, pull)
        step = step_tasks(pull, error, x, lower, upper, free, own, factor, dx)
        for v in range(size):
            x[v] = min(max(x[v] + dx[v], lower[v]), upper[v])
        if _settled(step, before):
            break
        before = step
    turn_limb(x, var, gain, bias, fixed, count, seg_q, joint, body_q, pose_q)
    at, end, turn = measure_limb(place, goal, pose_q, length, elbow_first, error)
    return at, end, turn


@njit(cache=True)
def _settled(step: float, before: float) -> bool:
    """Whether a step, after the one before (negative: none), leaves next to nothing to do.

    Quadratic convergence leaves c · step² with c = step / before². After the first step c is not
    known: about 1, and up to 100 where an elbow or knee is nearly straight.
    """
    if step <= _LEFT_RAD or (before < 0.0 and 100.0 * step * step <= _LEFT_RAD):
        return True
    return step <= _FRACTION * before and step**3 <= _LEFT_RAD * before * before


@njit(cache=True)
def near_starts(place: F64, goal: F64, bank_place: F64, bank_q: F64, best: I32, far: F64) -> None:
    """The starts nearest to the goal, by place and by the orientations of upper and end.

    Args:
        place: [3] as in `descend`.
        goal: [3, 4]
        bank_place: [S, 3] place of the end at each start.
        bank_q: [S, 2, 4] orientation of upper and end at each start.
        best: [K] out, rows of the bank, nearest first.
        far: [K] work.
    """
    far[:] = math.inf
    best[:] = 0
    for s in range(bank_place.shape[0]):
        score = 0.0
        for i in range(3):
            score += (place[i] - bank_place[s, i]) ** 2
        for k, which in ((0, UPPER), (1, END)):
            dot = 0.0
            for i in range(4):
                dot += goal[which, i] * bank_q[s, k, i]
            score += 1.0 - dot * dot
        i = best.shape[0] - 1
        if score >= far[i]:
            continue
        while i > 0 and far[i - 1] > score:
            far[i], best[i] = far[i - 1], best[i - 1]
            i -= 1
        far[i], best[i] = score, s


@njit(cache=True)
def rank(cost: float, x: F64, home: F64) -> float:
    """`cost_of`, or of perfect solutions the distance from home in their place."""
    if cost > PERFECT:
        return cost
    squares = 0.0
    for v in range(x.shape[0]):
        squares += (x[v] - home[v]) ** 2
    return PERFECT * squares / (1.0 + squares)


@njit(cache=True)
def search(
    x: F64, home: F64, limit: float, out_of_reach: float, end_counts: bool,
    place: F64, goal: F64, var: I32, gain: F64, bias: F64, fixed: F64, count: I32,
    seg_q: F64, length: F64, lower: F64, upper: F64, elbow_first: bool,
    bank_x: F64, bank_place: F64, bank_q: F64,
    joint: F64, body_q: F64, pose_q: F64, rows: F64, free: U8, best: I32, far: F64,
) -> bool:  # fmt: skip
    """Look for a better solution from home and from the starts nearest to the goal.

    A robot may show the same pose with other joint values (all three of a shoulder turned over):
    of perfect solutions the one nearest to home is taken.

    In: home [V], where solutions should be near; limit: the `rank` another must be below, and
    out_of_reach: the same for one that does not reach the goal either (`is_reached`); place, goal
    and the limb as in `descend`; bank_x [S, V], the starts, and what they show as in `near_starts`.
    In and out: x [V]. The rest is work, pose_q too.

    Returns:
        Whether x was replaced.
    """
    near_starts(place, goal, bank_place, bank_q, best, far)
    size = x.shape[0]
    y = rows[22, :size]
    replaced = False
    for k in range(-1, best.shape[0]):
        for v in range(size):
            y[v] = home[v] if k < 0 else bank_x[best[k], v]
        left, end, turn = descend(
            y, place, goal, var, gain, bias, fixed, count, seg_q, length, lower, upper,
            elbow_first, _COLD_STEPS, joint, body_q, pose_q, rows, free,
        )  # fmt: skip
        found = rank(cost_of(left, end, turn, elbow_first), y, home)
        if found < limit and (found < out_of_reach or is_reached(left, end, end_counts)):
            limit, replaced = found, True
            for v in range(size):
                x[v] = y[v]
    return replaced
