"""Place a record among its session's: new, late, or a duplicate."""

from __future__ import annotations

from enum import Enum

Ranges = tuple[tuple[int, int], ...]
"""Sequence numbers that never came, as disjoint rising [start, stop)."""

MAX_RANGES = 64


class Place(Enum):
    """Where a record stands."""

    NEW = "new"
    LATE = "late"
    DUPLICATE = "duplicate"


def place(next_sequence: int, missing: Ranges, sequence: int) -> tuple[Place, int, Ranges]:
    """Where a sequence number stands; gives the next expected one and what is missing, too.

    More than 64 holes are merged two by two: a merged range may call a duplicate late, which costs
    a row that its key replaces, and never calls a late record a duplicate.
    """
    if sequence >= next_sequence:
        if sequence > next_sequence:
            missing = _bounded((*missing, (next_sequence, sequence)))
        return Place.NEW, sequence + 1, missing
    for i, (start, stop) in enumerate(missing):
        if start <= sequence < stop:
            halves = ((start, sequence), (sequence + 1, stop))
            left = tuple(half for half in halves if half[0] < half[1])
            return Place.LATE, next_sequence, _bounded((*missing[:i], *left, *missing[i + 1 :]))
    return Place.DUPLICATE, next_sequence, missing


def still_missing(missing: Ranges, sequence: int) -> Ranges:
    """A refused record's number stays missing, so that it is welcome once it is mended."""
    return _bounded(tuple(sorted((*missing, (sequence, sequence + 1)))))


def count(missing: Ranges, since: int = 0) -> int:
    """How many sequence numbers are missing, of those from `since` on."""
    return sum(max(stop - max(start, since), 0) for start, stop in missing)


def _bounded(ranges: Ranges) -> Ranges:
    if len(ranges) <= MAX_RANGES:
        return ranges
    gaps = [ranges[i + 1][0] - ranges[i][1] for i in range(len(ranges) - 1)]
    i = gaps.index(min(gaps))
    return (*ranges[:i], (ranges[i][0], ranges[i + 1][1]), *ranges[i + 2 :])
