"""A subscriber on a real Kafka: from the beginning, from a time, every partition, no group left."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka.admin import AdminClient

from deploy.create_topics import create_topics
from schemas.topics import TopicSpec
from sinks.topic_reader import Start, read
from tests.sink_rig import send, unique

pytestmark = pytest.mark.kafka


def taken(kafka: str, topic: str, start: Start, count: int) -> list[bytes | None]:
    stop = threading.Event()
    found = []
    for record in read(kafka, {topic: start}, stop):
        found.append(record.value)
        if len(found) == count:
            break
    return found


def test_everything_from_the_beginning_and_from_a_time(kafka: str) -> None:
    topic = unique("followed")
    create_topics(kafka, [TopicSpec(topic, 2, {"message.timestamp.type": "LogAppendTime"})])
    send(kafka, [(topic, i % 2, b"k", None, b"%d" % i) for i in range(10)])
    assert sorted(taken(kafka, topic, Start(beginning=True), 10)) == [b"%d" % i for i in range(10)]
    assert sorted(taken(kafka, topic, Start.at(0), 10)) == [b"%d" % i for i in range(10)]
    groups = AdminClient({"bootstrap.servers": kafka}).list_consumer_groups().result()
    assert "kinebus-subscribe" not in {group.group_id for group in groups.valid}


def test_a_topic_that_is_not_there_is_said(kafka: str) -> None:
    with pytest.raises(LookupError, match="no topic"):
        next(read(kafka, {unique("nowhere"): Start.now()}))
