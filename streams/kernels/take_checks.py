"""What an episode is known by again: a number made of its positions, and where its joints were."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

DIGEST = 0
TAKE = 1
"""Behind it, counts, sums and sums of squares of the watched joints."""

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MASK = np.uint64((1 << 52) - 1)
"""A number of 52 bits is kept exactly among floats."""


def fresh_take(watched: int) -> F64:
    """What is carried at an episode's start."""
    return np.zeros(TAKE + 3 * watched)


@numba.njit(cache=True)
def note_take(position: F64, channel: I32, take: F64) -> None:
    """Add T frames.

    position: [T, C] SI; channel: [W] the joints whose place is kept; take: [TAKE + 3 W] changed.
    """
    digest = np.uint64(take[DIGEST])
    frames, channels = position.shape
    bits = position.view(np.uint64)
    joints = channel.shape[0]
    count, total = take[TAKE : TAKE + joints], take[TAKE + joints : TAKE + 2 * joints]
    squares = take[TAKE + 2 * joints :]
    for t in range(frames):
        row = np.uint64(0)
        for c in range(channels):
            row += bits[t, c] * (_FACTOR + np.uint64(2 * c))
        digest = ((digest ^ row) * _FACTOR) >> np.uint64(12)
        for w in range(joints):
            value = position[t, channel[w]]
            known = math.isfinite(value)
            value = value if known else 0.0
            count[w] += 1.0 if known else 0.0
            total[w] += value
            squares[w] += value * value
    take[DIGEST] = float(digest & _MASK)
