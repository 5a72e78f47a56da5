"""Is each joint the joint it is said to be: what sums of motion told and motion seen prove."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

_ENOUGH = 0.05
"""rad^2 of motion, summed over steps: what a comparison needs."""

_FOLLOWS = 0.8
"""Correlation of a joint with what it was told."""

_LIKE, _UNLIKE = 0.35, 0.6
"""What is left of a motion when another is taken away from it, as a share of the first."""

_DEGREE = 180.0 / math.pi

# Verdicts on a joint; the largest wins.
FINE, FLIPPED, PERMUTED, SWAPPED, UNIT = 0, 1, 2, 3, 4
KINDS = 5

# What is carried of each watched joint.
TOLD, SEEN, TOLD_SUM, SEEN_SUM, SINCE, DOUBT, DOUBTS = 0, 1, 2, 3, 4, 5, 6
WATCH = 7


@numba.njit(cache=True)
def judge(
    frame: int, pair: I32, is_mirror: I32, watch: F64, cross: F64, own: F64, verdict: I32
) -> None:
    """What the sums prove; a pair of a joint with itself holds its own correlation."""
    verdict[:] = FINE
    for p in range(pair.shape[0]):
        a, b = pair[p, 0], pair[p, 1]
        if a == b:
            scale = math.sqrt(watch[a, TOLD_SUM] * watch[a, SEEN_SUM])
            own[a] = cross[p, 0] / scale if scale > 0.0 else 0.0
    mirrored = 0
    for p in range(pair.shape[0]):
        a, b = pair[p, 0], pair[p, 1]
        if a == b:
            if watch[a, TOLD_SUM] < _ENOUGH:
                continue
            ratio = math.sqrt(watch[a, SEEN_SUM] / watch[a, TOLD_SUM])
            if own[a] < -_FOLLOWS:
                verdict[a] = max(verdict[a], FLIPPED)
            elif own[a] > _FOLLOWS and _is_degree(ratio):
                verdict[a] = max(verdict[a], UNIT)
            elif own[a] > _FOLLOWS:
                watch[a, SINCE] = frame + 1
            continue
        exchanged = _taken(p, 0, a, b, watch, cross, own) or _taken(p, 1, b, a, watch, cross, own)
        if exchanged:
            kind = SWAPPED if is_mirror[p] else PERMUTED
            mirrored += is_mirror[p]
            verdict[a] = max(verdict[a], kind)
            verdict[b] = max(verdict[b], kind)
    if mirrored == 1:
        # One pair alone is two joints exchanged; two or more are the sides.
        for w in range(verdict.shape[0]):
            if verdict[w] == SWAPPED:
                verdict[w] = PERMUTED


@numba.njit(cache=True)
def _taken(p: int, way: int, told: int, seen: int, watch: F64, cross: F64, own: F64) -> bool:
    """Whether joint `seen` does what `told` was told, and neither does what itself was told.

    By what is left over, sum (seen - told)^2: limbs' joints often move in step, so that their
    correlations are alike.
    """
    asked = watch[told, TOLD_SUM]
    if asked < _ENOUGH:
        return False
    left = asked - 2.0 * cross[p, way] + watch[seen, SEEN_SUM]
    scale = own[told] * math.sqrt(asked * watch[told, SEEN_SUM])
    own_left = asked - 2.0 * scale + watch[told, SEEN_SUM]
    if left > _LIKE * asked or own_left < _UNLIKE * asked or own[told] < -_FOLLOWS:
        return False
    done = watch[seen, SEEN_SUM]
    scale = own[seen] * math.sqrt(watch[seen, TOLD_SUM] * done)
    return bool(watch[seen, TOLD_SUM] - 2.0 * scale + done > _UNLIKE * done)


@numba.njit(cache=True)
def _is_degree(ratio: float) -> bool:
    return 0.8 * _DEGREE < ratio < 1.25 * _DEGREE or 0.8 < ratio * _DEGREE < 1.25
