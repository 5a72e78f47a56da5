"""A log like Kafka's, its clock, and consumer groups that commit by generation."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from streams.records import PlainRecord

Place = tuple[str, int]
PARTITIONS = 2


class Clock:
    """The time of everything; stands in for the module `time`, too."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def time(self) -> float:
        return self.ms / 1000

    def time_ns(self) -> int:
        return self.ms * 1_000_000

    def monotonic(self) -> float:
        return self.ms / 1000


class Log:
    """Partitions of records; offsets never change, compaction leaves holes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.places: dict[Place, list[PlainRecord]] = defaultdict(list)
        self._ends: dict[Place, int] = defaultdict(int)

    def append(self, topic: str, partition: int, key: Any, value: Any, headers: Any = ()) -> int:
        place = (topic, partition)
        offset = self._ends[place]
        self._ends[place] += 1
        record = PlainRecord(topic, partition, offset, self.clock.ms, key, value, headers)
        self.places[place].append(record)
        return offset

    def end(self, place: Place) -> int:
        return self._ends[place]

    def read(self, place: Place, start: int, count: int) -> list[PlainRecord]:
        """The first records from an offset on."""
        records = self.places[place]
        if len(records) == self._ends[place]:
            return records[start : start + count]
        return [record for record in records if record.offset >= start][:count]

    def compact(self, place: Place, rng: random.Random) -> None:
        """Of what lies before a point keep the last record of each key."""
        records = self.places[place]
        active = len(records) - rng.randrange(4) - 1
        last = {record.key: record.offset for record in records}
        self.places[place] = [
            record
            for i, record in enumerate(records)
            if i >= active or last[record.key] == record.offset
        ]


class Membership(NamedTuple):
    """What a member holds in a generation."""

    generation: int
    places: tuple[Place, ...]


class Group:
    """A consumer group: who has which partition, and what is committed."""

    def __init__(self) -> None:
        self.generation = 0
        self.committed: dict[Place, int] = defaultdict(int)
        self._members: dict[Any, Membership] = {}

    def rebalance(self, members: Iterable[Any], places: Iterable[Place], rng: Any) -> None:
        """Deal the partitions out anew; nobody else is in the group any longer."""
        self.generation += 1
        held: dict[Any, list[Place]] = {member: [] for member in members}
        for place in places:
            held[rng.choice(list(held))].append(place)
        self._members = {m: Membership(self.generation, tuple(p)) for m, p in held.items()}

    def membership(self, member: Any) -> Membership | None:
        return self._members.get(member)

    def commit(self, member: Any, generation: int, place: Place, offset: int) -> bool:
        """As the coordinator does: refused of whoever is not in this generation."""
        known = self._members.get(member)
        if known is None or known.generation != generation:
            return False
        self.committed[place] = offset
        return True
