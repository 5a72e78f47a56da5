"""Writes a backfill's outputs to the log, no faster than the sinks take them."""

from __future__ import annotations

import time

from confluent_kafka import KafkaError, Message, Producer, TopicPartition

from deploy.lag import committed, ends
from schemas.topics import CANONICAL_FRAMES
from streams.publisher import producer_config
from streams.records import Output

AHEAD_RECORDS = 4_000
"""Canonical records of a partition that may wait for a sink: none may meet retention first."""

LOOKED_EVERY = 500
SINKS = ("sink-clickhouse", "sink-lake")


class NotTakenError(RuntimeError):
    """The sinks take nothing."""


class PacedPublisher:
    """A producer that waits for the sinks."""

    def __init__(self, bootstrap: str, patience_s: float = 600.0) -> None:
        self._bootstrap = bootstrap
        self._patience_s = patience_s
        self._producer = Producer(producer_config(bootstrap))
        self._failed: list[KafkaError] = []
        self._sent = 0

    def send(self, output: Output) -> None:
        """Queue an output behind those of its partition."""
        while True:
            try:
                self._producer.produce(
                    output.topic, output.value, output.key, output.partition,
                    on_delivery=self._report,
                )  # fmt: skip
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        if output.topic == CANONICAL_FRAMES:
            self._sent += 1
            if self._sent % LOOKED_EVERY == 0:
                self.flush()
                self._wait_for_sinks(output.partition)

    def flush(self) -> None:
        """Return when the broker has everything."""
        self._producer.flush()
        if self._failed:
            raise RuntimeError(f"the broker refused a record: {self._failed[0]}")

    def _wait_for_sinks(self, partition: int) -> None:
        place = (CANONICAL_FRAMES, partition)
        begun_s, least = time.monotonic(), None
        while True:
            end = ends(self._bootstrap, [place])[place]
            where = [TopicPartition(*place)]
            behind = max(
                end - max(committed(self._bootstrap, sink, where)[0].offset, 0) for sink in SINKS
            )
            if behind <= AHEAD_RECORDS:
                return
            if least is None or behind < least:
                begun_s, least = time.monotonic(), behind
            if time.monotonic() - begun_s > self._patience_s:
                raise NotTakenError(
                    f"a sink is {behind:,} records behind and takes no more: see `kinebus lag`, "
                    "then run the same backfill again: it goes on where it was"
                )
            time.sleep(1.0)

    def _report(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed.append(error)
