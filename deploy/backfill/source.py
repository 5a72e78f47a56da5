"""Raw records from where they are: the archive, and behind it the topic."""

from __future__ import annotations

from collections.abc import Iterator

from obstore.store import ObjectStore

from sinks.archive.read import Head, reach, read_heads, read_records
from sinks.record import Place, Record
from sinks.spans import SpanReader
from streams.records import PlainRecord


class RawSource:
    """The raw log of every partition, from its first archived record to its end as it was.

    Args:
        store: the lake.
        reader: of the topics; None reads the archive alone.
    """

    def __init__(self, store: ObjectStore, reader: SpanReader | None) -> None:
        self._store = store
        self._reader = reader

    def heads(self, place: Place, from_ms: int) -> Iterator[Head]:
        """Offset, time and headers of the records, from about this log time on."""
        yield from read_heads(self._store, place, from_ms)
        for record in self._behind(place, 0):
            yield Head(record.offset, record.timestamp_ms, record.headers)

    def records(self, place: Place, start: int) -> Iterator[PlainRecord]:
        """The records from this offset on, in order."""
        for record in read_records(self._store, place, start):
            yield _plain(record)
        for record in self._behind(place, start):
            yield _plain(record)

    def _behind(self, place: Place, start: int) -> Iterator[Record]:
        """What the archive does not hold yet."""
        if self._reader is not None:
            low, high = self._reader.watermarks([place])[place]
            first = max(start, low, reach(self._store, place))
            yield from self._reader.read({place: (first, high)})


def _plain(record: Record) -> PlainRecord:
    return PlainRecord(
        record.place.topic,
        record.place.partition,
        record.offset,
        record.timestamp_ms,
        record.key,
        record.value,
        record.headers or [],
    )
