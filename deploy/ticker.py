"""Writes a tick into every raw partition each second: `python -m deploy.ticker`.

Gaps and time-outs are decided by the times of records alone. Ticks make that time go on where no
robot speaks.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Mapping

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import ClusterMetadata
from prometheus_client import Counter, start_http_server

from schemas.envelope import tick_headers
from schemas.metrics import TICKS
from schemas.settings import SettingMissingError, Settings
from schemas.topics import RAW_PREFIX

TICK_S = 1.0
LIST_TOPICS_S = 10.0
_SILENT = logging.getLogger("kinebus.ticker.librdkafka")
_log = structlog.get_logger()
_TICKS = Counter(TICKS, "Ticks that the broker has acknowledged.")

Partitions = tuple[tuple[str, int], ...]


def raw_partitions(partition_counts: Mapping[str, int]) -> Partitions:
    """Every partition of every raw topic."""
    return tuple(
        (topic, partition)
        for topic, count in sorted(partition_counts.items())
        if topic.startswith(RAW_PREFIX)
        for partition in range(count)
    )


def run(bootstrap: str, stop: threading.Event) -> None:
    """Tick until stopped; a broker that is away is waited for."""
    producer = Producer(_producer_settings(bootstrap), logger=_SILENT)
    partitions: Partitions = ()
    next_listing = next_tick = time.monotonic()
    away = False
    while not stop.wait(max(0.0, next_tick - time.monotonic())):
        next_tick = max(next_tick + TICK_S, time.monotonic())
        if time.monotonic() >= next_listing or not partitions:
            try:
                partitions = raw_partitions(_partition_counts(producer.list_topics(timeout=5.0)))
                next_listing = time.monotonic() + LIST_TOPICS_S
                if away:
                    _log.info("the broker is back", partitions=len(partitions))
                away = False
            except KafkaException as error:
                if not away:
                    _log.warning("waiting for the broker", error=error.args[0].str())
                away = True
                continue
        tick(producer, partitions, time.time_ns())
    producer.flush(2.0)


def tick(producer: Producer, partitions: Partitions, now_ns: int) -> None:
    """Send one tick to each partition."""
    headers = tick_headers(now_ns)
    for topic, partition in partitions:
        try:
            producer.produce(
                topic, b"", b"", partition, headers=headers, on_delivery=_count_delivered
            )
        except BufferError:
            break  # The broker is away and enough ticks wait for it.
    producer.poll(0)


def _count_delivered(error: KafkaError | None, _message: Message) -> None:
    if error is None:
        _TICKS.inc()


def _partition_counts(metadata: ClusterMetadata) -> dict[str, int]:
    return {name: len(topic.partitions) for name, topic in metadata.topics.items()}


def _producer_settings(bootstrap: str) -> dict[str, str | int]:
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "ticker",
        "linger.ms": 20,
        "reconnect.backoff.max.ms": 1_000,
        # A tick is of no use to anyone later: the next one says more.
        "message.timeout.ms": 3_000,
        "queue.buffering.max.messages": 10_000,
        "acks": 1,
    }


def main() -> int:
    """Tick until SIGTERM or SIGINT."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    _SILENT.addHandler(logging.NullHandler())
    _SILENT.propagate = False
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    settings = Settings()
    try:
        bootstrap = settings.require_kafka()
    except SettingMissingError as error:
        _log.error(str(error))
        return 2
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host)
    _log.info("ticking", broker=bootstrap)
    run(bootstrap, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
