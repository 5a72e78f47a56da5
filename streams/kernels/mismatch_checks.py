"""Is each joint the joint it is said to be: what sums of motion told and motion seen prove."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
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
    joints = verdict.shape[0]
    # Whether a joint does not do what itself is told, and whether it does what nobody told it.
    strays, roams = np.zeros(joints, np.bool_), np.zeros(joints, np.bool_)
    astray = False
    for p in range(pair.shape[0]):
        a, b = pair[p, 0], pair[p, 1]
        if a != b:
            continue
        asked, done = watch[a, TOLD_SUM], watch[a, SEEN_SUM]
        scale = math.sqrt(asked * done)
        own[a] = cross[p, 0] / scale if scale > 0.0 else 0.0
        left = asked - 2.0 * cross[p, 0] + done
        enough = asked >= _ENOUGH
        strays[a] = enough and left >= _UNLIKE * asked and own[a] >= -_FOLLOWS
        roams[a] = left > _UNLIKE * done
        astray |= strays[a]
        if not enough:
            continue
        if own[a] < -_FOLLOWS:
            verdict[a] = max(verdict[a], FLIPPED)
        elif own[a] > _FOLLOWS and _is_degree(math.sqrt(done / asked)):
            verdict[a] = max(verdict[a], UNIT)
        elif own[a] > _FOLLOWS:
            watch[a, SINCE] = frame + 1
    if astray:
        _find_exchanged(pair, is_mirror, watch, cross, strays, roams, verdict)


@numba.njit(cache=True)
def _find_exchanged(
    pair: I32, is_mirror: I32, watch: F64, cross: F64, strays: Bool, roams: Bool, verdict: I32
) -> None:
    mirrored = 0
    for p in range(pair.shape[0]):
        a, b = pair[p, 0], pair[p, 1]
        if a == b:
            continue
        there = strays[a] and roams[b] and _is_taken(watch[a], watch[b], cross[p, 0])
        if there or (strays[b] and roams[a] and _is_taken(watch[b], watch[a], cross[p, 1])):
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
def _is_taken(told: F64, seen: F64, crosswise: float) -> bool:
    """Whether joint `seen` does what `told` was told.

    By what is left over, sum (seen - told)^2: limbs' joints often move in step, so that their
    correlations are alike.
    """
    asked = told[TOLD_SUM]
    return bool(asked - 2.0 * crosswise + seen[SEEN_SUM] <= _LIKE * asked)


@numba.njit(cache=True)
def _is_degree(ratio: float) -> bool:
    return 0.8 * _DEGREE < ratio < 1.25 * _DEGREE or 0.8 < ratio * _DEGREE < 1.25
