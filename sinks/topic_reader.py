"""Reads topics without a group: from now, a time or the beginning; commits nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Event

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from schemas.bad_batch import is_bad_batch
from schemas.topics import MAX_RECORD_BYTES
from sinks.consumer import broker_may_recover, step_over
from sinks.record import Place, Record, record_of

POLL_S = 0.2


@dataclass(frozen=True)
class Start:
    """Where a subscriber begins: now, at the topic's beginning, or at a log time.

    Attributes:
        ms: log time, Unix ms; None: `beginning` decides.
        beginning: all that the broker still has, instead of what comes from now on.
    """

    ms: int | None = None
    beginning: bool = False

    @staticmethod
    def now() -> Start:
        """Only what comes from now on."""
        return Start()

    @staticmethod
    def at(ms: int) -> Start:
        """Everything that was appended at this time or later."""
        return Start(ms=ms)


def read(
    bootstrap: str, starts: Mapping[str, Start], stop: Event | None = None
) -> Iterator[Record]:
    """Records of every partition of some topics, each partition in its order.

    Args:
        bootstrap: the broker.
        starts: where to begin, by topic.
        stop: ends it.

    Raises:
        LookupError: there is no such topic.
        KafkaException: the broker will not let this be read.
    """
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "kinebus-subscribe",
        "enable.auto.commit": False,
        "enable.partition.eof": False,
        "fetch.message.max.bytes": MAX_RECORD_BYTES,
    }
    consumer = Consumer(settings)
    try:
        places = [_places(consumer, topic, start) for topic, start in starts.items()]
        consumer.assign([place for own in places for place in own])
        while stop is None or not stop.is_set():
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield record_of(message)
            elif is_bad_batch(error):
                place = Place(message.topic(), message.partition())
                step_over(consumer, settings, place, message.offset())
            elif not broker_may_recover(error):
                raise KafkaException(error)
    finally:
        consumer.close()


def _places(consumer: Consumer, topic: str, start: Start) -> list[TopicPartition]:
    known = consumer.list_topics(topic, timeout=10).topics[topic]
    if known.error is not None or not known.partitions:
        raise LookupError(f"no topic {topic!r}: is the stack running?")
    if start.ms is None:
        offset = OFFSET_BEGINNING if start.beginning else OFFSET_END
        return [TopicPartition(topic, number, offset) for number in known.partitions]
    asked = [TopicPartition(topic, number, start.ms) for number in known.partitions]
    found: list[TopicPartition] = consumer.offsets_for_times(asked, timeout=10)
    return [TopicPartition(topic, one.partition, one.offset if one.offset >= 0 else OFFSET_END)
            for one in found]  # fmt: skip
