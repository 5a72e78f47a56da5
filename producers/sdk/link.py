"""The connection to Kafka: one idempotent producer and its thread, shared by sessions."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.envelope import Headers
from schemas.topics import MAX_RAW_BYTES

log = logging.getLogger("kinebus.sdk")

TICK_SECONDS = 0.02
PARTITIONS_KEPT_SECONDS = 10.0

OnDelivery = Callable[[Any, Any], None]

_AWAY = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.BROKER_NOT_AVAILABLE,
    }
)


class UnknownTopicError(RuntimeError):
    """The broker answers, and has no topic for this vendor."""


class LinkBrokenError(RuntimeError):
    """The link's thread met an error that nobody expected; its cause is attached."""


class Ticking(Protocol):
    """What the link's thread calls every few hundredths of a second."""

    def tick(self, now: float) -> None:
        """Do what is due at this time of the monotonic clock."""


def producer_config(bootstrap: str, linger_ms: float, compression: str) -> dict[str, Any]:
    """Settings of librdkafka.

    Records never expire in its queue: they are in the backlog anyway, and an expired one would
    only come again. Its queue's bound is the window of records in flight.
    """
    return {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "acks": "all",
        "max.in.flight.requests.per.connection": 5,
        "message.timeout.ms": 0,
        "message.max.bytes": MAX_RAW_BYTES,
        "linger.ms": linger_ms,
        "compression.type": compression,
        "batch.size": 1024 * 1024,
        "queue.buffering.max.kbytes": 64 * 1024,
        "queue.buffering.max.messages": 100_000,
        "reconnect.backoff.max.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 60_000,
    }


class Link:
    """A producer and the thread that takes its delivery reports.

    Args:
        bootstrap: Kafka's address.
        linger_ms: how long librdkafka waits to fill a request.
        compression: at 50,000 frames/s of float blocks librdkafka's thread took 0.09 core without,
            0.11 with lz4, 0.19 with zstd. None of them packs floats; any packs JSON.
        make: builds the producer; tests give their own.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        linger_ms: float = 15.0,
        compression: str = "lz4",
        make: Callable[[dict[str, Any]], Any] = Producer,
    ) -> None:
        config = producer_config(bootstrap, linger_ms, compression)
        config |= {"error_cb": self._on_error, "logger": log}
        self._make: Callable[[], Any] = partial(make, config)
        self._producer = self._make()
        self._retired: list[Any] = []
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._ticking: dict[int, Ticking] = {}
        self._partitions: dict[str, tuple[float, int]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kinebus-link", daemon=True)
        self._thread.start()

    def attach(self, ticking: Ticking) -> None:
        """Call something from the link's thread from now on."""
        with self._lock:
            self._ticking[id(ticking)] = ticking

    def detach(self, ticking: Ticking) -> None:
        """Call it no longer."""
        with self._lock:
            self._ticking.pop(id(ticking), None)

    def partitions(self, topic: str, timeout: float) -> int | None:
        """How many partitions a topic has; None when no broker answers in time.

        Raises:
            UnknownTopicError: the broker answers that there is no such topic.
        """
        kept = self._partitions.get(topic)
        if kept and time.monotonic() - kept[0] < PARTITIONS_KEPT_SECONDS:
            return kept[1]
        try:
            found = self._producer.list_topics(topic, timeout=timeout).topics[topic]
        except KafkaException as error:
            if error.args[0].code() in _AWAY:
                return None
            raise
        if found.error is not None:
            if found.error.code() in _AWAY:
                return None
            raise UnknownTopicError(
                f"topic {topic}: {found.error.str()}; has its vendor been added to this Kafka?"
            )
        self._partitions[topic] = (time.monotonic(), len(found.partitions))
        return len(found.partitions)

    def produce(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes,
        headers: Headers,
        on_delivery: OnDelivery,
    ) -> bool:
        """Hand a record over; False when librdkafka's queue is full."""
        if self._failure is not None:
            raise LinkBrokenError("the link's thread has ended") from self._failure
        producer = self._producer
        try:
            producer.produce(
                topic,
                value,
                key,
                partition,
                on_delivery=on_delivery,
                headers=headers,
            )
        except BufferError:
            return False
        except KafkaException as error:
            if error.args[0].code() != KafkaError._FATAL:
                raise
            self._renew(producer)
            return False
        return True

    def close(self) -> None:
        """Stop the thread; what was not acknowledged is reported as undelivered or forgotten."""
        self._stopped.set()
        self._thread.join()
        self._producer.purge()
        self._producer.poll(0)

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            # Told to whoever sends next: a link that stands still must not look like a slow one.
            self._failure = error
            log.exception("the link's thread has ended")

    def _serve(self) -> None:
        # Asleep between ticks: waking for each delivery report costs more than taking it.
        while not self._stopped.wait(TICK_SECONDS):
            self._producer.poll(0)
            now = time.monotonic()
            with self._lock:
                due = tuple(self._ticking.values())
                retired, self._retired = self._retired, []
            for producer in retired:
                producer.poll(0)
            for ticking in due:
                ticking.tick(now)

    def _renew(self, ended: Any) -> None:
        """A fatal error ends an idempotent producer: purge it, and go on with a new one.

        Its last reports are taken by the link's thread, since whoever calls may hold a lock that
        they need.
        """
        with self._lock:
            if self._producer is not ended:
                return
            self._producer = self._make()
            ended.purge()
            self._retired.append(ended)
        log.error("Kafka ended this producer; its unacknowledged records are sent again")

    def _on_error(self, error: Any) -> None:
        log.warning("Kafka: %s", error.str())
