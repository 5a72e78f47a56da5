"""The archive sink: ranges of raw records are put, then committed.

A range's key is its first offset, and it is put only where nothing lies. So wherever the process
ends, what was put counts: the next one looks how far the archive reaches where it begins to read,
or finds the key taken, and goes on behind it. Objects never overlap, and together they hold every
record that was committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from obstore.store import ObjectStore

from sinks.archive.ranges import Range, Ranges
from sinks.archive.read import holding, range_key
from sinks.archive.table import decode_range, encode_range
from sinks.measure import WRITE_SECONDS
from sinks.objects import put_once, read_object, store_may_recover
from sinks.patience import Patience
from sinks.record import Place, Record

NAME = "archive"


class OtherLogError(RuntimeError):
    """The archive holds other records under a partition's name; they are not overwritten."""


class ArchiveSink:
    """Gathers each partition's records into ranges and puts them."""

    def __init__(self, store: ObjectStore, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self.reset()

    def take(self, record: Record) -> None:
        """Add a record; a complete range is put at once."""
        if not self._ranges.knows(record.place):
            look = partial(holding, self._store, record.place, record.offset)
            there = self._patience.attempt("the object store", look, store_may_recover)
            self._ranges.archived(record.place, behind(there, [record]))
        for complete in self._ranges.take(record):
            self._put(complete)

    def settle(self, final: bool) -> Mapping[Place, int]:
        """On a clean stop open ranges are put as they are; what was put is at rest."""
        if final:
            for part in self._ranges.drain():
                self._put(part)
        return self._ranges.needed()

    def oldest_ms(self) -> int | None:
        """When the oldest record that is not at rest was appended."""
        return self._ranges.oldest_ms()

    def reset(self) -> None:
        """Drop open ranges."""
        self._ranges = Ranges()

    def _put(self, part: Range) -> None:
        with WRITE_SECONDS.labels(NAME).time():
            records = part.records
            while records:
                archived = self._patience.attempt(
                    "the object store", partial(self._put_once, records), store_may_recover
                )
                self._ranges.archived(part.place, archived)
                records = [record for record in records if record.offset >= archived]

    def _put_once(self, records: list[Record]) -> int:
        """Put a range, or find one there; returns the offset behind what lies there."""
        key = range_key(records[0].place, records[0].offset)
        data = encode_range(records)
        stored = put_once(self._store, key, data)
        if stored.created:
            return records[-1].offset + 1
        return behind(list(decode_range(read_object(self._store, key))), records)


def behind(archived: Sequence[Record], read: Sequence[Record]) -> int:
    """The offset behind what is archived, of which the records read must not differ."""
    known = {record.offset: record for record in archived}
    for record in read:
        if known.get(record.offset, record) != record:
            raise OtherLogError(
                f"{record.place}@{record.offset} is archived as another record: the topic was made "
                "anew. Give the archive another folder, or the topic another name."
            )
    return archived[-1].offset + 1 if archived else read[0].offset
