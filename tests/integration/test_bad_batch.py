"""A batch of 4 KB that becomes 100 MB, on a real broker: every reader steps over it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from deploy.audit.kafka import AuditReader
from deploy.create_topics import create_topics
from deploy.service import Service, running
from schemas.bad_batch import end_of_batch
from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.topics import all_topics
from sinks.archive.read import read_records
from sinks.archive.sink import ArchiveSink
from sinks.objects import open_store
from sinks.record import Place, Record
from tests import make
from tests.sink_rig import following, unique, wait_until

pytestmark = pytest.mark.kafka

BOMB_BYTES = 100_000_000
PARTITION = 3


def produce(
    bootstrap: str, topic: str, values: list[bytes], packed: bool, partition: int = 0
) -> None:
    """One batch of these values."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": "zstd" if packed else "none",
            "message.max.bytes": 2 * BOMB_BYTES,
            "batch.size": 2 * BOMB_BYTES,
            "queue.buffering.max.kbytes": 1 << 20,
            "linger.ms": 300,
        }
    )
    failed: list[KafkaError] = []
    for value in values:
        producer.produce(
            topic,
            value,
            b"k",
            partition,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
    assert producer.flush(60) == 0
    assert failed == []


def fill(bootstrap: str) -> str:
    """2 good records, a batch of 20 small ones and a bomb, 2 good, a bomb, 1 good."""
    vendor = unique("bomb")
    create_topics(bootstrap, all_topics([vendor], 1))
    topic = f"raw.{vendor}"
    bomb = bytes(BOMB_BYTES)
    produce(bootstrap, topic, [b"a", b"b"], packed=False)
    produce(bootstrap, topic, [b"small"] * 20 + [bomb], packed=True)
    produce(bootstrap, topic, [b"c", b"d"], packed=False)
    produce(bootstrap, topic, [bomb], packed=True)
    produce(bootstrap, topic, [b"e"], packed=False)
    return topic


GOOD = {0: b"a", 1: b"b", 23: b"c", 24: b"d", 26: b"e"}


def test_archive_and_audit_step_over_it(kafka: str, tmp_path: Path) -> None:
    topic = fill(kafka)
    assert end_of_batch({"bootstrap.servers": kafka}, topic, 0, 2) == 23
    assert end_of_batch({"bootstrap.servers": kafka}, topic, 0, 25) == 26
    reader = AuditReader(kafka)
    found = {m.offset(): m.value() for m in reader.read({(topic, 0): (0, 27)})}
    assert found == GOOD
    assert reader.skipped == {(topic, 0): {(2, 23), (25, 26)}}
    reader.close()

    group, store = unique("archive"), open_store(str(tmp_path))
    taken: list[int] = []

    class Watched(ArchiveSink):
        def take(self, record: Record) -> None:
            super().take(record)
            taken.append(record.offset)

    with following(kafka, group, [topic], lambda f: Watched(store, f.patience)):
        wait_until(lambda: 26 in taken, "the archive came behind the bombs")
    archived = {one.offset: one.value for one in read_records(store, Place(topic, 0))}
    assert archived == GOOD


def test_the_worker_steps_over_it(kafka: str, tmp_path: Path) -> None:
    create_topics(kafka, all_topics(["fourier"], 4))
    robot = f"fourier/{unique('bomb')}"
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": robot})
    place = TopicPartition("canonical.frames", PARTITION)
    place.offset = consumer.get_watermark_offsets(place, timeout=20)[1]
    consumer.assign([place])
    for sequence in range(4):
        if sequence == 2:
            produce(kafka, "raw.fourier", [bytes(BOMB_BYTES)], packed=True, partition=PARTITION)
        produce_chunk(kafka, robot, sequence)
    env = {"KAFKA_BOOTSTRAP": kafka, "KINEBUS_HOME": str(tmp_path), "KINEBUS_VENDORS": "fourier"}
    command = (sys.executable, "-m", "streams.app")
    worker = Service("worker", command, tmp_path / "worker.log", {**os.environ, **env})
    seen: set[int] = set()

    def all_there() -> bool:
        for message in consumer.consume(100, 0.1):
            made = decode_canonical(message.value())
            if made.robot == robot and isinstance(made, CanonicalChunk):
                seen.add(made.sequence)
        return seen == set(range(4))

    with running(worker):
        wait_until(all_there, "every chunk is canonical", 90)
    assert "a batch is skipped" in (tmp_path / "worker.log").read_text()


def produce_chunk(kafka: str, robot: str, sequence: int) -> None:
    value = make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]) + 0.1 * sequence)
    told = {"sequence": sequence, "first_frame": 2 * sequence}
    record = make.chunk("fourier", value, 2, robot=robot, **told)
    producer = Producer({"bootstrap.servers": kafka})
    headers = list(record.headers)
    producer.produce(record.topic, record.value, record.key, PARTITION, headers=headers)
    assert producer.flush(20) == 0
