"""A target's limbs through the frames of a chunk, four at a time."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_follow import follow
from streams.kernels.solve_frame import OUTPUT, SOLUTION
from streams.kernels.solve_goals import limb_goals, trunk_goals
from streams.kernels.solve_side import SIDE
from streams.kernels.solve_tables import variables

Bool = NDArray[np.bool_]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]


@njit(cache=True)
def solve_chunk(
    quat: F64, angle: F32, aims: I32, t_ns: I64, last_ns: int, started: bool, gap_ns: int,
    whole: I32, floats: F64, starts: I64, joint: I32,
    solution: F64, trend: F64, output: F64, searched: F64, previous: F64,
    position: F64, status: U8, left: F64, record: Bool,
) -> None:  # fmt: skip
    """Follow T frames with M limbs, waist and neck among them, of a target of J joints.

    In: quat [T, 15, 4], angle [T, 44], as canonicalised; aims [M, 8]: segments of upper, fore, end
    and base, then -1, or the first of three angles, and which of them the target has, as in
    `solve_goals`; t_ns [T]; last_ns: time of the frame before, if `started`; gap_ns: a longer step
    starts anew; whole, floats, starts: from `solve_tables.pack`; joint [V in all]: places of the
    limbs' variables among the joints.

    In and out, memory: solution [J] before velocity limits, NaN = none; trend [J, 3], what it
    changed by last, by how much that differs from the time before, and how much of that is expected
    again; output [J] after the limits; searched [M, 7], goal of the last search that failed, and
    previous [M, 7], goal before, NaN = none.

    Out: position [T, J], and its status [T, J] where a limb followed something; left [M, 3, T]:
    place (fraction of limb length), then |sin| and |cos| of half the end's turn, of the output, NaN
    where nothing was followed; record [M, T, 5].
    """
    frames, limbs = t_ns.shape[0], starts.shape[0]
    goals = np.empty((SIDE, frames, 3, 4))
    first_joint = 0
    for first in range(0, limbs, SIDE):
        count = min(SIDE, limbs - first)
        most = 1
        for m in range(first, first + count):
            most = max(most, variables(whole, starts, m))
        memory = np.zeros((SIDE, 3, most))
        trends = np.zeros((SIDE, most, 3))
        at = first_joint
        for m in range(first, first + count):
            aim, lane = aims[m], m - first
            if aim[4] < 0:
                limb_goals(quat, aim, goals[lane])
            else:
                trunk_goals(angle, aim[4], aim[5:], goals[lane])
            for v in range(variables(whole, starts, m)):
                memory[lane, SOLUTION, v] = solution[joint[at + v]]
                memory[lane, OUTPUT, v] = output[joint[at + v]]
                for k in range(3):
                    trends[lane, v, k] = trend[joint[at + v], k]
            at += variables(whole, starts, m)
        follow(
            count, goals, t_ns, last_ns, started, gap_ns, whole, floats, starts, first,
            memory, trends, searched, previous, joint, first_joint, position, status, left, record,
        )  # fmt: skip
        for m in range(first, first + count):
            lane = m - first
            for v in range(variables(whole, starts, m)):
                own = joint[first_joint + v]
                solution[own] = memory[lane, SOLUTION, v]
                output[own] = memory[lane, OUTPUT, v]
                for k in range(3):
                    trend[own, k] = trends[lane, v, k]
            first_joint += variables(whole, starts, m)
