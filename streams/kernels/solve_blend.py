"""Place and turn of the end as one task, weighed by what counts as reached: to decide if it can be.

Tasks in strict order stop where the place is right and the turn cannot be improved without giving
some of it up for a while. Levenberg-Marquardt on both together goes on; variables at a bound that
are pushed outward are left out of a step (projected Newton: D. Bertsekas, 1982).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_chain import pull_limb
from streams.kernels.solve_limb import PLACE_WITHIN, TURN_WITHIN, Limb, Work, measure

F64 = NDArray[np.float64]

_FIRST_DAMPING, _MOST_DAMPING = 1e-2, 1e4
_EASIER, _HARDER = 0.2, 4.0
_LONGEST_RAD = 0.7
# Half of what counts as reached in both.
_ENOUGH = 0.25


@njit(cache=True, error_model="numpy")
def blend(x: F64, place: F64, goal: F64, limb: Limb, steps: int, work: Work, room: F64) -> None:
    """Improve x for a limb whose end's turn comes before its elbow.

    Args:
        x: [V] start in, best found out, within the limb's bounds.
        place: [3] as in `solve_limb.descend`.
        goal: [3, 4] likewise.
        limb: Likewise.
        steps: Limit.
        work: From `solve_limb.make_work`.
        room: [V + 3, V] work: normal matrix, gradient, best x, step.
    """
    var, gain, _, _, count, _, reach, lower, upper, elbow_first = limb
    _, body_q, _, pull, _, _, error, _, free, _, _, _ = work
    size = x.shape[0]
    gradient, kept, step = room[size], room[size + 1], room[size + 2]
    cost, damping, scale = math.inf, _FIRST_DAMPING, 0.0
    for v in range(size):
        kept[v] = x[v]
    for _ in range(steps):
        measure(x, place, goal, limb, work)
        now = 0.0
        for i in range(6):
            now += (error[i] / (PLACE_WITHIN if i < 3 else TURN_WITHIN)) ** 2
        if now < cost:
            cost, damping = now, damping * _EASIER
            pull_limb(var, gain, count, body_q, reach, elbow_first, pull)
            scale = 1e-9
            for v in range(size):
                kept[v] = x[v]
                gradient[v] = 0.0
                for i in range(6):
                    weight = 1.0 / (PLACE_WITHIN if i < 3 else TURN_WITHIN)
                    pull[i, v] *= weight
                    gradient[v] += pull[i, v] * error[i] * weight
                    scale += pull[i, v] * pull[i, v] / size
            for v in range(size):
                out = gradient[v] > 0.0 and kept[v] >= upper[v]
                free[v] = not (out or (gradient[v] < 0.0 and kept[v] <= lower[v]))
        else:
            damping *= _HARDER
        if cost <= _ENOUGH or damping > _MOST_DAMPING:
            break
        for v in range(size):
            for w in range(v + 1):
                room[v, w] = 0.0
                if free[v] and free[w]:
                    for i in range(6):
                        room[v, w] += pull[i, v] * pull[i, w]
            room[v, v] += damping * scale
            step[v] = gradient[v] if free[v] else 0.0
        _solve_in_place(room, step)
        for v in range(size):
            move = min(max(step[v], -_LONGEST_RAD), _LONGEST_RAD)
            x[v] = min(max(kept[v] + move, lower[v]), upper[v])
    for v in range(size):
        x[v] = kept[v]


@njit(cache=True, error_model="numpy")
def _solve_in_place(matrix: F64, b: F64) -> None:
    """Cholesky: b becomes the solution; the matrix is its lower triangle, and is overwritten."""
    size = b.shape[0]
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = math.sqrt(total) if i == j else total / matrix[j, j]
    for i in range(size):
        for k in range(i):
            b[i] -= matrix[i, k] * b[k]
        b[i] /= matrix[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            b[i] -= matrix[k, i] * b[k]
        b[i] /= matrix[i, i]
