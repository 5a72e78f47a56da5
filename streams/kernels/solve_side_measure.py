"""What is left to do of limbs side by side, laid out as `solve_side` says."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.quaternion import multiply, rotate, turn_about_z
from streams.kernels.solve_chain import END, UPPER
from streams.kernels.solve_side import (
    APART,
    ARM,
    BIAS,
    BODY,
    COLUMNS,
    ELBOW_FIRST,
    ERROR,
    FIXED,
    FORESEEN,
    GAIN,
    GOAL,
    LEFT,
    POSE,
    REACH,
    SEGMENT_Q,
    SIDE,
    TURN,
    X,
)  # fmt: skip
from streams.kernels.trig import half_angle

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@njit(cache=True, error_model="numpy")
def measure_side(room: F64, count: I32) -> None:
    """Bodies, arms, poses and errors of all limbs at X; count: [SIDE, 3] as in `turn_limb`."""
    for lane in range(SIDE):
        w = room[(SEGMENT_Q) * SIDE + lane]
        x = room[(SEGMENT_Q + 1) * SIDE + lane]
        y = room[(SEGMENT_Q + 2) * SIDE + lane]
        z = room[(SEGMENT_Q + 3) * SIDE + lane]
        room[BODY * SIDE + lane], room[(BODY + 1) * SIDE + lane] = w, x
        room[(BODY + 2) * SIDE + lane], room[(BODY + 3) * SIDE + lane] = y, z
        ax, ay, az = rotate(
            w, x, y, z, room[REACH * SIDE + lane], room[(REACH + 1) * SIDE + lane],
            room[(REACH + 2) * SIDE + lane],
        )  # fmt: skip
        room[ARM * SIDE + lane], room[(ARM + 1) * SIDE + lane], room[(ARM + 2) * SIDE + lane] = (
            ax,
            ay,
            az,
        )
        room[ERROR * SIDE + lane] = room[GOAL * SIDE + lane] - ax
        room[(ERROR + 1) * SIDE + lane] = room[(GOAL + 1) * SIDE + lane] - ay
        room[(ERROR + 2) * SIDE + lane] = room[(GOAL + 2) * SIDE + lane] - az
    for j in range(COLUMNS):
        for lane in range(SIDE):
            angle = room[(GAIN + j) * SIDE + lane] * room[(X + j) * SIDE + lane]
            cos, sin = half_angle(angle + room[(BIAS + j) * SIDE + lane])
            room[(TURN + 2 * j) * SIDE + lane], room[(TURN + 2 * j + 1) * SIDE + lane] = cos, sin
    for j in range(COLUMNS):
        b, f, r, m = BODY + 4 * j, FIXED + 4 * j, REACH + 3 * (j + 1), ARM + 3 * (j + 1)
        for lane in range(SIDE):
            w, x, y, z = multiply(
                room[b * SIDE + lane], room[(b + 1) * SIDE + lane], room[(b + 2) * SIDE + lane],
                room[(b + 3) * SIDE + lane], room[f * SIDE + lane], room[(f + 1) * SIDE + lane],
                room[(f + 2) * SIDE + lane], room[(f + 3) * SIDE + lane],
            )  # fmt: skip
            w, x, y, z = turn_about_z(
                w,
                x,
                y,
                z,
                room[(TURN + 2 * j) * SIDE + lane],
                room[(TURN + 2 * j + 1) * SIDE + lane],
            )
            room[(b + 4) * SIDE + lane], room[(b + 5) * SIDE + lane] = w, x
            room[(b + 6) * SIDE + lane], room[(b + 7) * SIDE + lane] = y, z
            ax, ay, az = rotate(
                w, x, y, z, room[r * SIDE + lane], room[(r + 1) * SIDE + lane],
                room[(r + 2) * SIDE + lane],
            )  # fmt: skip
            room[m * SIDE + lane], room[(m + 1) * SIDE + lane], room[(m + 2) * SIDE + lane] = (
                ax,
                ay,
                az,
            )
            room[ERROR * SIDE + lane] -= ax
            room[(ERROR + 1) * SIDE + lane] -= ay
            room[(ERROR + 2) * SIDE + lane] -= az
    for lane in range(SIDE):
        for i in range(4):
            upper, end = BODY + 4 * count[lane, UPPER] + i, BODY + 4 * count[lane, END] + i
            room[(POSE + i) * SIDE + lane] = room[upper * SIDE + lane]
            room[(POSE + 4 + i) * SIDE + lane] = room[end * SIDE + lane]
    for lane in range(SIDE):
        ux, uy, uz = _turn_left(room, 4, GOAL + 3, POSE, lane)
        ex, ey, ez = _turn_left(room, 8, GOAL + 7, POSE + 4, lane)
        first = room[ELBOW_FIRST * SIDE + lane] > 0.0
        room[(ERROR + 3) * SIDE + lane] = ux if first else ex
        room[(ERROR + 4) * SIDE + lane] = uy if first else ey
        room[(ERROR + 5) * SIDE + lane] = uz if first else ez
        room[(ERROR + 6) * SIDE + lane] = ex if first else ux
        room[(ERROR + 7) * SIDE + lane] = ey if first else uy
        room[(ERROR + 8) * SIDE + lane] = ez if first else uz
    sizes(room, ERROR)


@njit(cache=True, error_model="numpy")
def _turn_left(
    room: F64, segment: int, goal: int, pose: int, lane: int
) -> tuple[float, float, float]:
    """As `solve_chain.turn_left`, from a segment's body to its goal."""
    s, g, p = SEGMENT_Q + segment, goal, pose
    pw, px, py, pz = multiply(
        room[p * SIDE + lane], room[(p + 1) * SIDE + lane], room[(p + 2) * SIDE + lane],
        room[(p + 3) * SIDE + lane], room[s * SIDE + lane], room[(s + 1) * SIDE + lane],
        room[(s + 2) * SIDE + lane], room[(s + 3) * SIDE + lane],
    )  # fmt: skip
    w, x, y, z = multiply(
        room[g * SIDE + lane], room[(g + 1) * SIDE + lane], room[(g + 2) * SIDE + lane],
        room[(g + 3) * SIDE + lane], pw, -px, -py, -pz,
    )  # fmt: skip
    sign = -2.0 if w < 0.0 else 2.0
    return sign * x, sign * y, sign * z


