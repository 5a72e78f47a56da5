"""A producer like librdkafka's as far as the SDK goes, with a broker that one can pull."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from producers.sdk.link import Link

_LINKS: list[Link] = []


def close_links() -> None:
    """End the threads of all links that fakes have given out."""
    while _LINKS:
        _LINKS.pop().close()


@dataclass
class FakeKafka:
    """The broker's side, shared by all producers made for it.

    Attributes:
        partitions: of every topic; 0 = no such topic.
        up: whether the broker answers.
        room: messages a producer's queue takes.
        log: what arrived, in order: (topic, partition, key, value, headers).
        refuse_next: delivery reports that will be errors.
    """

    partitions: int = 4
    up: bool = True
    room: int = 1_000
    log: list[tuple[str, int, bytes, bytes, dict[str, bytes]]] = field(default_factory=list)
    refuse_next: int = 0
    fatal_next: bool = False
    made: int = 0

    def link(self) -> Link:
        link = Link("fake", make=self._make)
        _LINKS.append(link)
        return link

    def sequences(self) -> list[tuple[str, int]]:
        """Session and sequence of all that arrived."""
        return [(h["session"].decode(), int(h["sequence"])) for *_, h in self.log]

    def _make(self, config: dict[str, Any]) -> FakeProducer:
        self.made += 1
        return FakeProducer(self)


class FakeProducer:
    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka
        self._queue: deque[tuple[Any, Any]] = deque()
        self._lock = threading.Lock()

    def produce(self, topic, value, key, partition, on_delivery, headers):
        with self._lock:
            if self._kafka.fatal_next:
                self._kafka.fatal_next = False
                raise KafkaException(KafkaError(KafkaError._FATAL, "fenced", fatal=True))
            if len(self._queue) >= self._kafka.room:
                raise BufferError
            self._queue.append(((topic, partition, key, value, dict(headers)), on_delivery))

    def poll(self, timeout: float) -> int:
        with self._lock:
            due = list(self._queue) if self._kafka.up else []
            if due:
                self._queue.clear()
        for message, on_delivery in due:
            if self._kafka.refuse_next:
                self._kafka.refuse_next -= 1
                on_delivery(KafkaError(KafkaError.INVALID_RECORD), None)
            else:
                self._kafka.log.append(message)
                on_delivery(None, None)
        return len(due)

    def purge(self) -> None:
        with self._lock:
            due = list(self._queue)
            self._queue.clear()
        for _, on_delivery in due:
            on_delivery(KafkaError(KafkaError._PURGE_QUEUE), None)

    def list_topics(self, topic: str, timeout: float) -> Any:
        if not self._kafka.up:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        unknown = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        found = SimpleNamespace(
            error=None if self._kafka.partitions else unknown,
            partitions=dict.fromkeys(range(self._kafka.partitions)),
        )
        return SimpleNamespace(topics={topic: found})
