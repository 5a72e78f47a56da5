"""Sets of whole numbers that mostly come in a row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class Intervals:
    """A set of integers as disjoint rising [start, stop)."""

    __slots__ = ("_starts", "_stops")

    def __init__(self, ranges: Iterable[Iterable[int]] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for start, stop in sorted((a, b) for a, b in ranges):
            if self._stops and start <= self._stops[-1]:
                self._stops[-1] = max(self._stops[-1], stop)
            else:
                self._starts.append(start)
                self._stops.append(stop)

    def __contains__(self, number: int) -> bool:
        i = bisect_right(self._starts, number) - 1
        return i >= 0 and number < self._stops[i]

    def add(self, number: int) -> None:
        """Put a number in."""
        stops = self._stops
        if stops and stops[-1] == number:
            stops[-1] = number + 1
        elif not stops or stops[-1] < number:
            self._starts.append(number)
            stops.append(number + 1)
        elif number not in self:
            self._insert(number)

    def _insert(self, number: int) -> None:
        ranges = [*self.ranges(), (number, number + 1)]
        merged = Intervals(ranges)
        self._starts, self._stops = merged._starts, merged._stops

    def ranges(self) -> list[tuple[int, int]]:
        """The set as disjoint rising [start, stop)."""
        return list(zip(self._starts, self._stops, strict=True))
