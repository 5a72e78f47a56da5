"""Reads the archive back: which offsets it holds, and their records as Kafka gave them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from obstore.store import ObjectStore

from schemas.headers import Headers
from schemas.topics import RAW_PREFIX
from sinks.archive.table import decode_heads, decode_range, last_ms, last_offset
from sinks.objects import list_keys, read_object
from sinks.parquet import read_footer
from sinks.record import Place, Record

RAW_ROOT = "raw"
LOG_ROOT = "log"
"""Where records of other topics lie: what is needed to make every table of ClickHouse anew."""


class Head(NamedTuple):
    """What a record says of itself without its value."""

    offset: int
    timestamp_ms: int
    headers: Headers | None


class Held(NamedTuple):
    """An object of the archive: where its records begin."""

    place: Place
    first_offset: int
    key: str


def range_key(place: Place, first_offset: int) -> str:
    """The object of the range that begins at an offset."""
    return f"{_folder(place)}/{first_offset:020d}.parquet"


def held(store: ObjectStore, root: str, topic: str | None = None) -> list[Held]:
    """All objects below a root, or of a topic of it, by partition and offset."""
    found = []
    for key, _ in list_keys(store, f"{root}/{topic}" if topic else root):
        _, name, partition, file = key.split("/")
        found.append(Held(Place(name, int(partition)), int(file.removesuffix(".parquet")), key))
    return sorted(found)


def holding(store: ObjectStore, place: Place, offset: int) -> list[Record]:
    """The records of the object that holds this offset; none where no object does."""
    own = range_key(place, offset)
    before = [(key, size) for key, size in list_keys(store, _folder(place)) if key <= own]
    if not before or last_offset(read_footer(store, *max(before))) < offset:
        return []
    return list(decode_range(read_object(store, max(before)[0])))


def reach(store: ObjectStore, place: Place) -> int:
    """The offset behind the last archived record of a partition; 0 where there is none."""
    found = list(list_keys(store, _folder(place)))
    return last_offset(read_footer(store, *max(found))) + 1 if found else 0


def read_records(
    store: ObjectStore, place: Place, start: int = 0, stop: int | None = None
) -> Iterator[Record]:
    """The archived records of a partition with start ≤ offset < stop, in order."""
    objects = [h for h in held(store, _root(place.topic), place.topic) if h.place == place]
    for i, part in enumerate(objects):
        ends_before = i + 1 < len(objects) and objects[i + 1].first_offset <= start
        if ends_before or (stop is not None and part.first_offset >= stop):
            continue
        for record in decode_range(read_object(store, part.key)):
            if record.offset >= start and (stop is None or record.offset < stop):
                yield record


def read_heads(store: ObjectStore, place: Place, from_ms: int) -> Iterator[Head]:
    """The heads of a partition's records, in order, without objects that end before a time."""
    for key, size in sorted(list_keys(store, _folder(place))):
        if last_ms(read_footer(store, key, size)) >= from_ms:
            for offset, timestamp_ms, headers in decode_heads(read_object(store, key)):
                yield Head(offset, timestamp_ms, headers)


def _root(topic: str) -> str:
    return RAW_ROOT if topic.startswith(RAW_PREFIX) else LOG_ROOT


def _folder(place: Place) -> str:
    return f"{_root(place.topic)}/{place.topic}/{place.partition:05d}"
