"""Reads stretches of topics from offset to offset, outside any consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.bad_batch import is_bad_batch
from schemas.topics import MAX_RECORD_BYTES
from sinks.consumer import broker_may_recover, step_over
from sinks.record import Place, Record, record_of

Spans = Mapping[Place, tuple[int, int]]
"""For each partition the first offset wanted and the one behind the last."""

TIMEOUT_S = 20.0
QUIET_S = 60.0


class SpanReader:
    """Reads what is asked for; it commits nothing."""

    def __init__(self, bootstrap: str) -> None:
        self._settings = {
            "bootstrap.servers": bootstrap,
            "group.id": "kinebus-spans",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "max.partition.fetch.bytes": MAX_RECORD_BYTES,
            "fetch.max.bytes": 2 * MAX_RECORD_BYTES,
            "receive.message.max.bytes": 3 * MAX_RECORD_BYTES,
            "queued.max.messages.kbytes": 64 * 1024,
        }
        self._consumer = Consumer(self._settings)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def places(self) -> list[Place]:
        """Every partition of every topic."""
        topics = self._consumer.list_topics(timeout=TIMEOUT_S).topics
        return sorted(
            Place(name, part) for name, meta in topics.items() for part in meta.partitions
        )

    def watermarks(self, places: Iterable[Place]) -> dict[Place, tuple[int, int]]:
        """The first offset that is still there and the one behind the last."""
        return {
            place: self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT_S)
            for place in places
        }

    def read(self, spans: Spans) -> Iterator[Record]:
        """The records of these spans, each partition in order, as far as they are there."""
        left = {place: stop for place, (start, stop) in spans.items() if start < stop}
        self._consumer.assign([TopicPartition(*place, spans[place][0]) for place in left])
        heard_s = time.monotonic()
        while left:
            messages = self._consumer.consume(500, 0.1)
            if messages:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > QUIET_S:
                raise TimeoutError(f"the broker gave nothing for {QUIET_S:.0f} s; is it up?")
            for message in messages:
                error, offset = message.error(), message.offset()
                place = Place(message.topic(), message.partition())
                at_end = error is not None and error.code() == KafkaError._PARTITION_EOF
                if error is not None and not at_end and not is_bad_batch(error):
                    if not broker_may_recover(error):
                        raise KafkaException(error)
                    continue
                if place not in left:
                    continue
                if error is None and offset < left[place]:
                    yield record_of(message)
                elif error is not None and not at_end:
                    offset = step_over(self._consumer, self._settings, place, offset) - 1
                if at_end or offset >= left[place] - 1:
                    del left[place]
                    self._consumer.incremental_unassign([TopicPartition(*place)])
        self._consumer.unassign()
