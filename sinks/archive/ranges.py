"""Where the raw archive is cut: runs of records of one partition, by size and log time alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sinks.record import Place, Record

CUT_BYTES = 8 * 1024 * 1024
"""A range ends behind the record that fills it; every partition has one open in memory."""

CUT_MS = 60_000
"""A range ends before the record that comes this much log time after its first."""

RECORD_BYTES = 200
"""What a record costs beside its bytes, so that a minute of ticks is not counted as nothing."""

MAX_RECORDS = CUT_BYTES // RECORD_BYTES + 1
"""No range has more."""


@dataclass(slots=True)
class Range:
    """Records of one partition, in order."""

    place: Place
    records: list[Record] = field(default_factory=list)
    bytes: int = 0

    @property
    def first_offset(self) -> int:
        """Of its first record."""
        return self.records[0].offset

    def add(self, record: Record) -> None:
        """Take the next record."""
        self.records.append(record)
        self.bytes += RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
        for name, value in record.headers or ():
            self.bytes += len(name) + len(value or b"")


class Ranges:
    """The open range of every partition, and what is known to be archived."""

    def __init__(self) -> None:
        self._open: dict[Place, Range] = {}
        self._next: dict[Place, int] = {}
        self._archived: dict[Place, int] = {}

    def take(self, record: Record) -> Iterator[Range]:
        """One record; gives the range it completes, or two where it is one by itself."""
        place = record.place
        if record.offset >= self._archived.get(place, 0):
            current = self._open.get(place)
            if current and record.timestamp_ms - current.records[0].timestamp_ms >= CUT_MS:
                yield self._open.pop(place)
            current = self._open.setdefault(place, Range(place))
            current.add(record)
            if current.bytes >= CUT_BYTES:
                yield self._open.pop(place)
        self._next[place] = record.offset + 1

    def knows(self, place: Place) -> bool:
        """Whether it was said how far a partition is archived."""
        return place in self._archived

    def archived(self, place: Place, until: int) -> None:
        """Everything of a partition before this offset is at rest."""
        self._archived[place] = max(until, self._archived.get(place, 0))

    def drain(self) -> Iterator[Range]:
        """Give up what is open, complete or not."""
        while self._open:
            yield self._open.popitem()[1]

    def needed(self) -> dict[Place, int]:
        """For each partition the first record that is not at rest."""
        return self._next | {place: part.first_offset for place, part in self._open.items()}

    def oldest_ms(self) -> int | None:
        """When the oldest record that is not at rest was appended."""
        return min((part.records[0].timestamp_ms for part in self._open.values()), default=None)
