"""A producer that delivers some records twice, some out of order, and rubbish between them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from confluent_kafka import Producer
from ulid import ULID

from schemas.envelope import Envelope, Headers, Kind, envelope_headers
from schemas.partition import partition_of
from schemas.topics import vendor_of

EXPECTED = "expected-reason"
"""A header no consumer knows: the reason this record must be refused with."""


@dataclass(frozen=True)
class Odds:
    """How often, of all records."""

    twice: float = 0.02
    later: float = 0.02
    rubbish: float = 0.004


class MischiefProducer:
    """Confluent's producer, as far as the SDK's link uses it, with mischief in `produce`."""

    def __init__(self, config: dict[str, Any], seed: int, odds: Odds, partitions: int) -> None:
        self._producer = Producer(config)
        self._partitions = partitions
        self._dice = random.Random(seed)
        self._odds = odds
        self._lock = threading.Lock()
        self._held: list[tuple[int, Callable[[], None]]] = []

    def produce(self, topic: str, value: bytes, key: bytes, partition: int, **more: Any) -> None:
        """Hand a record over: now, twice, or behind the next few."""

        def send(**told: Any) -> None:
            self._producer.produce(topic, value, key, partition, **told)

        with self._lock:
            dice = self._dice.random()
            if dice < self._odds.later:
                self._held.append((self._dice.randint(1, 3), lambda: send(**more)))
                return
        send(**more)
        if dice < self._odds.later + self._odds.twice:
            send(headers=more["headers"])
        elif dice < self._odds.later + self._odds.twice + self._odds.rubbish:
            self._rubbish(topic, partition, dict(more["headers"])["profile"].decode())
        self._let_go(1)

    def poll(self, timeout: float) -> int:
        """Take delivery reports; what was held back longer than a moment goes out."""
        self._let_go(1)
        return int(self._producer.poll(timeout))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def _let_go(self, steps: int) -> None:
        with self._lock:
            held, self._held = self._held, []
            for left, send in held:
                if left > steps:
                    self._held.append((left - steps, send))
                    continue
                try:
                    send()
                except BufferError:
                    self._held.append((1, send))

    def _rubbish(self, topic: str, partition: int, profile: str) -> None:
        robot = self._rubbish_robot(vendor_of(topic), partition)
        envelope = Envelope(Kind.CHUNK, robot, str(ULID()), 0, 0, 5, 1, profile)
        good = envelope_headers(envelope)
        elsewhere = (partition + 1) % self._partitions
        stray = replace(envelope, robot=self._rubbish_robot(vendor_of(topic), elsewhere))
        kinds: list[tuple[str, bytes, Headers]] = [
            ("missing_envelope", b"", []),
            ("bad_envelope", b"", [(n, b"x" if n == "frames" else v) for n, v in good]),
            ("unknown_profile", b"", [(n, b"no@1" if n == "profile" else v) for n, v in good]),
            ("wrong_partition", b"", envelope_headers(stray)),
            ("truncated", b"", good),
            ("unknown_schema", b"\0\x7f\xff\xff\xff and more", good),
        ]
        reason, value, headers = self._dice.choice(kinds)
        headers = [*headers, (EXPECTED, reason.encode())]
        self._producer.produce(topic, value, robot.encode(), partition, headers=headers)

    def _rubbish_robot(self, vendor: str, partition: int) -> str:
        """A robot that lives in a partition."""
        names = (f"{vendor}/rubbish-{n}" for n in count())
        return next(name for name in names if partition_of(name, self._partitions) == partition)
