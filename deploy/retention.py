"""How far the archive is ahead of Kafka's retention: what is not archived, of what may be kept."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from deploy.lag import TIMEOUT_S, committed, watermarks
from schemas.topics import MAX_RECORD_BYTES, RAW_PREFIX

ARCHIVE = "sink-archive"
ALERT_AT = 0.5
SAMPLE = 10
"""Records whose size stands for all that wait."""


@dataclass(frozen=True)
class Headroom:
    """A raw topic's worst partition.

    Attributes:
        topic: its name.
        records: of all partitions, not archived.
        used: share of the retention, by time or by bytes whichever is worse, that they take; at 1
            Kafka drops what nobody has.
    """

    topic: str
    records: int
    used: float


@dataclass(frozen=True)
class Limits:
    """A topic's retention; None where it has no bound."""

    ms: int | None
    bytes: int | None


def archive_headroom(bootstrap: str) -> list[Headroom]:
    """Every raw topic's headroom."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    meta = admin.list_topics(timeout=TIMEOUT_S).topics
    topics = sorted(name for name in meta if name.startswith(RAW_PREFIX))
    if not topics:
        return []
    limits = topic_limits(admin, topics)
    places = [TopicPartition(name, part) for name in topics for part in meta[name].partitions]
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "kinebus-headroom",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    records: dict[str, int] = defaultdict(int)
    used: dict[str, float] = defaultdict(float)
    try:
        marks = watermarks(admin, [(place.topic, place.partition) for place in places])
        for place in committed(bootstrap, ARCHIVE, places):
            low, high = marks[place.topic, place.partition]
            start = max(place.offset, low)
            records[place.topic] += high - start
            if start < high:
                share = _share(consumer, place, start, high - start, limits[place.topic])
                used[place.topic] = max(used[place.topic], share)
    finally:
        consumer.close()
    return [Headroom(topic, records[topic], round(used[topic], 4)) for topic in topics]


def topic_limits(admin: AdminClient, topics: Iterable[str]) -> dict[str, Limits]:
    """The retention of topics, as the broker applies it."""
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
    found = {}
    for resource, answer in admin.describe_configs(asked).items():
        config = answer.result(TIMEOUT_S)
        ms, size = (int(config[name].value) for name in ("retention.ms", "retention.bytes"))
        found[resource.name] = Limits(ms if ms >= 0 else None, size if size >= 0 else None)
    return found


def _share(
    consumer: Consumer, place: TopicPartition, start: int, count: int, limits: Limits
) -> float:
    """Of the retention, how much the records from this offset on take."""
    consumer.assign([TopicPartition(place.topic, place.partition, start)])
    messages = [m for m in consumer.consume(min(count, SAMPLE), 2.0) if m.error() is None]
    consumer.unassign()
    if not messages:
        return 0.0
    by_time = by_bytes = 0.0
    if limits.ms:
        by_time = max(time.time() * 1000 - messages[0].timestamp()[1], 0) / limits.ms
    if limits.bytes:
        mean = sum(len(message) + len(message.key() or b"") for message in messages) / len(messages)
        by_bytes = mean * count / limits.bytes
    return max(by_time, by_bytes)
