"""What software beside the robot says: marks by frame or time, and labels of episodes.

Both return only when the broker has acknowledged the record.
"""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import KafkaException, Producer

from schemas.envelope import station_mark_headers
from schemas.events import EpisodeLabel, encode_label
from schemas.marks import Mark
from schemas.partition import partition_of
from schemas.topics import EPISODE_LABELS, raw_topic

TIMEOUT_S = 30.0


class NotDeliveredError(RuntimeError):
    """The broker did not take the record; nothing was said."""


def publish_mark(bootstrap: str, robot: str, session: str, mark: Mark) -> int:
    """Say a mark of a robot's session from outside its own connection.

    Args:
        bootstrap: Kafka's address.
        robot: `<vendor>/<serial>`.
        session: the session the robot has open, as its SDK names it.
        mark: an episode's start or end that names `at_frame` or `at_ns`; a place that is a little
            ahead, because one whose frames are out already is refused.

    Returns:
        The raw record's offset.
    """
    topic = raw_topic(robot.split("/", 1)[0])
    headers = station_mark_headers(robot, session, time.time_ns())
    return _publish(bootstrap, topic, robot, robot.encode(), mark.to_json(), headers)


def publish_label(bootstrap: str, label: EpisodeLabel) -> int:
    """Add a label revision to an episode; returns its number, the record's offset."""
    return _publish(bootstrap, EPISODE_LABELS, label.robot, label.key, encode_label(label), None)


def _publish(bootstrap: str, topic: str, robot: str, key: bytes, value: bytes, headers: Any) -> int:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all"})
    answers: list[tuple[Any, Any]] = []
    try:
        partitions = producer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        if not partitions:
            raise NotDeliveredError(f"the broker has no topic {topic}; `kinebus up` makes them")
        producer.produce(
            topic,
            value,
            key,
            partition_of(robot, len(partitions)),
            headers=headers,
            on_delivery=lambda error, message: answers.append((error, message)),
        )
        producer.flush(TIMEOUT_S)
    except KafkaException as error:
        raise NotDeliveredError(f"{topic} at {bootstrap}: {error}") from None
    if not answers or answers[0][0] is not None:
        why = answers[0][0].str() if answers else f"no answer within {TIMEOUT_S:.0f} s"
        raise NotDeliveredError(f"{topic} at {bootstrap}: {why}")
    return int(answers[0][1].offset())
