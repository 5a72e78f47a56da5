"""A chunk that ends the worker, on a real broker: refused at the third end, other vendors flow."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.create_topics import create_topics
from deploy.service import Service
from deploy.supervisor import Stage, Supervisor
from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.events import DeadLetter, decode_dead_letter
from schemas.partition import partition_of
from schemas.topics import all_topics
from tests import make
from tests.chaos.planted import HOW, POISON
from tests.sink_rig import unique, wait_until

pytestmark = pytest.mark.kafka

EVERY_S = 0.05
PARTITIONS = 4


@pytest.mark.parametrize("how", ["error", "SIGSEGV"])
def test_it_is_refused_as_crashed_and_the_other_vendor_hardly_waits(
    kafka: str, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    create_topics(kafka, all_topics(["fourier", "pollen"], PARTITIONS))
    serial = unique("crash")
    env = {
        "KAFKA_BOOTSTRAP": kafka,
        "KINEBUS_HOME": str(tmp_path),
        "KINEBUS_VENDORS": "fourier,pollen",
        HOW: how,
    }
    command = (sys.executable, "-m", "tests.chaos.planted")
    supervisor = Supervisor()
    try:
        worker = Service("worker-0", command, tmp_path / "worker.log", {**os.environ, **env})
        supervisor.add(worker, Stage.WORKER)()
        robots = Robots(kafka, serial)
        robots.speak_until(lambda: "pollen" in robots.canonical, within_s=120)
        robots.poison()
        robots.speak_until(lambda: bool(robots.letters), within_s=120)
        robots.speak_until(lambda: False, within_s=3)
        robots.wait_for_all()
        restarts = supervisor.states()[0].restarts
    finally:
        supervisor.stop()
    (letter,) = {one.origin: one for one in robots.letters}.values()
    assert letter.reason == "crashed"
    assert POISON in (letter.value or b"")
    assert restarts == 3
    for name in ("fourier", "pollen"):
        assert set(robots.canonical[name]) == robots.sent[name], name
    delays = np.array([*robots.canonical["pollen"].values()])
    with capsys.disabled():
        print(
            f"\nplanted {how}: 3 ends, other vendor's delay p50 {np.median(delays):.0f} ms, "
            f"p99 {np.quantile(delays, 0.99):.0f} ms, max {delays.max():.0f} ms of {len(delays)}"
        )


class Robots:
    """Two robots that speak twenty times a second, and what came of it."""

    def __init__(self, bootstrap: str, serial: str) -> None:
        self._serial = serial
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": serial})
        topics = ("canonical.frames", "dead-letter.fourier")
        places = [TopicPartition(t, p) for t in topics for p in range(PARTITIONS)]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=20)[1]
        self._consumer.assign(places)
        self._sequence = 0
        self.sent: dict[str, set[int]] = {"fourier": set(), "pollen": set()}
        self.canonical: dict[str, dict[int, float]] = {}
        self.letters: list[DeadLetter] = []

    def speak_until(self, done, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not done():
            if time.monotonic() > deadline:
                return
            self._speak("pollen", make.reachy_value(2))
            stamps = np.array([0.0, 0.05]) + 0.1 * self._sequence
            self._speak("fourier", make.gr1_value(np.zeros((2, 44)), stamps))
            self._sequence += 1
            self._listen(EVERY_S)

    def poison(self) -> None:
        value = make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
        value["action"] = POISON + value["action"][len(POISON) :]
        self._speak("fourier", value)
        self.sent["fourier"].discard(self._sequence)
        self._sequence += 1

    def wait_for_all(self) -> None:
        def all_there() -> bool:
            self._listen(0.1)
            return all(set(self.canonical[name]) == sent for name, sent in self.sent.items())

        wait_until(all_there, "everything canonical")

    def _speak(self, name: str, value: object) -> None:
        robot = f"{name}/{self._serial}"
        record = make.chunk(
            name, value, 2, robot=robot, sequence=self._sequence,
            first_frame=2 * self._sequence, published_ns=time.time_ns(),
        )  # fmt: skip
        self._producer.produce(
            record.topic, record.value, record.key, partition_of(robot, PARTITIONS),
            headers=list(record.headers),
        )  # fmt: skip
        self._producer.poll(0)
        self.sent[name].add(self._sequence)

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for message in self._consumer.consume(100, left):
                assert message.error() is None
                if message.topic() != "canonical.frames":
                    self.letters.append(decode_dead_letter(message.value()))
                    continue
                made = decode_canonical(message.value())
                name, serial = made.robot.split("/")
                if isinstance(made, CanonicalChunk) and serial == self._serial:
                    delay_ms = message.timestamp()[1] - made.log_ms
                    self.canonical.setdefault(name, {}).setdefault(made.sequence, delay_ms)
