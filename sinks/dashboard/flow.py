"""What comes in and what comes out: each raw partition's end, and how far each reader has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.topics import (
    CANONICAL_FRAMES,
    DEAD_LETTER_PREFIX,
    EPISODES,
    QUALITY_REPORTS,
    RAW_PREFIX,
    READERS,
    vendor_of,
)
from sinks.dashboard.feed import Document

TIMEOUT_S = 10.0
Place = tuple[str, int]
Offsets = Mapping[Place, int]


class Flow:
    """Asks the broker; what came before the first look does not count.

    Args:
        bootstrap: the broker.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._first: dict[Place, int] = {}
        self._consumers: dict[str, Consumer] = {}

    def look(self) -> Document:
        """Records by maker since the first look, and the backlog of each reader."""
        try:
            return self._look()
        except KafkaException as error:
            return {"away": str(error)[:300]}

    def close(self) -> None:
        """Drop the connections."""
        for consumer in self._consumers.values():
            consumer.close()

    def _look(self) -> Document:
        ends = self._ends()
        raw = {place: end for place, end in ends.items() if place[0].startswith(RAW_PREFIX)}
        reached = self._committed("streams", list(raw))
        makers: dict[str, dict[str, int]] = defaultdict(
            lambda: {"in": 0, "done": 0, "in_flight": 0, "letters": 0}
        )
        for place, end in raw.items():
            done = max(reached.get(place, 0), 0)
            first = self._first.setdefault(place, min(done, end))
            maker = makers[vendor_of(place[0])]
            maker["in"] += end - first
            maker["done"] += done - first
            maker["in_flight"] += end - done
        for place, end in ends.items():
            if place[0].startswith(DEAD_LETTER_PREFIX):
                first = self._first.setdefault(place, end)
                makers[vendor_of(place[0])]["letters"] += end - first
        return {"makers": dict(sorted(makers.items())), "readers": self._backlogs(ends, reached)}

    def _backlogs(self, ends: Offsets, streams: Offsets) -> dict[str, int]:
        """Records that each reader has not committed."""
        found = {}
        for group, wanted in READERS.items():
            places = [
                place
                for place in ends
                if place[0] in wanted or (RAW_PREFIX in wanted and place[0].startswith(RAW_PREFIX))
            ]
            reached = streams if group == "streams" else self._committed(group, places)
            found[group] = sum(ends[p] - max(reached.get(p, 0), 0) for p in places)
        return found

    def _ends(self) -> dict[Place, int]:
        """The offset behind the last record of every partition, by one request."""
        wanted = {CANONICAL_FRAMES, QUALITY_REPORTS, EPISODES}
        topics = self._admin.list_topics(timeout=TIMEOUT_S).topics
        asked = {
            TopicPartition(name, partition): OffsetSpec.latest()
            for name, meta in topics.items()
            if name in wanted or name.startswith((RAW_PREFIX, DEAD_LETTER_PREFIX))
            for partition in meta.partitions
        }
        answers = self._admin.list_offsets(asked, request_timeout=TIMEOUT_S)
        return {(one.topic, one.partition): f.result().offset for one, f in answers.items()}

    def _committed(self, group: str, places: Sequence[Place]) -> dict[Place, int]:
        """What a group has committed; asked by a consumer that never joins it."""
        asked = [TopicPartition(*place) for place in places]
        found = self._consumer(group).committed(asked, timeout=TIMEOUT_S) if asked else []
        return {(one.topic, one.partition): one.offset for one in found}

    def _consumer(self, group: str) -> Consumer:
        if group not in self._consumers:
            self._consumers[group] = Consumer(
                {
                    "bootstrap.servers": self._bootstrap,
                    "group.id": group,
                    "enable.auto.commit": False,
                }
            )
        return self._consumers[group]
