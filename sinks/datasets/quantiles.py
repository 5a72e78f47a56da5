"""Quantiles over many episodes without holding them: counted by the bits of the numbers.

The bits of a float32 rise as the number does, once those of negative ones are turned round. The
first pass counts by the upper 16 bits, the second counts the next 12 bits of those numbers that may
be a quantile; what is left are 4 bits, half a millionth of the value. Whole numbers are counted
value by value.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]
Planes = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

QUANTILES: Final = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}

_UPPER = 1 << 16
_NEXT = 1 << 12
_LEFT_BITS = 4
_SLOTS = 2 * len(QUANTILES) + 1


class Quantiles(Protocol):
    """Takes every episode's numbers once or twice, then tells the quantiles of them all."""

    def count(self, planes: Planes, valid: Mask | None) -> None:
        """The first pass. planes: [S, N]; valid: [S, N] what counts, None: everything."""

    def refine(self, planes: Planes, valid: Mask | None) -> None:
        """The second pass, once all were counted."""

    def values(self) -> dict[str, F64]:
        """By name, [S]; 0 where a component has no number at all."""


class FloatQuantiles:
    """Of float32 components, none of them NaN."""

    def __init__(self, components: int) -> None:
        self._counted = np.zeros((components, _UPPER), np.uint32)
        self._wanted: _Wanted | None = None

    def count(self, planes: Planes, valid: Mask | None) -> None:
        """As in `Quantiles`."""
        _count_upper(_bits(planes), _all(planes, valid), self._counted)

    def refine(self, planes: Planes, valid: Mask | None) -> None:
        """As in `Quantiles`."""
        own = self._second()
        _count_next(_bits(planes), _all(planes, valid), own.slot, own.inside)

    def values(self) -> dict[str, F64]:
        """As in `Quantiles`; call it when `refine` took what `count` took."""
        return self._second().values()

    def _second(self) -> _Wanted:
        if self._wanted is None:
            self._wanted = _Wanted(self._counted)
        return self._wanted


class _Wanted:
    """The upper halves that hold a quantile's neighbours, and what lies in them, bit by bit.

    Attributes:
        slot: [S, 65536] which of a component's wanted halves it is; 0: none of them.
        inside: [S, slots, 4096] how often the next 12 bits come in each.
    """

    def __init__(self, counted: U32) -> None:
        self.slot = np.zeros(counted.shape, np.int8)
        self.inside = np.zeros((len(counted), _SLOTS, _NEXT), np.int64)
        self._total = counted.sum(axis=1, dtype=np.int64)
        last = np.maximum(self._total, 1) - 1
        low = (np.array(list(QUANTILES.values()))[:, None] * last).astype(np.int64)
        self._rank = np.stack([low, np.minimum(low + 1, last)])
        self._upper = np.zeros_like(self._rank)
        for s, row in enumerate(counted):
            above = np.cumsum(row, dtype=np.int64)
            upper = np.minimum(np.searchsorted(above, self._rank[:, :, s], "right"), _UPPER - 1)
            self._upper[:, :, s] = upper
            self._rank[:, :, s] -= np.where(upper > 0, above[upper - 1], 0)
            halves = np.unique(upper)
            self.slot[s, halves] = np.arange(1, len(halves) + 1)

    def values(self) -> dict[str, F64]:
        last = np.maximum(self._total, 1) - 1
        found = {}
        for place, (name, q) in enumerate(QUANTILES.items()):
            low, high = (
                self._number(self._upper[side, place], self._rank[side, place]) for side in (0, 1)
            )
            share = q * last - np.floor(q * last)
            found[name] = np.where(self._total > 0, low + (high - low) * share, 0.0)
        return found

    def _number(self, upper: I64, rank: I64) -> F64:
        """The number of a rank within its upper half, to 4 bits. upper, rank: [S]. Returns [S]."""
        rows = np.arange(len(upper))
        above = np.cumsum(self.inside[rows, self.slot[rows, upper]], axis=1)
        middle = np.minimum((above <= rank[:, None]).sum(axis=1), _NEXT - 1)
        rising = (upper << 16) | (middle << _LEFT_BITS) | (1 << (_LEFT_BITS - 1))
        turned = np.where(rising >= 1 << 31, rising ^ (1 << 31), rising ^ 0xFFFFFFFF)
        number: F64 = turned.astype(np.uint32).view(np.float32).astype(np.float64)
        return number


