"""The usual step of up to four limbs at once, side by side, so that the compiler vectorises.

A limb that follows its goal smoothly needs one step of `solve_limb.descend` from where it is
expected to be, meets no bound, and what is left comes out as foreseen. Then this is the whole
solution; a limb for which any of it fails is solved by `descend` from the same start. A limb's
result does not depend on the limbs beside it.

Everything is one flat array of rows of `SIDE` numbers, one a limb: row k of limb l is
`room[k * SIDE + lane]`. A column is a joint of the limb's path; held joints have a gain of 0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_chain import BASE, END, UPPER

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

# Limbs beside each other, and the most columns of one.
SIDE: Final = 4
COLUMNS: Final = 7

# First row of each thing in the room: what a limb is, what it does now, and work.
GAIN: Final = 0
BIAS: Final = GAIN + COLUMNS
LOWER: Final = BIAS + COLUMNS
UPPER_BOUND: Final = LOWER + COLUMNS
IN_UPPER: Final = UPPER_BOUND + COLUMNS
IN_END: Final = IN_UPPER + COLUMNS
FIXED: Final = IN_END + COLUMNS
REACH: Final = FIXED + 4 * COLUMNS
SEGMENT_Q: Final = REACH + 3 * (COLUMNS + 1)
ELBOW_FIRST: Final = SEGMENT_Q + 12
GOAL: Final = ELBOW_FIRST + 1
X: Final = GOAL + 11
DX: Final = X + COLUMNS
MOVE: Final = DX + COLUMNS
TURN: Final = MOVE + COLUMNS
BODY: Final = TURN + 2 * COLUMNS
ARM: Final = BODY + 4 * (COLUMNS + 1)
POSE: Final = ARM + 3 * (COLUMNS + 1)
ERROR: Final = POSE + 8
FORESEEN: Final = ERROR + 9
PULL: Final = FORESEEN + 9
OWN: Final = PULL + 9 * COLUMNS
GRAM: Final = OWN + 9 * COLUMNS
FACTOR: Final = GRAM + 9
SOLVED: Final = FACTOR + 18
LEFT: Final = SOLVED + 3
ROWS: Final = LEFT + 6
# Of `LEFT`: place, end and upper as `descend` returns them, the largest change of a variable, how
# far the step came out from what was foreseen, and whether it kept within bounds.
STEP, APART, KEPT = 3, 4, 5


@njit(cache=True)
def lay_limb(
    room: F64, lane: int, gain: F64, bias: F64, fixed: F64, count: I32, seg_q: F64, reach: F64,
    elbow_first: bool,
) -> None:  # fmt: skip
    """Write what a limb is into its lane; arrays as in `solve_chain`, the rest of columns held."""
    for j in range(COLUMNS):
        known = j < gain.shape[0]
        room[(GAIN + j) * SIDE + lane] = gain[j] if known else 0.0
        room[(BIAS + j) * SIDE + lane] = bias[j] if known else 0.0
        room[(LOWER + j) * SIDE + lane] = -np.inf
        room[(UPPER_BOUND + j) * SIDE + lane] = np.inf
        room[(X + j) * SIDE + lane] = 0.0
        room[(IN_UPPER + j) * SIDE + lane] = 1.0 if j < count[UPPER] else 0.0
        room[(IN_END + j) * SIDE + lane] = 1.0 if j < count[END] else 0.0
        for i in range(4):
            unit = 1.0 if i == 0 else 0.0
            room[(FIXED + 4 * j + i) * SIDE + lane] = fixed[j, i] if known else unit
    for b in range(COLUMNS + 1):
        for i in range(3):
            added = reach[b, i] if b < reach.shape[0] else 0.0
            room[(REACH + 3 * b + i) * SIDE + lane] = added
    for i in range(4):
        room[(SEGMENT_Q + i) * SIDE + lane] = seg_q[BASE, i]
        room[(SEGMENT_Q + 4 + i) * SIDE + lane] = seg_q[UPPER, i]
        room[(SEGMENT_Q + 8 + i) * SIDE + lane] = seg_q[END, i]
    room[ELBOW_FIRST * SIDE + lane] = 1.0 if elbow_first else 0.0


@njit(cache=True)
def lay_goal(room: F64, lane: int, place: F64, goal: F64) -> None:
    """Write a limb's goal: place [3], and of goal [3, 4] the turns of upper and end."""
    for i in range(3):
        room[(GOAL + i) * SIDE + lane] = place[i]
    for i in range(4):
        room[(GOAL + 3 + i) * SIDE + lane] = goal[UPPER, i]
        room[(GOAL + 7 + i) * SIDE + lane] = goal[END, i]
