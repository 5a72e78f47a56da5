"""Hostile and broken records in front of the running system: refused by reason, none lost."""

from __future__ import annotations

import struct
import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.audit import run_audit
from deploy.settle import wait_until_following, wait_until_settled
from deploy.stack import Stack, running_stack
from producers.fleet.plan import plan_fleet
from producers.fleet.run import run_fleet
from schemas.codec import encode
from schemas.events import DeadLetter, decode_dead_letter
from schemas.partition import partition_of
from schemas.settings import Settings
from schemas.topics import MAX_RAW_BYTES
from streams.records import PlainRecord
from tests import make

pytestmark = [pytest.mark.kafka, pytest.mark.e2e]

VENDORS = ("fourier", "pollen")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = {"home": tmp_path_factory.mktemp("stack"), "vendors": ",".join(VENDORS)}
    with running_stack(Settings().model_copy(update=own)) as running:
        wait_until_following(running.settings, VENDORS, 90.0)
        yield running


def bad_records() -> list[tuple[str, PlainRecord]]:
    """Each with the reason it must be refused for; robots differ, so that no order is implied."""
    value = make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
    good = encode(make.vendor("fourier").schema, value)
    short = make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
    short["observation_state"] = np.zeros((2, 43)).tobytes()
    never = make.gr1_value(np.zeros((2, 44)), np.array([0.0, np.nan]))
    return [
        ("truncated", make.chunk("fourier", good[:-9], 2)),
        ("wrong_shape", make.chunk("fourier", short, 2)),
        ("bad_time", make.chunk("fourier", never, 2)),
        ("unknown_schema", make.chunk("fourier", struct.pack(">bI", 0, 99) + good[5:], 2)),
        ("unknown_vendor", make.chunk("fourier", good, 2, robot="acme/1")),
        ("unknown_profile", make.chunk("fourier", good, 2, profile="fourier-gr1@77")),
        ("too_large", make.chunk("fourier", b"\0" * 5_000_000, 2)),
        ("missing_envelope", PlainRecord("raw.fourier", 0, 0, 0, b"x", b"junk", [])),
    ]


def test_each_is_refused_with_its_reason_and_the_pipeline_goes_on(stack: Stack) -> None:
    producer = Producer({"bootstrap.servers": stack.bootstrap, "message.max.bytes": MAX_RAW_BYTES})
    sent = bad_records()
    for _, record in sent:
        partition = partition_of("fourier/unit-1", stack.settings.partitions)
        producer.produce(
            record.topic, record.value, record.key, partition, headers=list(record.headers)
        )
    assert producer.flush(20) == 0

    plan = plan_fleet([make.vendor(name) for name in VENDORS], 4, seconds=3.0)
    counts = run_fleet(plan, stack.bootstrap, threading.Event()).vendors
    wait_until_settled(stack.settings, VENDORS, 90.0, lambda _: None)

    letters = {letter.reason: letter for letter in dead_letters(stack)}
    assert letters.keys() == {reason for reason, _ in sent}
    for reason, record in sent:
        assert letters[reason].value == record.value, reason
        assert letters[reason].headers == list(record.headers), reason
        assert letters[reason].source_topic == "raw.fourier"
        assert letters[reason].detail

    report = run_audit(stack.settings, deep=True)
    assert report.ok, report.problems
    assert report.vendors["fourier"].rejected == dict(
        Counter({reason: letters[reason].frames for reason, _ in sent})
    )
    for name in VENDORS:
        got = report.vendors[name]
        assert got.canonical == got.clickhouse == got.object_storage == counts[name].frames
    assert all(state.restarts == 0 for state in stack.processes())


def dead_letters(stack: Stack) -> Iterator[DeadLetter]:
    settings = {"bootstrap.servers": stack.bootstrap, "group.id": "test"}
    consumer = Consumer({**settings, "fetch.message.max.bytes": MAX_RAW_BYTES * 2})
    for partition in range(stack.settings.partitions):
        where = TopicPartition("dead-letter.fourier", partition, 0)
        high = consumer.get_watermark_offsets(where, timeout=10)[1]
        consumer.assign([where])
        for _ in range(high):
            message = consumer.poll(10)
            assert message is not None
            yield decode_dead_letter(message.value())
    consumer.close()
