"""One step of limbs side by side, laid out as `solve_side` says."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.quaternion import z_axis
from streams.kernels.solve_levels import DAMPING, FLOOR, LONGEST_RAD, PROJECTION
from streams.kernels.solve_side import (
    ARM,
    BODY,
    COLUMNS,
    DX,
    ELBOW_FIRST,
    ERROR,
    FACTOR,
    FORESEEN,
    GAIN,
    GRAM,
    IN_END,
    IN_UPPER,
    KEPT,
    LEFT,
    LOWER,
    OWN,
    PULL,
    SIDE,
    SOLVED,
    STEP,
    UPPER_BOUND,
    X,
)  # fmt: skip
from streams.kernels.solve_side_measure import sizes

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@njit(cache=True, error_model="numpy")
def step_side(room: F64) -> None:
    """One step of all limbs from where `measure_side` was: DX, X, FORESEEN and `LEFT`.

    As `solve_levels.step_tasks`, but a step that would meet a bound or be too long is not `KEPT`.
    """
    _pull(room)
    for lane in range(SIDE):
        room[(LEFT + KEPT) * SIDE + lane] = 1.0
        room[(LEFT + STEP) * SIDE + lane] = 0.0
    for k in range(COLUMNS * SIDE):
        room[DX * SIDE + k] = 0.0
    for k in range(9 * COLUMNS * SIDE):
        room[OWN * SIDE + k] = room[PULL * SIDE + k]
    _move(room, 0)
    _project(room, 1, 0)
    _move(room, 1)
    _project(room, 2, 0)
    _project(room, 2, 1)
    _move(room, 2)
    for j in range(COLUMNS):
        for lane in range(SIDE):
            dx = room[(DX + j) * SIDE + lane]
            x = room[(X + j) * SIDE + lane] + dx
            room[(X + j) * SIDE + lane] = x
            step = room[(LEFT + STEP) * SIDE + lane]
            room[(LEFT + STEP) * SIDE + lane] = abs(dx) if abs(dx) > step else step
    for i in range(9):
        for lane in range(SIDE):
            left = room[(ERROR + i) * SIDE + lane]
            for j in range(COLUMNS):
                left -= room[(PULL + 9 * j + i) * SIDE + lane] * room[(DX + j) * SIDE + lane]
            room[(FORESEEN + i) * SIDE + lane] = left
    sizes(room, FORESEEN)


@njit(cache=True, error_model="numpy")
def _pull(room: F64) -> None:
    """As `solve_chain.pull_limb`: rows of column j from PULL + 9 j on."""
    for lane in range(SIDE):
        # From the joint's axis to the end, which starts with nothing beyond the last.
        room[SOLVED * SIDE + lane] = 0.0
        room[(SOLVED + 1) * SIDE + lane] = 0.0
        room[(SOLVED + 2) * SIDE + lane] = 0.0
    for j in range(COLUMNS - 1, -1, -1):
        b, m, p = BODY + 4 * (j + 1), ARM + 3 * (j + 1), PULL + 9 * j
        for lane in range(SIDE):
            mx = room[SOLVED * SIDE + lane] + room[m * SIDE + lane]
            my = room[(SOLVED + 1) * SIDE + lane] + room[(m + 1) * SIDE + lane]
            mz = room[(SOLVED + 2) * SIDE + lane] + room[(m + 2) * SIDE + lane]
            room[SOLVED * SIDE + lane], room[(SOLVED + 1) * SIDE + lane] = mx, my
            room[(SOLVED + 2) * SIDE + lane] = mz
            ax, ay, az = z_axis(
                room[b * SIDE + lane], room[(b + 1) * SIDE + lane], room[(b + 2) * SIDE + lane],
                room[(b + 3) * SIDE + lane],
            )  # fmt: skip
            gain = room[(GAIN + j) * SIDE + lane]
            ax, ay, az = gain * ax, gain * ay, gain * az
            room[p * SIDE + lane] = ay * mz - az * my
            room[(p + 1) * SIDE + lane] = az * mx - ax * mz
            room[(p + 2) * SIDE + lane] = ax * my - ay * mx
            upper, end = room[(IN_UPPER + j) * SIDE + lane], room[(IN_END + j) * SIDE + lane]
            first = room[ELBOW_FIRST * SIDE + lane] > 0.0
            second, third = (upper if first else end), (end if first else upper)
            room[(p + 3) * SIDE + lane] = second * ax
            room[(p + 4) * SIDE + lane] = second * ay
            room[(p + 5) * SIDE + lane] = second * az
            room[(p + 6) * SIDE + lane] = third * ax
            room[(p + 7) * SIDE + lane] = third * ay
            room[(p + 8) * SIDE + lane] = third * az


@njit(cache=True, error_model="numpy")
def _project(room: F64, task: int, above: int) -> None:
    """Take out of a task's rows what moves the task above it."""
    a, b = OWN + 3 * task, OWN + 3 * above
    for i in range(3):
        for k in range(3):
            for lane in range(SIDE):
                both = 0.0
                for j in range(COLUMNS):
                    both += (
                        room[(a + 9 * j + i) * SIDE + lane] * room[(b + 9 * j + k) * SIDE + lane]
                    )
                room[(GRAM + 3 * i + k) * SIDE + lane] = both
    for i in range(3):
        for lane in range(SIDE):
            c0, c1, c2 = _solve(room, FACTOR + 6 * above, GRAM + 3 * i, lane)
            room[(GRAM + 3 * i) * SIDE + lane] = c0
            room[(GRAM + 3 * i + 1) * SIDE + lane] = c1
            room[(GRAM + 3 * i + 2) * SIDE + lane] = c2
    for j in range(COLUMNS):
        for i in range(3):
            g = GRAM + 3 * i
            for lane in range(SIDE):
                taken = (
                    room[g * SIDE + lane] * room[(b + 9 * j) * SIDE + lane]
                    + room[(g + 1) * SIDE + lane] * room[(b + 9 * j + 1) * SIDE + lane]
                    + room[(g + 2) * SIDE + lane] * room[(b + 9 * j + 2) * SIDE + lane]
                )
                room[(a + 9 * j + i) * SIDE + lane] -= taken


