"""Which records were in work when a worker ended, and what follows from it.

A record is under suspicion from the first end on: its partition is then worked on in single steps
up to it, each with its own snapshot, so that what ends the process shows in the very step. At the
third end it is refused as `crashed`, unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from schemas.codec import encode
from schemas.registry import packaged
from schemas.topics import STREAMS_STATE
from streams.records import Output, RawRecord

MAX_ENDS = 3
MAX_SUSPECTS = 64

R = TypeVar("R", bound=RawRecord)


class Suspects(NamedTuple):
    """The suspects of one raw partition: how often each was in work at an end, by its offset."""

    topic: str
    partition: int
    ends: dict[int, int]

    def ended_at(self, offset: int, first: int) -> Suspects:
        """After one more end, while the record at this offset was in work.

        first: where reading goes on; what lies before is done with.
        """
        ends = {at: count for at, count in self.ends.items() if at >= first and at != offset}
        newest = dict(sorted(ends.items())[-(MAX_SUSPECTS - 1) :])
        return self._replace(ends={**newest, offset: self.ends.get(offset, 0) + 1})

    def ahead(self, offset: int) -> bool:
        """Whether there is one at this offset or behind it."""
        return any(at >= offset for at in self.ends)

    @property
    def crashed(self) -> frozenset[int]:
        """Offsets of records that are refused unread."""
        return frozenset(at for at, count in self.ends.items() if count >= MAX_ENDS)

    def steps(self, records: Sequence[R]) -> Iterator[Sequence[R]]:
        """The records in the runs to work on: one by one up to the last suspect, then the rest."""
        last = max(self.ends, default=-1)
        single = sum(record.offset <= last for record in records)
        yield from ((record,) for record in records[:single])
        if single < len(records):
            yield records[single:]


def suspects_output(suspects: Suspects, version: int) -> Output:
    """The note on `streams.state`, which the next worker reads with the snapshots."""
    record = {
        "version": version,
        "topic": suspects.topic,
        "partition": suspects.partition,
        "offsets": list(suspects.ends),
        "ends": list(suspects.ends.values()),
    }
    key = f"!{suspects.topic}/{suspects.partition}".encode()
    value = encode(packaged().named("suspects"), record)
    return Output(STREAMS_STATE, suspects.partition, key, value)
