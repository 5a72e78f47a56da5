"""What stands in a raw topic, by session and sequence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.envelope import Envelope, parse_envelope
from schemas.partition import partition_of
from schemas.topics import all_topics

ROBOT = "xhumanoid/t-0001"
PROFILE = "xhumanoid-tienkung-lite@1"
PARTITIONS = 4


def chunk() -> dict[str, Any]:
    """A chunk of four frames in the vendor's form."""
    return {"FrameDuration": 0.033, "Frames": [[0.125] * 52] * 4}


def create_raw_topic(bootstrap: str, topic: str = "raw.xhumanoid") -> None:
    """Make the vendor's raw topic, unless it is there."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    if topic in admin.list_topics(timeout=10).topics:
        return
    spec = next(s for s in all_topics([topic.split(".")[1]], PARTITIONS) if s.name == topic)
    new = NewTopic(spec.name, spec.partitions, 1, config=spec.config)
    admin.create_topics([new])[spec.name].result(20)


def read_raw(bootstrap: str, topic: str = "raw.xhumanoid") -> Mapping[str, list[Envelope]]:
    """Every record of a topic so far: session -> envelopes in the order of the log."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test-reader"})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    found: dict[str, list[Envelope]] = defaultdict(list)
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, low)])
        for _ in range(high - low):
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None
            envelope = parse_envelope(message.headers())
            assert isinstance(envelope, Envelope)
            assert message.key() == envelope.robot.encode()
            assert partition == partition_of(envelope.robot, len(partitions))
            found[envelope.session].append(envelope)
    consumer.close()
    return found
