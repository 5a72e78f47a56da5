"""Solve one limb for one frame, from a start downhill."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_chain import foresee, measure_limb, pull_limb, turn_limb
from streams.kernels.solve_levels import TASKS, step_tasks

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
Limb = tuple[I32, F64, F64, F64, I32, F64, F64, F64, F64, bool]
Work = tuple[F64, F64, F64, F64, F64, F64, F64, F64, U8, F64, F64, F64]

# Reachable: the place within 1 % of limb length; the end's turn, where it counts, within 2 deg.
PLACE_WITHIN = 0.01
TURN_WITHIN = 2.0 * math.sin(math.radians(1.0))

# A step is the last where what convergence leaves after it, if quadratic, is less than this, and
# it was a fraction of the step before.
LEFT_RAD = 1e-6
# Between where an end came out and where its step foresaw it: near a straight limb joints differ by
# a hundred times as much.
APART_RAD = 1e-8
_FRACTION = 0.1
# So small a step that came out as foreseen leaves nothing but what no step can mend.
SMALL_RAD = 1e-2
# A step that makes matters worse was too long: near a straight arm a Jacobian promises what the
# next pose does not keep. It is halved down to this share, and taken back if that does not help
# either; then the place is seen to alone, unless the end is this close to it (fraction of length).
_LEAST_SHARE = 1.0 / 8.0
_PLACED = 2e-4


@njit(cache=True)
def cost_of(place: float, end: float, upper: float, elbow_first: bool) -> float:
    """One number to choose by: the place far before the second task, that before the third."""
    second, third = (upper, end) if elbow_first else (end, upper)
    return 100.0 * place + second + 0.1 * third


@njit(cache=True)
def _merit(place: float, end: float, upper: float, elbow_first: bool) -> float:
    """What a step has to lower: a thousandth of limb length weighs as much as a radian.

    What place and turn are off by less than `_PLACED` is left to the steps that follow.
    """
    second, third = (upper, end) if elbow_first else (end, upper)
    return 1000.0 * max(place - _PLACED, 0.0) + max(second - _PLACED, 0.0) + 0.1 * third


@njit(cache=True)
def is_reached(place: float, end: float, end_counts: bool) -> bool:
    """Whether a solution counts as reaching its goal."""
    return place <= PLACE_WITHIN and (not end_counts or end <= TURN_WITHIN)


@njit(cache=True)
def make_work(joints: int, size: int) -> Work:
    """Room for one limb of N joints and V variables, made once a chunk.

    Value, cosine, sine [3, N]; bodies [N + 1, 4]; segments [3, 4]; Jacobian and its projection
    [9, V]; factors [2, 6]; errors [9]; step, free, another solution, one task's step: [V] each;
    errors as foreseen [9].
    """
    return (
        np.empty((3, joints)), np.empty((joints + 1, 4)), np.empty((3, 4)),
        np.empty((9, size)), np.empty((9, size)), np.empty((2, 6)), np.empty(9), np.empty(size),
        np.empty(size, np.uint8), np.empty(size), np.empty(size), np.empty(9),
    )  # fmt: skip


@njit(cache=True)
def measure(x: F64, place: F64, goal: F64, limb: Limb, work: Work) -> tuple[float, float, float]:
    """What is left to do at x, as `descend` returns it."""
    var, gain, bias, fixed, count, seg_q, reach, _, _, elbow_first = limb
    joint, body_q, pose_q, error = work[0], work[1], work[2], work[6]
    turn_limb(x, var, gain, bias, fixed, count, seg_q, joint, body_q, pose_q)
    at, end, turn = measure_limb(place, goal, body_q, pose_q, reach, elbow_first, error)
    return at, end, turn


@njit(cache=True)
def descend(
    x: F64, place: F64, goal: F64, limb: Limb, steps: int, work: Work
) -> tuple[float, float, float]:
    """Improve x, at most `steps` times.

    Args:
        x: [V] start in, solution out, always within the limb's bounds.
        place: [3] wanted place of the end, fraction of limb length.
        goal: [3, 4] wanted orientations of upper, fore (not used) and end.
        limb: var, gain, bias, fixed, count, seg_q and reach as in `solve_chain`, bounds lower and
            upper [V], elbow_first.
        steps: Limit.
        work: From `make_work`.

    Returns:
        What is left: place (fraction), end and upper (2 sin(θ/2)); after a last step that was
        small, as that step foresaw it.
    """
    var, gain, _, _, count, _, reach, lower, upper, elbow_first = limb
    _, body_q, _, pull, own, factor, error, dx, free, _, move, foreseen = work
    before, tasks = -1.0, TASKS
    at, end, turn = measure(x, place, goal, limb, work)
    for _ in range(steps):
        pull_limb(var, gain, count, body_q, reach, elbow_first, pull)
        step = step_tasks(pull, error, x, lower, upper, tasks, free, own, factor, dx, move)
        for v in range(x.shape[0]):
            x[v] = min(max(x[v] + dx[v], lower[v]), upper[v])
        if tasks == TASKS and is_settled(step, before):
            at, end, turn = foresee(pull, error, dx, elbow_first)
            break
        merit = _merit(at, end, turn, elbow_first)
        foresee(pull, error, dx, elbow_first)
        for i in range(9):
            foreseen[i] = error[i]
        at, end, turn = measure(x, place, goal, limb, work)
        if tasks == TASKS and step <= SMALL_RAD and _furthest(error, foreseen) <= APART_RAD:
            break
        before, share = step, 0.5
        while _merit(at, end, turn, elbow_first) > merit + LEFT_RAD and share >= _LEAST_SHARE:
            for v in range(x.shape[0]):
                x[v] -= share * dx[v]
            at, end, turn = measure(x, place, goal, limb, work)
            share *= 0.5
        if share < _LEAST_SHARE and _merit(at, end, turn, elbow_first) > merit + LEFT_RAD:
            for v in range(x.shape[0]):
                x[v] = min(max(x[v] - 2.0 * share * dx[v], lower[v]), upper[v])
            at, end, turn = measure(x, place, goal, limb, work)
            if tasks == 1 or at <= _PLACED:
                break
            tasks, before = 1, -1.0
        else:
            tasks = TASKS
    return at, end, turn


@njit(cache=True)
def is_settled(step: float, before: float) -> bool:
    """Whether a step, after the one before (negative: none), leaves next to nothing to do.

    Quadratic convergence leaves c · step² with c = step / before². After the first step c is not
    known: about 1, and up to 100 where an elbow or knee is nearly straight.
    """
    if step <= LEFT_RAD or (before < 0.0 and 100.0 * step * step <= LEFT_RAD):
        return True
    return step <= _FRACTION * before and step**3 <= LEFT_RAD * before * before


@njit(cache=True)
def _furthest(a: F64, b: F64) -> float:
    """Largest difference of two rows."""
    largest = 0.0
    for i in range(a.shape[0]):
        largest = max(largest, abs(a[i] - b[i]))
    return largest
