"""Where one descent fails: a bounded search from the starts that show a pose like the goal."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_blend import blend
from streams.kernels.solve_chain import END, UPPER
from streams.kernels.solve_limb import Limb, Work, cost_of, descend, is_reached, measure

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Bank = tuple[F64, F64, F64, int]

# Starts that are tried: those nearest to the goal, and the bank's first ones, which are near rest.
NEAREST, NUDGED = 8, 3
STARTS = NEAREST + NUDGED
_COLD_STEPS = 24
# How much less the upper segment's turn counts for a start than the end's.
_ELBOW_SHARE = 0.25
# Solutions whose cost is less are all as good as each other.
PERFECT = 1e-5


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
def near_starts(place: F64, goal: F64, bank: Bank, best: I32, far: F64) -> None:
    """The starts nearest to the goal, by place and by the orientations of upper and end.

    Args:
        place: [3] as in `descend`.
        goal: [3, 4] likewise.
        bank: Starts [S, V], the place of the end at each [S, 3], orientation of upper and end
            [S, 2, 4], which variable bends elbow or knee (-1: none alone).
        best: [STARTS] out, numbers of starts, nearest first; then the bank's first ones.
        far: [STARTS] work.
    """
    _, bank_place, bank_q, _ = bank
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
            score += (1.0 - dot * dot) * (_ELBOW_SHARE if k == 0 else 1.0)
        i = NEAREST - 1
        if score >= far[i]:
            continue
        while i > 0 and far[i - 1] > score:
            far[i], best[i] = far[i - 1], best[i - 1]
            i -= 1
        far[i], best[i] = score, s
    for i in range(NUDGED):
        best[NEAREST + i] = i


@njit(cache=True)
def search(
    x: F64, home: F64, limit: float, out_of_reach: float, end_counts: bool, straight: float,
    place: F64, goal: F64, limb: Limb, bank: Bank, work: Work, room: F64,
    best: I32, far: F64,
) -> bool:  # fmt: skip
    """Look for a better solution from home and from the starts nearest to the goal.

    A robot may show the same pose with other joint values (all three of a shoulder turned over):
    of perfect solutions the one nearest to home is taken. If none reaches the goal, the starts are
    tried once more with place and turn as one task.

    Args:
        x: [V] solution, replaced by a better one.
        home: [V] where solutions should be near.
        limit: `rank` that another must be below.
        out_of_reach: The same for one that does not reach the goal either.
        end_counts: As in `is_reached`.
        straight: Value of the variable that bends elbow or knee where the limb is straight.
        place: [3] as in `descend`.
        goal: [3, 4] likewise.
        limb: Likewise.
        bank: As in `near_starts`.
        work: From `make_work`.
        room: [V + 3, V] work.
        best: [K] work.
        far: [K] work.

    Returns:
        Whether x was replaced.
    """
    near_starts(place, goal, bank, best, far)
    starts, y, size, lower, upper = bank[0], work[9], x.shape[0], limb[7], limb[8]
    elbow_first = limb[9]
    # With the elbow seen to before the hand, a start settles on the branch that shows the pose.
    by_elbow = (
        limb[0], limb[1], limb[2], limb[3], limb[4], limb[5], limb[6], limb[7], limb[8], True,
    )  # fmt: skip
    replaced = reached = False
    hinge, tries = bank[3], best.shape[0] + 2
    for k in range(2 * tries):
        blended = k >= tries
        if blended and (reached or not end_counts):
            break
        for v in range(size):
            if k % tries == 0:
                y[v] = home[v]
            elif k % tries < tries - 1:
                y[v] = starts[best[k % tries - 1], v]
            else:
                # Bent the other way: nearly straight, both show nearly the same place.
                y[v] = x[v] if v != hinge else 2.0 * straight - x[v]
                y[v] = min(max(y[v], lower[v]), upper[v])
        if blended:
            blend(y, place, goal, limb, _COLD_STEPS, work, room)
            for v in range(size):
                room[0, v] = y[v]
        elif end_counts:
            descend(y, place, goal, by_elbow, _COLD_STEPS, work)
        left, end, turn = descend(y, place, goal, limb, _COLD_STEPS, work)
        if blended and not is_reached(left, end, end_counts):
            for v in range(size):
                y[v] = room[0, v]
            left, end, turn = measure(y, place, goal, limb, work)
        found = rank(cost_of(left, end, turn, elbow_first), y, home)
        there = is_reached(left, end, end_counts)
        if (there and not reached and blended) or (
            found < limit and (found < out_of_reach or there) and (there or not reached)
        ):
            limit, replaced, reached = found, True, there
            for v in range(size):
                x[v] = y[v]
    return replaced
