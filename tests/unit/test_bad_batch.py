"""Batches of a few KB that become 100 MB: librdkafka's readers step over them, and go on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer

from deploy.audit.kafka import AuditReader
from schemas.bad_batch import end_of_batch
from sinks.archive.read import read_records
from sinks.archive.sink import ArchiveSink
from sinks.objects import open_store
from sinks.record import Place, Record
from sinks.spans import SpanReader
from sinks.topic_reader import Start, read
from tests.sink_rig import following, unique, wait_until

MB = 1_000_000
TOPIC = "raw.bomb"
GOOD = {0: b"a", 1: b"b", 10: b"c", 11: b"d", 13: b"e"}


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """librdkafka's own mock: 2 good records, 8 in a bomb, 2 good, a bomb, 1 good."""
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    (one,) = cluster.list_topics(timeout=20).brokers.values()
    bootstrap = f"{one.host}:{one.port}"
    produce(bootstrap, [b"a", b"b"], packed=False)
    produce(bootstrap, [bytes(15 * MB)] * 8, packed=True)
    produce(bootstrap, [b"c", b"d"], packed=False)
    produce(bootstrap, [bytes(100 * MB)], packed=True)
    produce(bootstrap, [b"e"], packed=False)
    yield bootstrap
    del cluster


def produce(bootstrap: str, values: list[bytes], packed: bool) -> None:
    """One batch of these values."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": "zstd" if packed else "none",
            "message.max.bytes": 200 * MB,
            "batch.size": 200 * MB,
            "queue.buffering.max.kbytes": 1 << 20,
            "linger.ms": 3_000 if packed else 0,
            "log_level": 0,
        }
    )
    failed: list[KafkaError | None] = []
    for value in values:
        producer.produce(TOPIC, value, b"k", 0, on_delivery=lambda error, _: failed.append(error))
    assert producer.flush(60) == 0
    assert failed == [None] * len(values)


def test_the_end_of_a_batch_is_found_from_anywhere_in_it(broker: str) -> None:
    settings = {"bootstrap.servers": broker}
    assert [end_of_batch(settings, TOPIC, 0, first) for first in (2, 5, 9, 12)] == [10, 10, 10, 13]
    assert end_of_batch(settings, TOPIC, 0, 10) == 10


def test_the_audit_steps_over_it_and_knows_which_offsets(broker: str) -> None:
    reader = AuditReader(broker)
    found = {m.offset(): m.value() for m in reader.read({(TOPIC, 0): (0, 14)})}
    assert found == GOOD
    assert reader.skipped == {(TOPIC, 0): {(2, 10), (12, 13)}}
    reader.close()


def test_rebuild_and_backfill_step_over_it(broker: str) -> None:
    reader = SpanReader(broker)
    for stop in (14, 13, 5):
        found = {one.offset: one.value for one in reader.read({Place(TOPIC, 0): (0, stop)})}
        assert found == {offset: value for offset, value in GOOD.items() if offset < stop}
    reader.close()


def test_a_subscriber_steps_over_it(broker: str) -> None:
    records = read(broker, {TOPIC: Start(beginning=True)})
    assert {one.offset: one.value for one in islice(records, len(GOOD))} == GOOD
    records.close()


def test_the_archive_steps_over_it(broker: str, tmp_path: Path) -> None:
    group, store = unique("archive"), open_store(str(tmp_path))
    taken: list[int] = []

    class Watched(ArchiveSink):
        def take(self, record: Record) -> None:
            super().take(record)
            taken.append(record.offset)

    with following(broker, group, [TOPIC], lambda f: Watched(store, f.patience)):
        wait_until(lambda: 13 in taken, "the archive came behind the bombs")
    assert {one.offset: one.value for one in read_records(store, Place(TOPIC, 0))} == GOOD
