"""Where the raw archive is cut: runs of records of one partition, by size and log time alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sinks.record import Place, Record

CUT_BYTES = 8 * 1024 * 1024
"""A range ends behind the record that fills it; every partition has one open in memory."""

CUT_MS = 60_000
"""A range ends before the record that comes this much log time after its first."""

MAX_OPEN_BYTES = 96 * 1024 * 1024
"""Past this the largest open range is given up as it is, however many partitions there are."""

RECORD_BYTES = 200
"""What a record costs beside its bytes, so that a minute of ticks is not counted as nothing."""


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
        self._open_bytes = 0

    def take(self, record: Record) -> Iterator[Range]:
        """One record; gives the range it completes, or two where it is one by itself."""
        place = record.place
        if record.offset >= self._archived.get(place, 0):
            yield from self._cut_by_time(record)
            current = self._open.setdefault(place, Range(place))
            before = current.bytes
            current.add(record)
            self._open_bytes += current.bytes - before
            if current.bytes >= CUT_BYTES:
                yield from self.cut(place)
            while self._open_bytes > MAX_OPEN_BYTES:
                yield from self.cut(max(self._open, key=lambda place: self._open[place].bytes))
        self._next[place] = record.offset + 1

    def pass_by(self, record: Record) -> Iterator[Range]:
        """A record that is not kept; it tells how late it is."""
        yield from self._cut_by_time(record)
        self._next[record.place] = record.offset + 1

    def cut(self, place: Place) -> Iterator[Range]:
        """Give up a partition's open range, if it has one."""
        if place in self._open:
            part = self._open.pop(place)
            self._open_bytes -= part.bytes
            yield part

    def knows(self, place: Place) -> bool:
        """Whether it was said how far a partition is archived."""
        return place in self._archived

    def archived(self, place: Place, until: int) -> None:
        """Everything of a partition before this offset is at rest."""
        self._archived[place] = max(until, self._archived.get(place, 0))

    def needed(self) -> dict[Place, int]:
        """For each partition the first record that is not at rest."""
        return self._next | {place: part.first_offset for place, part in self._open.items()}

    def oldest_ms(self) -> int | None:
        """When the oldest record that is not at rest was appended."""
        return min((part.records[0].timestamp_ms for part in self._open.values()), default=None)

    def _cut_by_time(self, record: Record) -> Iterator[Range]:
        current = self._open.get(record.place)
        if current and record.timestamp_ms - current.records[0].timestamp_ms >= CUT_MS:
            yield from self.cut(record.place)
