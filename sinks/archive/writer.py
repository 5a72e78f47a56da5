"""Puts ranges of records where nothing lies yet, and goes on behind what another run has put."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from obstore.store import ObjectStore

from sinks.archive.ranges import Range, Ranges
from sinks.archive.read import holding, range_key
from sinks.archive.table import decode_range, encode_range
from sinks.objects import put_once, read_object, store_may_recover
from sinks.patience import Patience
from sinks.record import Record


class OtherLogError(RuntimeError):
    """The archive holds other records under a partition's name; they are not overwritten."""


class RangeWriter:
    """The ranges of a sink's partitions, and their way into the store."""

    def __init__(self, store: ObjectStore, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self.ranges = Ranges()

    def look(self, record: Record) -> None:
        """Before a partition's first record: how far is it archived already?"""
        if not self.ranges.knows(record.place):
            look = partial(holding, self._store, record.place, record.offset)
            there = self._patience.attempt("the object store", look, store_may_recover)
            self.ranges.archived(record.place, behind(there, [record]))

    def put(self, part: Range) -> None:
        """Put a range; where another run cut elsewhere, what it lacks."""
        records = part.records
        while records:
            archived = self._patience.attempt(
                "the object store", partial(self._put_once, records), store_may_recover
            )
            self.ranges.archived(part.place, archived)
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
