"""Order statistics of an episode's numbers without sorting them: only what lies near a rank is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Planes = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

_BINS = 1024


@njit(cache=True)
def order_statistics(planes: Planes, valid: Mask, shares: F64) -> tuple[I64, F64]:
    """Quantiles, with the least and the greatest value as those of 0 and 1.

    The span of a component is cut into even bins, its values are counted, and of the bins that hold
    a wanted rank the values are sorted: exact, and a third of the price of sorting all.

    Args:
        planes: [S, N] finite numbers, N >= 1.
        valid: [S, N] what counts; [S, 0]: everything.
        shares: [Q] rising, 0 to 1.

    Returns:
        How many values count [S], and their quantiles [S, Q]; 0 where none does.
    """
    components, steps = planes.shape
    counts = np.zeros(components, np.int64)
    found = np.zeros((components, len(shares)), np.float64)
    held = np.empty(steps, planes.dtype)
    for s in range(components):
        count = 0
        for n in range(steps):
            if valid.shape[1] == 0 or valid[s, n]:
                held[count] = planes[s, n]
                count += 1
        counts[s] = count
        if count:
            _quantiles(held[:count], shares, found[s])
    return counts, found


@njit(cache=True)
def _quantiles(values: Planes, shares: F64, found: F64) -> None:
    """values: [N]; found: [Q], written."""
    low, high = values[0], values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
    if low == high:
        found[:] = low
        return
    # In float64: the span of two float32 may be none.
    scale = _BINS / (np.float64(high) - np.float64(low))
    bins = np.empty(len(values), np.int16)
    above = np.zeros(_BINS + 1, np.int64)
    for n, value in enumerate(values):
        place = int((np.float64(value) - low) * scale)
        bins[n] = place if place < _BINS else _BINS - 1
        above[bins[n] + 1] += 1
    for b in range(_BINS):
        above[b + 1] += above[b]
    last = len(values) - 1
    wanted = np.zeros(_BINS, np.bool_)
    for share in shares:
        rank = np.int64(share * last)
        for neighbour in (rank, min(rank + 1, last)):
            wanted[_bin_of(above, neighbour)] = True
    start = np.zeros(_BINS, np.int64)
    size = 0
    for b in range(_BINS):
        start[b] = size
        if wanted[b]:
            size += above[b + 1] - above[b]
    near = np.empty(size, values.dtype)
    at = 0
    for n, value in enumerate(values):
        if wanted[bins[n]]:
            near[at] = value
            at += 1
    # Bins rise as their values do, so that each stands together in its place now.
    near.sort()
    for q, share in enumerate(shares):
        exact = share * last
        rank = np.int64(exact)
        pair = np.empty(2, np.float64)
        for side, neighbour in enumerate((rank, min(rank + 1, last))):
            b = _bin_of(above, neighbour)
            pair[side] = near[start[b] + neighbour - above[b]]
        found[q] = pair[0] + (pair[1] - pair[0]) * (exact - rank)


@njit(cache=True)
def _bin_of(above: I64, rank: int) -> int:
    """The bin that holds a rank. above: [bins + 1] how many values lie below each."""
    return int(np.searchsorted(above, rank, side="right")) - 1
