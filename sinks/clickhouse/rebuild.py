"""Every table of ClickHouse anew from the lake: filled beside the old ones, then swapped.

Frames come from the segments, everything else from the records that the archive and the lake sink
keep: the same code makes the same rows of them. What the lake does not hold yet comes from the log
behind it. All of it may be broken off and run again: every row is keyed, what is done is noted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clickhouse_connect.driver.client import Client
from obstore.store import ObjectStore

from schemas.canonical import CanonicalChunk
from sinks.archive.read import LOG_ROOT, held, reach
from sinks.archive.table import decode_range
from sinks.clickhouse.beside import Beside
from sinks.clickhouse.block import Block
from sinks.clickhouse.sink import ClickHouseSink
from sinks.lake.read import read_chunks, session_folders
from sinks.objects import read_object
from sinks.record import Place, Record
from sinks.spans import SpanReader, Spans

NOTED_TOGETHER = 64
"""Parts that are noted as done behind one insert: few inserts where sessions are short."""

Told = Callable[[str, int, int], None]
"""Told what is worked on, parts done, parts in all."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild has done.

    Attributes:
        rows: of each table, each once, as they came from the lake and the log behind it.
        parts: sessions and archived objects in the lake.
        parts_before: of them, those that an earlier run had done.
        log_records: read from the log, behind what the lake holds.
        seconds: it took.
    """

    rows: dict[str, int]
    parts: int
    parts_before: int
    log_records: int
    seconds: float

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


class Log:
    """The log behind the lake: what is there and not at rest in objects yet.

    Args:
        reader: of the topics.
        topics: names or patterns that the ClickHouse sink follows.
        lake_reached: how far the lake sink has come in a partition of canonical frames.
        build_sink: makes a ClickHouse sink that announces what it stores.
    """

    def __init__(
        self,
        reader: SpanReader,
        topics: Sequence[str],
        lake_reached: Callable[[Sequence[Place]], dict[Place, int]],
        build_sink: Callable[[Client], ClickHouseSink],
    ) -> None:
        self._reader = reader
        self._lake_reached = lake_reached
        self._build_sink = build_sink
        self._places = [place for place in reader.places() if is_one_of(place.topic, topics)]

    def reached(self, store: ObjectStore, frames_topic: str) -> dict[Place, int]:
        """For each partition the first record that the lake may lack."""
        framed = [place for place in self._places if place.topic == frames_topic]
        others = [place for place in self._places if place.topic != frames_topic]
        return {**self._lake_reached(framed), **{p: reach(store, p) for p in others}}

    def behind(self, starts: dict[Place, int]) -> dict[Place, tuple[int, int]]:
        """From these offsets to the end as it is now."""
        marks = self._reader.watermarks(self._places)
        return {p: (max(starts.get(p, 0), low), high) for p, (low, high) in marks.items()}

    def fill(self, client: Client, spans: Spans) -> int:
        """Insert these records; returns how many they were."""
        filler, count = _Filler(client), 0
        for record in self._reader.read(spans):
            filler.record(record)
            count += 1
        filler.flush()
        return count

    def take(self, client: Client, spans: Spans) -> int:
        """Insert these records as the sink does, and announce anew what it stores."""
        sink, count = self._build_sink(client), 0
        for record in self._reader.read(spans):
            sink.take(record)
            count += 1
        sink.settle(final=True)
        return count


def rebuild(
    beside: Beside,
    store: ObjectStore,
    topics: Sequence[str],
    frames_topic: str,
    log: Log | None,
    told: Told,
) -> Rebuilt:
    """Restore every table.

    Args:
        beside: the database that is filled and then swapped.
        store: the lake.
        topics: names or patterns that the ClickHouse sink follows.
        frames_topic: the one whose records lie in segments.
        log: what comes behind the lake; None restores the lake alone.
        told: hears how far it is.
    """
    begun_s = time.monotonic()
    state = beside.state()
    before = {name for name, value in state.items() if value == "done"}
    starts = _noted_starts(state)
    if log is not None and not starts:
        # Before the lake is listed: what is sealed from here on comes from the log, too.
        starts = log.reached(store, frames_topic)
        beside.note(
            {f"from:{place.topic}:{place.partition}": str(at) for place, at in starts.items()}
        )
    parts = [
        *session_folders(store),
        *(part.key for part in held(store, LOG_ROOT) if is_one_of(part.place.topic, topics)),
    ]
    if "filled" not in state:
        _fill(beside, store, parts, before, told)
    first: Spans = log.behind(starts) if log else {}
    records = log.fill(beside.client, first) if log and "filled" not in state else 0
    rows = beside.rows()
    beside.swap()
    if log is not None:
        # What the sink has put into the old tables meanwhile; episodes that ended are counted anew.
        ends = starts if "filled" in state else {place: stop for place, (_, stop) in first.items()}
        records += log.take(beside.main, log.behind(ends))
    beside.drop()
    taken_s = round(time.monotonic() - begun_s, 1)
    return Rebuilt(rows, len(parts), len(before & set(parts)), records, taken_s)


def is_one_of(topic: str, topics: Sequence[str]) -> bool:
    """Whether a topic is named, or matched by a pattern that begins with `^`."""
    return any(re.match(t, topic) if t.startswith("^") else t == topic for t in topics)


class _Filler:
    """Inserts what it is given, block by block."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._block = Block()

    def record(self, record: Record) -> None:
        self._block.add(record)
        if self._block.is_full:
            self.flush()

    def chunk(self, chunk: CanonicalChunk) -> None:
        self._block.add_chunk(chunk)
        if self._block.is_full:
            self.flush()

    def flush(self) -> None:
        for name, table in self._block.tables().items():
            self._client.insert_arrow(name, table, settings={"optimize_on_insert": 0})
        self._block = Block()


def _fill(
    beside: Beside, store: ObjectStore, parts: Sequence[str], before: set[str], told: Told
) -> None:
    filler = _Filler(beside.client)
    whole: list[str] = []
    for number, part in enumerate(parts):
        told(part, number, len(parts))
        if part in before:
            continue
        if part.startswith(f"{LOG_ROOT}/"):
            for record in decode_range(read_object(store, part)):
                filler.record(record)
        else:
            for chunk in read_chunks(store, part):
                filler.chunk(chunk)
        whole.append(part)
        if len(whole) >= NOTED_TOGETHER:
            filler.flush()
            beside.note(dict.fromkeys(whole, "done"))
            whole.clear()
    filler.flush()
    beside.note(dict.fromkeys(whole, "done"))
    told("", len(parts), len(parts))


def _noted_starts(state: dict[str, str]) -> dict[Place, int]:
    found = {}
    for name, value in state.items():
        if name.startswith("from:"):
            _, topic, partition = name.split(":")
            found[Place(topic, int(partition))] = int(value)
    return found
