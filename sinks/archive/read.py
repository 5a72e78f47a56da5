"""Reads the raw archive back: which offsets it holds, and their records as Kafka gave them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from obstore.store import ObjectStore

from sinks.archive.ranges import MAX_RECORDS
from sinks.archive.table import decode_range, last_offset
from sinks.objects import list_keys, read_object
from sinks.parquet import read_footer
from sinks.record import Place, Record

ROOT = "raw"


class Held(NamedTuple):
    """An object of the archive: where its records begin."""

    place: Place
    first_offset: int
    key: str


def range_key(place: Place, first_offset: int) -> str:
    """The object of the range that begins at an offset."""
    return f"{ROOT}/{place.topic}/{place.partition:05d}/{first_offset:020d}.parquet"


def held(store: ObjectStore, topic: str | None = None) -> list[Held]:
    """All objects of the archive, or of a topic, by partition and offset."""
    found = []
    for key, _ in list_keys(store, f"{ROOT}/{topic}" if topic else ROOT):
        _, name, partition, file = key.split("/")
        found.append(Held(Place(name, int(partition)), int(file.removesuffix(".parquet")), key))
    return sorted(found)


def holding(store: ObjectStore, place: Place, offset: int) -> list[Record]:
    """The records of the object that holds this offset; none where no object does."""
    earliest = range_key(place, max(offset - MAX_RECORDS, 0))
    own = range_key(place, offset)
    folder = own.rsplit("/", 1)[0]
    near = [(key, size) for key, size in list_keys(store, folder) if earliest <= key <= own]
    if not near or last_offset(read_footer(store, *max(near))) < offset:
        return []
    return list(decode_range(read_object(store, max(near)[0])))


def read_records(
    store: ObjectStore, place: Place, start: int = 0, stop: int | None = None
) -> Iterator[Record]:
    """The archived records of a partition with start ≤ offset < stop, in order."""
    objects = [part for part in held(store, place.topic) if part.place == place]
    for i, part in enumerate(objects):
        ends_before = i + 1 < len(objects) and objects[i + 1].first_offset <= start
        if ends_before or (stop is not None and part.first_offset >= stop):
            continue
        for record in decode_range(read_object(store, part.key)):
            if record.offset >= start and (stop is None or record.offset < stop):
                yield record
