"""How sinks consume: settings that keep the broker's work low, and what they make of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition

from schemas.bad_batch import end_of_batch
from schemas.topics import MAX_RECORD_BYTES
from sinks.record import Place

_log = structlog.get_logger()

_PASSING = frozenset(
    (
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    )
)


def consumer_settings(bootstrap: str, group: str, worker: int) -> dict[str, Any]:
    """The consumer's settings.

    A static member of a classic group is back within a second of a kill; few large fetches keep
    the broker's work low, which goes with requests and not with bytes.
    """
    return {
        "bootstrap.servers": bootstrap,
        "client.id": f"{group}-{worker}",
        "group.id": group,
        "group.instance.id": f"{group}-{worker}",
        "group.protocol": "classic",
        "partition.assignment.strategy": "range",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        "reconnect.backoff.max.ms": 1_000,
        "topic.metadata.refresh.interval.ms": 10_000,
        "fetch.min.bytes": 1_000_000,
        "fetch.wait.max.ms": 250,
        "max.partition.fetch.bytes": MAX_RECORD_BYTES,
        "fetch.max.bytes": 2 * MAX_RECORD_BYTES,
        "receive.message.max.bytes": 3 * MAX_RECORD_BYTES,
        "queued.max.messages.kbytes": 32 * 1024,
        "queued.min.messages": 2_000,
    }


def broker_may_recover(error: KafkaError) -> bool:
    """Whether an error may pass by itself: the broker is away, starting, or not ready for us."""
    return not error.fatal() and (error.retriable() or error.code() in _PASSING)


def step_over(consumer: Consumer, settings: Mapping[str, Any], place: Place, first: int) -> int:
    """Go on behind a batch that no client can open.

    Args:
        consumer: the one that got the error.
        settings: its settings.
        place: the partition.
        first: the offset that the error named.

    Returns:
        The offset behind the batch; the next record shows the gap.
    """
    end = end_of_batch(settings, place.topic, place.partition, first)
    _log.error("a batch is skipped", at=f"{place}@{first}", offsets=end - first)
    consumer.seek(TopicPartition(place.topic, place.partition, end))
    return end
