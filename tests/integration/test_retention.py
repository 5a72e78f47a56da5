"""How far the archive is ahead of what Kafka drops: told, and alerted about from the half on."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.audit.running import write_last
from deploy.retention import ALERT_AT, ARCHIVE, Headroom, archive_headroom
from deploy.told import told_lines
from schemas.topics import raw_topic
from tests.sink_rig import unique

pytestmark = pytest.mark.kafka

VALUE = bytes(900)
KEY = b"r" * 100


def raw(kafka: str, **limits: str) -> str:
    """A raw topic of one partition with a retention of its own."""
    topic = raw_topic(unique("kept"))
    config = {"message.timestamp.type": "LogAppendTime", **limits}
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1, 1, config=config)])[topic].result(20)
    return topic


def send(kafka: str, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    for _ in range(count):
        producer.produce(topic, VALUE, KEY, 0)
    assert producer.flush(20) == 0


def archived(kafka: str, topic: str, offset: int) -> None:
    """The archive has committed up to here."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": ARCHIVE})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def headroom(kafka: str, topic: str) -> Headroom:
    return next(one for one in archive_headroom(kafka) if one.topic == topic)


def test_bytes_that_wait_for_the_archive_are_an_alert_from_half_of_the_retention_on(
    kafka: str, tmp_path: Path
) -> None:
    topic = raw(kafka, **{"retention.bytes": "100000"})
    send(kafka, topic, 45)
    assert headroom(kafka, topic) == Headroom(topic, 45, 0.45)
    assert alerts(kafka, topic, tmp_path) == []
    send(kafka, topic, 15)
    assert headroom(kafka, topic) == Headroom(topic, 60, 0.6)
    (alert,) = alerts(kafka, topic, tmp_path)
    assert "60%" in alert
    archived(kafka, topic, 40)
    assert headroom(kafka, topic) == Headroom(topic, 20, 0.2)
    assert alerts(kafka, topic, tmp_path) == []


def test_age_that_waits_for_the_archive_counts_as_bytes_do(kafka: str) -> None:
    topic = raw(kafka, **{"retention.ms": "60000"})
    send(kafka, topic, 1)
    time.sleep(1.0)
    used = headroom(kafka, topic).used
    assert 1.0 / 60 <= used < ALERT_AT


def alerts(kafka: str, topic: str, home: Path) -> list[str]:
    """What `kinebus status` says of a topic, behind a round of the running audit."""
    told = {"judged_to_s": 0.0, "problems": [], "records": {"in_flight": 0}}
    write_last(home, {**told, "archive": [asdict(one) for one in archive_headroom(kafka)]})
    return [line for line in told_lines(home, {}) if topic in line]