def _bits(planes: Planes) -> U32:
    return np.ascontiguousarray(planes, np.float32).view(np.uint32)


def _all(planes: Planes, valid: Mask | None) -> Mask:
    """What counts; an array without columns where everything does."""
    return np.empty((len(planes), 0), np.bool_) if valid is None else valid


@njit(cache=True)
def _rising(bits: np.uint32) -> np.uint32:
    """A float32's bits as an integer that rises as the number does; both zeros are one."""
    if bits == np.uint32(0x80000000):
        return np.uint32(0x80000000)
    if bits >> np.uint32(31):
        return bits ^ np.uint32(0xFFFFFFFF)
    return bits ^ np.uint32(0x80000000)


@njit(cache=True)
def _count_upper(bits: U32, valid: Mask, counted: U32) -> None:
    """bits, valid: [S, N]; counted: [S, 65536], added to."""
    for s in range(bits.shape[0]):
        for n in range(bits.shape[1]):
            if valid.shape[1] == 0 or valid[s, n]:
                counted[s, _rising(bits[s, n]) >> np.uint32(16)] += np.uint32(1)


@njit(cache=True)
def _count_next(bits: U32, valid: Mask, slot: npt.NDArray[np.int8], inside: I64) -> None:
    """bits, valid: [S, N]; slot: [S, 65536]; inside: [S, slots, 4096], added to."""
    for s in range(bits.shape[0]):
        for n in range(bits.shape[1]):
            if valid.shape[1] == 0 or valid[s, n]:
                rising = _rising(bits[s, n])
                own = slot[s, rising >> np.uint32(16)]
                if own:
                    inside[s, own, (rising >> np.uint32(_LEFT_BITS)) & np.uint32(_NEXT - 1)] += 1


class WholeQuantiles:
    """Of one component of whole numbers, few of which differ."""

    def __init__(self) -> None:
        self._values = np.empty(0, np.int64)
        self._times = np.empty(0, np.int64)

    def count(self, planes: Planes, valid: Mask | None) -> None:
        """As in `Quantiles`."""
        held = planes[0] if valid is None else planes[0, valid[0]]
        values, times = np.unique(held, return_counts=True)
        both = np.concatenate([self._values, values])
        self._values, place = np.unique(both, return_inverse=True)
        before, self._times = self._times, np.zeros(len(self._values), np.int64)
        np.add.at(self._times, place, np.concatenate([before, times]))

    def refine(self, planes: Planes, valid: Mask | None) -> None:
        """Nothing is left to be counted."""

    def values(self) -> dict[str, F64]:
        """As in `Quantiles`."""
        above = np.cumsum(self._times)
        found = {}
        for name, q in QUANTILES.items():
            place = q * (above[-1] - 1)
            low, high = self._values[
                np.searchsorted(above, [np.floor(place), np.ceil(place)], side="right")
            ].astype(np.float64)
            found[name] = np.array([low + (high - low) * (place - np.floor(place))])
        return found


class RunQuantiles:
    """Of one component that counts up by one, episode behind episode."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._count = 0

    def count(self, planes: Planes, valid: Mask | None) -> None:
        """As in `Quantiles`."""
        if self._first is None:
            self._first = int(planes[0, 0])
        self._count += planes.shape[1]

    def refine(self, planes: Planes, valid: Mask | None) -> None:
        """Nothing is left to be counted."""

    def values(self) -> dict[str, F64]:
        """As in `Quantiles`."""
        first = self._first or 0
        return {name: np.array([first + q * (self._count - 1)]) for name, q in QUANTILES.items()}
