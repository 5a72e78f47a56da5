"""Hostile and broken records in front of the running system: refused by reason, none lost."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record._crc32c import crc as crc32c
from confluent_kafka import Consumer, Producer, TopicPartition
from typer.testing import CliRunner

from deploy.audit import run_audit
from deploy.cli.app import app
from deploy.settle import wait_until_following, wait_until_settled
from deploy.stack import Stack, running_stack
from producers.fleet.plan import plan_fleet
from producers.fleet.run import run_fleet
from schemas.codec import encode
from schemas.events import DeadLetter, decode_dead_letter
from schemas.partition import partition_of
from schemas.settings import Settings
from schemas.topics import MAX_RAW_BYTES
from schemas.vendors import PROFILES_DIR
from streams.records import PlainRecord
from tests import make
from tests.chaos.hostile_records import Records

pytestmark = [pytest.mark.kafka, pytest.mark.e2e]

VENDORS = ("fourier", "pollen")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = {
        "home": tmp_path_factory.mktemp("stack"),
        "vendors": ",".join(VENDORS),
        "profiles_dir": tmp_path_factory.mktemp("profiles"),
    }
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


def test_a_redrive_tells_what_became_of_each_and_counts_it_once(stack: Stack) -> None:
    before = {row["origin"]: row for row in kinebus(stack, "list")}
    value = encode(
        make.vendor("fourier").schema, make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
    )
    producer = Producer({"bootstrap.servers": stack.bootstrap})
    for sequence in range(3):
        late = make.chunk(
            "fourier", value, 2, robot="fourier/new", profile="fourier-gr1@2",
            sequence=sequence, first_frame=2 * sequence,
        )  # fmt: skip
        headers = list(late.headers)
        partition = partition_of("fourier/new", stack.settings.partitions)
        producer.produce(late.topic, late.value, late.key, partition, headers=headers)
    assert producer.flush(20) == 0
    wait_until_settled(stack.settings, VENDORS, 60.0, lambda _: None)

    assert kinebus(stack, "redrive", "--vendor", "fourier", "--dry-run")["redriven"] == []
    told = kinebus(stack, "redrive", "--vendor", "fourier", exit_code=1)
    assert told["outcomes"] == {"refused": len(before) + 3}
    assert all(row["attempt"] == 2 for row in kinebus(stack, "list"))

    # What is not committed is read again, by a worker that knows more.
    wait_until_settled(stack.settings, VENDORS, 60.0, lambda _: None)
    add_profile(stack)
    told = kinebus(stack, "redrive", "--reason", "unknown_profile", "--wait", "60", exit_code=1)
    assert told["outcomes"] == {"canonical": 3, "refused": 1}  # 1: the profile nobody added.
    shown = {row["origin"]: row for row in kinebus(stack, "list", "--all")}
    assert len(shown) == len(before) + 3
    settled = [row for row in shown.values() if row["outcome"] == "canonical"]
    assert {(row["robot"], row["attempt"]) for row in settled} == {("fourier/new", 3)}
    assert shown.keys() >= before.keys()
    one = kinebus(stack, "show", settled[0]["origin"])
    assert bytes.fromhex(one["value_hex"]) == value

    wait_until_settled(stack.settings, VENDORS, 60.0, lambda _: None)
    report = run_audit(stack.settings, deep=True)
    assert report.ok, report.problems
    refused = {row["reason"] for row in shown.values() if row["outcome"] == "refused"}
    assert report.vendors["fourier"].rejected.keys() == refused
    assert report.records["dead_letter"] == len(before)
    assert report.sessions.missing == 0


def test_a_few_hundred_hostile_records_end_nothing_and_all_are_accounted_for(stack: Stack) -> None:
    before = {state.name: state.restarts for state in stack.processes()}
    records = Records(5)
    producer = Producer({"bootstrap.servers": stack.bootstrap, "message.max.bytes": MAX_RAW_BYTES})
    sent = 0
    for i in range(1_000):
        if records.vendor(i).profile.vendor not in VENDORS:
            continue
        record = records.make(i, 0, time.time_ns() // 10**6).record
        key = (record.key or b"").decode(errors="replace")
        partition = partition_of(key, stack.settings.partitions)
        headers = list(record.headers)
        producer.produce(record.topic, record.value, record.key, partition, headers=headers)
        sent += 1
    assert producer.flush(20) == 0
    wait_until_settled(stack.settings, VENDORS, 90.0, lambda _: None)
    # Deep: hostile robots say two things under one number, and both stores keep the same.
    report = run_audit(stack.settings, deep=True)
    problems = [one for one in report.problems if one.kind != "sequence_gap"]
    assert problems == []
    assert sum(report.records.values()) > sent
    assert report.records["missing"] == 0
    assert "wrong_partition" in report.vendors["fourier"].rejected
    assert report.vendors["fourier"].rejected.keys() > {"wrong_partition", "bad_envelope"}
    assert {state.name: state.restarts for state in stack.processes()} == before


def test_a_header_whose_name_is_no_utf_8_refuses_its_own_record_alone(stack: Stack) -> None:
    """confluent-kafka gives up on such a record's headers, aiokafka on the whole batch."""
    before = {state.name: state.restarts for state in stack.processes()}
    value = encode(
        make.vendor("fourier").schema, make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
    )
    robot = "fourier/names"
    records = [
        make.chunk("fourier", value, 2, robot=robot, sequence=n, first_frame=2 * n)
        for n in range(3)
    ]
    partition = partition_of(robot, stack.settings.partitions)
    asyncio.run(send_batch(stack.bootstrap, records, partition, bad=1))
    wait_until_settled(stack.settings, VENDORS, 90.0, lambda _: None)
    (letter,) = [one for one in dead_letters(stack) if "no UTF-8" in one.detail]
    assert (letter.reason, letter.value) == ("bad_envelope", value)
    report = run_audit(stack.settings, deep=True)
    problems = [one for one in report.problems if one.kind != "sequence_gap"]
    assert problems == []
    assert report.records["skipped_batch"] == 0
    assert {state.name: state.restarts for state in stack.processes()} == before


async def send_batch(bootstrap: str, records: list[PlainRecord], partition: int, bad: int) -> None:
    """Send records as one batch; one of them with a header whose name is no UTF-8."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    batch = producer.create_batch()
    for n, one in enumerate(records):
        headers = [*one.headers, *([("NAME", b"")] if n == bad else [])]
        batch.append(key=one.key, value=one.value, timestamp=None, headers=headers)
    batch.close()
    data = bytes(batch._build()).replace(b"NAME", b"\xff\xfe\xff\xff")
    batch._buffer = bytearray(data[:17] + struct.pack(">I", crc32c(data[21:])) + data[21:])
    sent = await producer.send_batch(batch, records[0].topic, partition=partition)
    await sent
    await producer.stop()


def add_profile(stack: Stack) -> None:
    """Add a version of the profile; the worker that does not know it gives way to one that does."""
    folder = stack.settings.profiles_dir
    assert folder is not None
    text = (PROFILES_DIR / "fourier_gr1.toml").read_text()
    (folder / "fourier_gr1_2.toml").write_text(text.replace("version = 1", "version = 2"))
    pid = stack.pid("worker-0")
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    while stack.pid("worker-0") in (pid, None):
        time.sleep(0.1)


def kinebus(stack: Stack, *words: str, exit_code: int = 0) -> Any:
    """What `kinebus dlq … --json` prints."""
    home = ["--home", str(stack.settings.home), "--json"]
    result = CliRunner().invoke(app, ["dlq", *words, *home])
    assert result.exit_code == exit_code, result.output
    return orjson.loads(result.stdout)


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
