"""Runs a sink against a real broker for a while, in a thread or as a process that can be killed."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer, TopicPartition
from ulid import ULID

from deploy import lag
from deploy.service import Service, spawn
from schemas.headers import Headers
from schemas.topics import MAX_RECORD_BYTES
from sinks.consumer import consumer_settings
from sinks.follow import Follower, Sink

WITHIN_S = 60.0


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{str(ULID()).lower()}"


def wait_until(condition: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s:.0f} s"
        time.sleep(0.05)


@contextmanager
def following(
    bootstrap: str, group: str, topics: Sequence[str], build: Callable[[Follower], Sink]
) -> Iterator[None]:
    """A sink that follows topics in a thread; it is stopped cleanly when the block ends."""
    stop = threading.Event()
    follower = Follower(group, consumer_settings(bootstrap, group, 0), stop)
    sink = build(follower)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            follower.run(topics, sink)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(WITHIN_S)
        if failed:  # also where the block failed: that is what came of it
            raise failed[0]


def send(
    bootstrap: str,
    records: Iterable[tuple[str, int, bytes | None, Headers | None, bytes | None]],
) -> None:
    """Produce (topic, partition, key, headers, value) and wait for every acknowledgement."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "message.max.bytes": MAX_RECORD_BYTES, "linger.ms": 5}
    )
    failed = []
    for topic, partition, key, headers, value in records:
        producer.produce(
            topic,
            value,
            key,
            partition,
            headers=headers,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        producer.poll(0)
    assert producer.flush(WITHIN_S) == 0
    assert not failed


def committed(bootstrap: str, group: str, topic: str, partitions: int) -> int:
    """Records that a group has committed, of all partitions together."""
    places = [TopicPartition(topic, i) for i in range(partitions)]
    return sum(max(part.offset, 0) for part in lag.committed(bootstrap, group, places))


class SinkProcess:
    """`python -m sinks.<name>`, as a supervisor runs it."""

    def __init__(self, name: str, env: dict[str, str], log: Path) -> None:
        self.name = name
        # On a leash: it ends with the tests, also when they are killed.
        command = (sys.executable, "-m", f"sinks.{name}")
        self._service = Service(name, command, log, env)
        self._process = spawn(self._service)

    def kill(self) -> None:
        """SIGKILL, and start again."""
        self._process.kill()
        self._process.wait()
        self._process = spawn(self._service)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(WITHIN_S)