@njit(cache=True, error_model="numpy")
def _move(room: F64, task: int) -> None:
    """Add a task's step to DX, and keep its factors for the tasks below it."""
    a, p, r = OWN + 3 * task, PULL + 3 * task, SOLVED
    for i in range(3):
        for k in range(i, 3):
            for lane in range(SIDE):
                both = 0.0
                for j in range(COLUMNS):
                    both += (
                        room[(a + 9 * j + i) * SIDE + lane] * room[(a + 9 * j + k) * SIDE + lane]
                    )
                room[(GRAM + 3 * i + k) * SIDE + lane] = both
        for lane in range(SIDE):
            left = room[(ERROR + 3 * task + i) * SIDE + lane]
            if task > 0:
                for j in range(COLUMNS):
                    left -= room[(p + 9 * j + i) * SIDE + lane] * room[(DX + j) * SIDE + lane]
            room[(r + i) * SIDE + lane] = left
    for lane in range(SIDE):
        squares = (
            room[r * SIDE + lane] ** 2
            + room[(r + 1) * SIDE + lane] ** 2
            + room[(r + 2) * SIDE + lane] ** 2
        )
        _factorise(room, DAMPING * squares + FLOOR[task], FACTOR + 12, lane)
        if task < 2:
            _factorise(room, PROJECTION, FACTOR + 6 * task, lane)
        c0, c1, c2 = _solve(room, FACTOR + 12, r, lane)
        room[r * SIDE + lane], room[(r + 1) * SIDE + lane], room[(r + 2) * SIDE + lane] = c0, c1, c2
    for j in range(COLUMNS):
        for lane in range(SIDE):
            move = (
                room[r * SIDE + lane] * room[(a + 9 * j) * SIDE + lane]
                + room[(r + 1) * SIDE + lane] * room[(a + 9 * j + 1) * SIDE + lane]
                + room[(r + 2) * SIDE + lane] * room[(a + 9 * j + 2) * SIDE + lane]
            )
            dx = room[(DX + j) * SIDE + lane] + move
            room[(DX + j) * SIDE + lane] = dx
            there = room[(X + j) * SIDE + lane] + dx
            free = (
                (there <= room[(UPPER_BOUND + j) * SIDE + lane])
                & (there >= room[(LOWER + j) * SIDE + lane])
                & (abs(move) <= LONGEST_RAD)
            )
            kept = room[(LEFT + KEPT) * SIDE + lane]
            room[(LEFT + KEPT) * SIDE + lane] = kept if free else 0.0


@njit(cache=True, error_model="numpy")
def _factorise(room: F64, damping: float, into: int, lane: int) -> None:
    """As `solve_levels._factorise`, of the matrix in GRAM."""
    g01, g02 = room[(GRAM + 1) * SIDE + lane], room[(GRAM + 2) * SIDE + lane]
    i0 = 1.0 / (room[GRAM * SIDE + lane] + damping)
    l10, l20 = g01 * i0, g02 * i0
    i1 = 1.0 / (room[(GRAM + 4) * SIDE + lane] + damping - l10 * g01)
    d21 = room[(GRAM + 5) * SIDE + lane] - l20 * g01
    l21 = d21 * i1
    i2 = 1.0 / (room[(GRAM + 8) * SIDE + lane] + damping - l20 * g02 - l21 * d21)
    room[into * SIDE + lane], room[(into + 1) * SIDE + lane] = i0, i1
    room[(into + 2) * SIDE + lane], room[(into + 3) * SIDE + lane] = i2, l10
    room[(into + 4) * SIDE + lane], room[(into + 5) * SIDE + lane] = l20, l21


@njit(cache=True, error_model="numpy")
def _solve(room: F64, f: int, b: int, lane: int) -> tuple[float, float, float]:
    """As `solve_levels._solve`, of the factors from row f on and the right side from row b on."""
    l10, l20, l21 = (
        room[(f + 3) * SIDE + lane], room[(f + 4) * SIDE + lane], room[(f + 5) * SIDE + lane],
    )  # fmt: skip
    b0 = room[b * SIDE + lane]
    y1 = room[(b + 1) * SIDE + lane] - l10 * b0
    y2 = room[(b + 2) * SIDE + lane] - l20 * b0 - l21 * y1
    c2 = y2 * room[(f + 2) * SIDE + lane]
    c1 = y1 * room[(f + 1) * SIDE + lane] - l21 * c2
    return b0 * room[f * SIDE + lane] - l10 * c1 - l20 * c2, c1, c2
