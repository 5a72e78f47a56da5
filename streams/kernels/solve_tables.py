"""What the solve kernels must know of a target's limbs, packed into three arrays.

A kernel's call costs time for every array it is given; limbs' tables are many and small.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.kernels.solve_limb import Limb
from streams.kernels.solve_search import Bank

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Tables = tuple[Limb, F64, F64, F64, bool, Bank]

# Whole numbers of a limb: how many joints, variables and starts, whether the elbow goes first and
# the end's turn counts, the hinge, joints before upper, fore and end; then per joint its variable.
_HEAD: Final = 9


def pack(limbs: list[Tables]) -> tuple[I32, F64, NDArray[np.int64]]:
    """Whole numbers and floats of limbs, and where each limb's begin [L, 2]."""
    whole: list[np.ndarray] = []
    floats: list[np.ndarray] = []
    starts: list[tuple[int, int]] = []
    at_whole = at_float = 0
    for limb, length, speed, rest, end_counts, bank in limbs:
        var, gain, bias, fixed, count, seg_q, reach, lower, upper, elbow_first = limb
        head = (len(var), len(rest), len(bank[0]), int(elbow_first), int(end_counts), bank[3])
        own = np.concatenate([np.array(head), count, var]).astype(np.int32)
        numbers = (gain, bias, fixed, seg_q, reach, lower, upper, length, speed, rest, *bank[:3])
        flat = np.concatenate([np.ravel(part) for part in numbers]).astype(np.float64)
        starts.append((at_whole, at_float))
        at_whole, at_float = at_whole + len(own), at_float + len(flat)
        whole.append(own)
        floats.append(flat)
    none = [np.empty(0)]
    return (
        np.concatenate(whole or none).astype(np.int32),
        np.concatenate(floats or none),
        np.array(starts, dtype=np.int64).reshape(-1, 2),
    )


@njit(cache=True)
def variables(whole: I32, starts: NDArray[np.int64], m: int) -> int:
    """How many variables limb m has."""
    return int(whole[starts[m, 0] + 1])


@njit(cache=True)
def unpack(whole: I32, floats: F64, starts: NDArray[np.int64], m: int) -> Tables:
    """The tables of limb m, as views."""
    w = whole[starts[m, 0] :]
    joints, size, seeds = int(w[0]), int(w[1]), int(w[2])
    f, at = floats[starts[m, 1] :], 0
    gain, at = f[at : at + joints], at + joints
    bias, at = f[at : at + joints], at + joints
    fixed, at = f[at : at + 4 * joints].reshape(joints, 4), at + 4 * joints
    seg_q, at = f[at : at + 16].reshape(4, 4), at + 16
    reach, at = f[at : at + 3 * (joints + 1)].reshape(joints + 1, 3), at + 3 * (joints + 1)
    lower, at = f[at : at + size], at + size
    upper, at = f[at : at + size], at + size
    length, at = f[at : at + 2], at + 2
    speed, at = f[at : at + size], at + size
    rest, at = f[at : at + size], at + size
    x, at = f[at : at + seeds * size].reshape(seeds, size), at + seeds * size
    place, at = f[at : at + 3 * seeds].reshape(seeds, 3), at + 3 * seeds
    quat = f[at : at + 8 * seeds].reshape(seeds, 2, 4)
    count, var = w[6:_HEAD], w[_HEAD : _HEAD + joints]
    limb = (var, gain, bias, fixed, count, seg_q, reach, lower, upper, w[3] != 0)
    return limb, length, speed, rest, w[4] != 0, (x, place, quat, int(w[5]))
