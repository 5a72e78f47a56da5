"""What of `canonical.frames` is on its way to a store; each record is read by one audit alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from confluent_kafka import Message

from deploy.audit.kafka import AuditReader
from deploy.audit.raw import Place
from schemas.codec import decode
from schemas.redrive import Origin
from schemas.registry import packaged
from schemas.topics import CANONICAL_FRAMES

CLICKHOUSE_SINK = "sink-clickhouse"
LAKE_SINK = "sink-lake"


@dataclass
class Tail:
    """Records of `canonical.frames` that a sink has not committed: their origins and episodes."""

    origins: list[Origin] = field(default_factory=list)
    episodes: set[tuple[str, str]] = field(default_factory=set)


class Waiting(NamedTuple):
    """A record that a sink may not have committed; no origin of a boundary."""

    offset: int
    origin: Origin | None
    episode: tuple[str, str] | None


class Tails:
    """The records behind what both sinks have committed, as far as they were read."""

    def __init__(self) -> None:
        self._waiting: dict[Place, deque[Waiting]] = {}
        self._read_to: dict[Place, int] = {}

    def read(self, reader: AuditReader) -> tuple[Tail, Tail]:
        """What is on its way to ClickHouse, and to the lake."""
        places = reader.places(CANONICAL_FRAMES)
        ends = reader.watermarks(places)
        positions = [reader.committed(group, places) for group in (CLICKHOUSE_SINK, LAKE_SINK)]
        starts = {p: max(min(at[p] for at in positions), ends[p][0]) for p in places}
        unread = self._unread(starts, ends)
        for message in reader.read(unread):
            self._waiting[message.topic(), message.partition()].append(_waiting(message))
        self._read_to = {place: stop for place, (_, stop) in unread.items()}
        return self._tail(positions[0]), self._tail(positions[1])

    def _unread(
        self, starts: Mapping[Place, int], ends: Mapping[Place, tuple[int, int]]
    ) -> dict[Place, tuple[int, int]]:
        """What is still to be read; what nobody waits for any more is forgotten."""
        spans = {}
        for place, start in starts.items():
            stop = ends[place][1]
            known = self._waiting.setdefault(place, deque())
            read_to = self._read_to.get(place, start)
            if not start <= read_to <= stop:
                known.clear()
                read_to = start
            while known and (known[0].offset < start or known[-1].offset >= read_to):
                # Of a reading that was broken off nothing counts.
                known.popleft() if known[0].offset < start else known.pop()
            spans[place] = (read_to, stop)
        return spans

    def _tail(self, committed: Mapping[Place, int]) -> Tail:
        tail = Tail()
        for place, waiting in self._waiting.items():
            for one in waiting:
                if one.offset >= committed[place]:
                    if one.origin is not None:
                        tail.origins.append(one.origin)
                    if one.episode is not None:
                        tail.episodes.add(one.episode)
        return tail


def _waiting(message: Message) -> Waiting:
    # Not as arrays: of a chunk only its name and its origin are looked at.
    schema, fact = decode(message.value(), packaged())
    origin = None
    if schema.name == "canonical_chunk":
        origin = (fact["source_topic"], fact["source_partition"], fact["source_offset"])
    episode = None if fact["episode"] is None else (fact["episode"], fact["processing_id"])
    return Waiting(message.offset(), origin, episode)
