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
"""Behind it, count, sum and sum of squares of each watched joint."""

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
    word = np.empty(1, np.float32)
    bits = word.view(np.uint32)
    for t in range(frames):
        row = np.uint64(0)
        for c in range(channels):
            word[0] = position[t, c]
            row = (row ^ np.uint64(bits[0])) * _FACTOR
        digest = ((digest ^ row) * _FACTOR) >> np.uint64(12)
        for w in range(channel.shape[0]):
            value = position[t, channel[w]]
            if math.isfinite(value):
                at = TAKE + 3 * w
                take[at] += 1.0
                take[at + 1] += value
                take[at + 2] += value * value
    take[DIGEST] = float(digest & _MASK)
