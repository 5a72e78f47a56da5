"""The Faust worker against a real broker, killed in the middle of its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.create_topics import create_topics
from schemas.canonical import Boundary, CanonicalChunk, decode_canonical
from schemas.envelope import tick_headers
from schemas.events import DeadLetter, decode_dead_letter
from schemas.marks import MarkKind
from schemas.partition import partition_of
from schemas.topics import all_topics
from streams.records import PlainRecord
from tests import make

pytestmark = pytest.mark.kafka

CHUNKS = 300
ROBOT = "fourier/worker-test"
PARTITION = partition_of(ROBOT, 4)


def start_worker(bootstrap: str, home: Path) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP": bootstrap,
        "KINEBUS_HOME": str(home),
        "KINEBUS_VENDORS": "fourier",
    }
    log = (home / "worker.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "streams.app"], env=env, stdout=log, stderr=subprocess.STDOUT
    )


def records() -> list[PlainRecord]:
    rng = np.random.default_rng(3)
    position = np.cumsum(rng.normal(0, 0.001, (CHUNKS * 5, 44)), axis=0)
    out = [make.mark("fourier", MarkKind.EPISODE_START, robot=ROBOT)]
    for i in range(CHUNKS):
        span = slice(5 * i, 5 * i + 5)
        value = make.gr1_value(position[span], np.arange(5 * i, 5 * i + 5) / 20)
        first = {"sequence": i + 1, "first_frame": 5 * i}
        out.append(make.chunk("fourier", value, 5, robot=ROBOT, **first))
    last = {"sequence": CHUNKS + 1, "first_frame": 5 * CHUNKS}
    out.append(make.mark("fourier", MarkKind.EPISODE_END, robot=ROBOT, **last))
    return out


def test_a_worker_killed_under_load_loses_nothing_and_repeats_only_equal_bytes(
    kafka: str, tmp_path: Path
) -> None:
    create_topics(kafka, all_topics(["fourier"], 4))
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    worker = start_worker(kafka, tmp_path)
    try:
        for i, record in enumerate(records()):
            producer.produce(
                record.topic, record.value, record.key, PARTITION, headers=list(record.headers)
            )
            if i % 20 == 10:
                headers = tick_headers(time.time_ns())
                producer.produce(record.topic, b"", b"", PARTITION, headers=headers)
            if i == 100:
                producer.produce(record.topic, b"junk", b"x", PARTITION, headers=[])
            if i in (120, 240):
                producer.flush()
                time.sleep(6 if i == 120 else 2)
                worker.send_signal(signal.SIGKILL)
                worker.wait()
                worker = start_worker(kafka, tmp_path)
        producer.flush()
        seen = read_until_end(kafka)
        letters = read_dead_letters(kafka)
    finally:
        worker.terminate()
        assert worker.wait(20) == 0, (tmp_path / "worker.log").read_text()[-2_000:]
    chunks = {key: value for key, value in seen.items() if key[0] == "chunk"}
    assert sorted(key[1] for key in chunks) == list(range(1, CHUNKS + 1))
    assert all(len(values) == 1 for values in seen.values()), "duplicates differ"
    (end,) = seen["boundary", CHUNKS + 1, "episode_end"]
    boundary = decode_canonical(end)
    assert isinstance(boundary, Boundary)
    assert (boundary.frames, boundary.missing) == (5 * CHUNKS, 0)
    assert [(letter.reason, letter.value) for letter in letters] == [("missing_envelope", b"junk")]


def read_until_end(kafka: str) -> dict[tuple[object, ...], set[bytes]]:
    """Every canonical record of the robot: place in the session → its distinct bytes."""
    seen: dict[tuple[object, ...], set[bytes]] = {}
    for value in read(kafka, "canonical.frames", 60.0):
        made = decode_canonical(value)
        if made.robot != ROBOT:
            continue
        if isinstance(made, CanonicalChunk):
            seen.setdefault(("chunk", made.sequence), set()).add(value)
            continue
        seen.setdefault(("boundary", made.sequence, made.kind.value), set()).add(value)
        if made.kind == "episode_end":
            break
    return seen


def read_dead_letters(kafka: str) -> list[DeadLetter]:
    letters = [decode_dead_letter(value) for value in read(kafka, "dead-letter.fourier", 3.0)]
    return list({letter.origin: letter for letter in letters}.values())


def read(kafka: str, topic: str, seconds: float) -> Iterator[bytes]:
    """Values of one partition from its beginning, until none comes for so long."""
    settings = {"bootstrap.servers": kafka, "group.id": "test", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, PARTITION, 0)])
    try:
        while (message := consumer.poll(seconds)) is not None:
            assert message.error() is None
            yield message.value()
    finally:
        consumer.close()