@njit(cache=True, error_model="numpy")
def sizes(room: F64, row: int) -> None:
    """Lengths of the three errors into `LEFT`: place, end, upper."""
    for lane in range(SIDE):
        first = room[ELBOW_FIRST * SIDE + lane] > 0.0
        a = np.sqrt(
            room[row * SIDE + lane] ** 2 + room[(row + 1) * SIDE + lane] ** 2
            + room[(row + 2) * SIDE + lane] ** 2
        )  # fmt: skip
        b = np.sqrt(
            room[(row + 3) * SIDE + lane] ** 2 + room[(row + 4) * SIDE + lane] ** 2
            + room[(row + 5) * SIDE + lane] ** 2
        )  # fmt: skip
        c = np.sqrt(
            room[(row + 6) * SIDE + lane] ** 2 + room[(row + 7) * SIDE + lane] ** 2
            + room[(row + 8) * SIDE + lane] ** 2
        )  # fmt: skip
        room[LEFT * SIDE + lane] = a
        room[(LEFT + 1) * SIDE + lane] = c if first else b
        room[(LEFT + 2) * SIDE + lane] = b if first else c


@njit(cache=True, error_model="numpy")
def come_out(room: F64) -> None:
    """How far the errors measured after a step are from those foreseen: `APART`."""
    for lane in range(SIDE):
        room[(LEFT + APART) * SIDE + lane] = 0.0
    for i in range(9):
        for lane in range(SIDE):
            apart = abs(room[(ERROR + i) * SIDE + lane] - room[(FORESEEN + i) * SIDE + lane])
            most = room[(LEFT + APART) * SIDE + lane]
            room[(LEFT + APART) * SIDE + lane] = apart if apart > most else most
