"""One step of damped least squares for three tasks in strict order, within bounds.

A task moves only what leaves those before it unchanged (A. Liegeois 1977; B. Siciliano and
J.-J. Slotine, A general framework for managing multiple tasks, 1991): its rows are projected onto
the null space of theirs. The damping of a task grows with its own error squared, which converges
quadratically also at singular solutions (N. Yamashita and M. Fukushima, 2001) and stays finite for
what cannot be reached (T. Sugihara, Solvability-unconcerned inverse kinematics, 2011).

A variable that meets its bound stays there for the rest of the step and for the tasks after it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Factors = tuple[float, float, float, float, float, float]

TASKS, ROWS = 3, 3

# Damping per squared error, and its floor: place, then the two orientations. The floors of the
# lower tasks are far above what projection leaves of a direction that is already spent.
DAMPING = 0.1
FLOOR = (1e-12, 1e-6, 1e-6)
PROJECTION = 1e-13
# Longest turn of one joint in one task's step, rad: beyond it a Jacobian says little.
LONGEST_RAD = 0.7


# numpy's error model: a division is a division, without a branch that would raise.
@njit(cache=True, error_model="numpy")
def step_tasks(
    pull: F64, error: F64, x: F64, lower: F64, upper: F64, tasks: int, free: U8, own: F64,
    factor: F64, dx: F64, move: F64,
) -> float:  # fmt: skip
    """Find the step of all variables.

    Args:
        pull: [9, V] Jacobian, three rows a task, first task first.
        error: [9] what is left to do of each.
        x: [V] present values, within their bounds.
        lower: [V] bounds; may be infinite.
        upper: [V]
        tasks: How many of the tasks are seen to, first ones first.
        free: [V] work: 1 while a variable may move.
        own: [9, V] work: rows of each task projected onto the null space of those before it.
        factor: [2, 6] work.
        dx: [V] out; x + dx lies within the bounds up to rounding.
        move: [V] work.

    Returns:
        The largest change of a variable.
    """
    count = x.shape[0]
    for v in range(count):
        free[v] = 1
        dx[v] = 0.0
    for task in range(tasks):
        _project(pull, free, own, factor, task, task)
        for _ in range(count + 1):
            hit = _move(pull, error, x, lower, upper, free, own, dx, move, task)
            if hit < 0:
                break
            free[hit] = 0
            _project(pull, free, own, factor, 0, task)
    largest = 0.0
    for v in range(count):
        largest = max(largest, abs(dx[v]))
    return largest


@njit(cache=True, error_model="numpy")
def _project(pull: F64, free: U8, own: F64, factor: F64, first: int, last: int) -> None:
    """Fill `own` for tasks first..last, those before `first` being there already."""
    count = free.shape[0]
    for task in range(first, last + 1):
        a = ROWS * task
        for v in range(count):
            keep = 1.0 if free[v] else 0.0
            own[a, v] = keep * pull[a, v]
            own[a + 1, v] = keep * pull[a + 1, v]
            own[a + 2, v] = keep * pull[a + 2, v]
        for above in range(task):
            b = ROWS * above
            p00 = p01 = p02 = p10 = p11 = p12 = p20 = p21 = p22 = 0.0
            for v in range(count):
                x, y, z = own[a, v], own[a + 1, v], own[a + 2, v]
                p, q, r = own[b, v], own[b + 1, v], own[b + 2, v]
                p00, p01, p02 = p00 + x * p, p01 + x * q, p02 + x * r
                p10, p11, p12 = p10 + y * p, p11 + y * q, p12 + y * r
                p20, p21, p22 = p20 + z * p, p21 + z * q, p22 + z * r
            f = (
                factor[above, 0], factor[above, 1], factor[above, 2],
                factor[above, 3], factor[above, 4], factor[above, 5],
            )  # fmt: skip
            p00, p01, p02 = _solve(f, p00, p01, p02)
            p10, p11, p12 = _solve(f, p10, p11, p12)
            p20, p21, p22 = _solve(f, p20, p21, p22)
            for v in range(count):
                p, q, r = own[b, v], own[b + 1, v], own[b + 2, v]
                own[a, v] -= p00 * p + p01 * q + p02 * r
                own[a + 1, v] -= p10 * p + p11 * q + p12 * r
                own[a + 2, v] -= p20 * p + p21 * q + p22 * r
        if task + 1 < TASKS:
            f = _factorise(own, a, PROJECTION)
            for k in range(6):
                factor[task, k] = f[k]


@njit(cache=True, error_model="numpy")
def _move(
    pull: F64, error: F64, x: F64, lower: F64, upper: F64, free: U8, own: F64, dx: F64, move: F64,
    task: int,
) -> int:  # fmt: skip
    """Add one task's step to dx, as far as the first bound; returns whose it is, or -1."""
    count = x.shape[0]
    a = ROWS * task
    r0, r1, r2 = error[a], error[a + 1], error[a + 2]
    if task > 0:
        for v in range(count):
            r0 -= pull[a, v] * dx[v]
            r1 -= pull[a + 1, v] * dx[v]
            r2 -= pull[a + 2, v] * dx[v]
    damping = DAMPING * (r0 * r0 + r1 * r1 + r2 * r2) + FLOOR[task]
    c0, c1, c2 = _solve(_factorise(own, a, damping), r0, r1, r2)
    largest = 0.0
    for v in range(count):
        move[v] = c0 * own[a, v] + c1 * own[a + 1, v] + c2 * own[a + 2, v]
        largest = max(largest, abs(move[v]))
    share = 1.0 if largest <= LONGEST_RAD else LONGEST_RAD / largest
    hit = -1
    for v in range(count):
        there = x[v] + dx[v]
        if there + share * move[v] > upper[v] and free[v]:
            share, hit = max((upper[v] - there) / move[v], 0.0), v
        elif there + share * move[v] < lower[v] and free[v]:
            share, hit = max((lower[v] - there) / move[v], 0.0), v
    for v in range(count):
        dx[v] += share * move[v]
    return hit


@njit(cache=True, error_model="numpy")
def _factorise(own: F64, a: int, damping: float) -> Factors:
    """L D Lᵀ of the Gram matrix of rows a..a+2 plus damping: 1/d0, 1/d1, 1/d2, l10, l20, l21."""
    g00 = g01 = g02 = g11 = g12 = g22 = 0.0
    for v in range(own.shape[1]):
        x, y, z = own[a, v], own[a + 1, v], own[a + 2, v]
        g00, g01, g02 = g00 + x * x, g01 + x * y, g02 + x * z
        g11, g12, g22 = g11 + y * y, g12 + y * z, g22 + z * z
    i0 = 1.0 / (g00 + damping)
    l10, l20 = g01 * i0, g02 * i0
    i1 = 1.0 / (g11 + damping - l10 * g01)
    d21 = g12 - l20 * g01
    l21 = d21 * i1
    i2 = 1.0 / (g22 + damping - l20 * g02 - l21 * d21)
    return i0, i1, i2, l10, l20, l21


@njit(cache=True, error_model="numpy")
def _solve(f: Factors, b0: float, b1: float, b2: float) -> tuple[float, float, float]:
    y1 = b1 - f[3] * b0
    y2 = b2 - f[4] * b0 - f[5] * y1
    c2 = y2 * f[2]
    c1 = y1 * f[1] - f[5] * c2
    return b0 * f[0] - f[3] * c1 - f[4] * c2, c1, c2
