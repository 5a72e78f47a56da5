"""Frames side by side: the layout in which the kernels compute, so that the compiler vectorises.

A chunk is taken in blocks of up to `LANES` frames. Whatever has a value a frame is a row of `LANES`
numbers, frame by frame, and rows stand one after the other in a flat array: number k of thing n,
K numbers each, at frame t, is `array[(n * K + k) * LANES + t]`. With a constant row length the
compiler sees that rows do not overlap. Vector and scalar instructions round alike, so a frame's
result does not depend on the lane it has.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# Long enough that a row's overhead counts little, short enough that all rows fit the second cache.
LANES: Final = 32


@njit(cache=True)
def rows(array: F64, n: int, count: int) -> F64:
    """Thing n of `count` numbers: its [count * LANES] part of the array."""
    return array[n * count * LANES : (n + 1) * count * LANES]


@njit(cache=True)
def fill(array: F64, value: float) -> None:
    """Set all of an array."""
    for i in range(array.shape[0]):
        array[i] = value
