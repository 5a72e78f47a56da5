"""How late everything is: per consumer group and topic, in records and in age of the oldest."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.topics import MAX_RECORD_BYTES, RAW_PREFIX, READERS

TIMEOUT_S = 20.0
Place = tuple[str, int]
"""Topic and partition."""

_COMING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
"""Errors of a broker that has just started: the coordinator is on its way."""


@dataclass(frozen=True)
class GroupLag:
    """One group on one topic.

    `records` counts ticks, too. `oldest_s` is the age of the oldest record that is not committed,
    by the broker's clock; 0 when there is none.
    """

    group: str
    topic: str
    records: int
    oldest_s: float

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def measure_lag(bootstrap: str) -> list[GroupLag]:
    """The lag of every group on every topic it reads."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = admin.list_topics(timeout=TIMEOUT_S).topics
    consumer = _consumer(bootstrap)
    try:
        found = []
        for group, prefixes in READERS.items():
            wanted = [
                TopicPartition(name, partition)
                for name, meta in sorted(topics.items())
                if name.startswith(prefixes) and (name in prefixes or name.startswith(RAW_PREFIX))
                for partition in meta.partitions
            ]
            found += _group_lag(admin, consumer, group, committed(bootstrap, group, wanted))
        return found
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, wanted: Sequence[TopicPartition]) -> list[TopicPartition]:
    """What a group has committed; a partition it never committed has a negative offset.

    Asked by a consumer that names the group and never joins it: the admin client's own call ends
    the process (SIGSEGV, confluent-kafka 2.16) when the group's coordinator is not there yet.
    """
    if not wanted:
        return []
    consumer = _consumer(bootstrap, group)
    deadline = time.monotonic() + TIMEOUT_S
    try:
        while True:
            try:
                return list(consumer.committed(list(wanted), timeout=TIMEOUT_S))
            except KafkaException as error:
                if error.args[0].code() not in _COMING or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
    finally:
        consumer.close()


def watermarks(admin: AdminClient, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
    """The first offset still there and the one behind the last, all asked for at once."""
    asked = [TopicPartition(*place) for place in places]
    if not asked:
        return {}
    low, high = (
        admin.list_offsets(dict.fromkeys(asked, spec), request_timeout=TIMEOUT_S)
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
    )
    return {
        (part.topic, part.partition): (low[part].result().offset, high[part].result().offset)
        for part in asked
    }


def ends(bootstrap: str, places: Iterable[Place]) -> dict[Place, int]:
    """The offset behind the last record of each partition."""
    marks = watermarks(AdminClient({"bootstrap.servers": bootstrap}), places)
    return {place: high for place, (_, high) in marks.items()}


def _group_lag(
    admin: AdminClient, consumer: Consumer, group: str, offsets: Sequence[TopicPartition]
) -> list[GroupLag]:
    records: dict[str, int] = defaultdict(int)
    oldest: dict[str, float] = defaultdict(float)
    marks = watermarks(admin, [(where.topic, where.partition) for where in offsets])
    for where in offsets:
        low, high = marks[where.topic, where.partition]
        start = max(where.offset, low)
        records[where.topic] += high - start
        if start < high:
            age = _age_s(consumer, TopicPartition(where.topic, where.partition, start))
            oldest[where.topic] = max(oldest[where.topic], age)
    return [GroupLag(group, topic, records[topic], oldest[topic]) for topic in sorted(records)]


def _age_s(consumer: Consumer, where: TopicPartition) -> float:
    """Age of the record at an offset; 0 when it is gone before it could be read."""
    consumer.assign([where])
    message = consumer.poll(5.0)
    consumer.unassign()
    if message is None or message.error():
        return 0.0
    appended_ms: int = message.timestamp()[1]
    return max(time.time() - appended_ms / 1000.0, 0.0)


def _consumer(bootstrap: str, group: str = "kinebus-lag") -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        }
    )
