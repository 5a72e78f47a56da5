"""Sends records and returns only when the broker has them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from schemas.topics import MAX_RECORD_BYTES
from sinks.patience import Patience

FLUSH_S = 5.0


class Outgoing(NamedTuple):
    """A record to be sent."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class UndeliveredError(Exception):
    """The broker has not acknowledged every record yet."""


class Publisher:
    """An idempotent producer whose records have one key and the same bytes, however often sent."""

    def __init__(self, bootstrap: str, client: str, patience: Patience) -> None:
        self._patience = patience
        self._producer = Producer(_settings(bootstrap, client))

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records and wait until they are acknowledged."""
        if records:
            unsent = dict(enumerate(records))
            in_flight: dict[int, Outgoing] = {}
            self._patience.attempt(
                "the broker", lambda: self._deliver(unsent, in_flight), _is_undelivered
            )

    def _deliver(self, unsent: dict[int, Outgoing], in_flight: dict[int, Outgoing]) -> None:
        for number, record in list(unsent.items()):

            def report(error: KafkaError | None, _: Message, number: int = number) -> None:
                sent = in_flight.pop(number)
                if error is not None:
                    unsent[number] = sent

            self._produce(record, report)
            in_flight[number] = unsent.pop(number)
        self._producer.flush(FLUSH_S)
        if unsent or in_flight:
            raise UndeliveredError(f"{len(unsent) + len(in_flight)} records are not acknowledged")

    def _produce(self, record: Outgoing, report: Any) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    partition=record.partition,
                    on_delivery=report,
                )
            except BufferError:
                # Its queue is full: what is in it goes first.
                self._producer.poll(0.1)
            else:
                return


def _is_undelivered(error: BaseException) -> bool:
    return isinstance(error, UndeliveredError)


def _settings(bootstrap: str, client: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client,
        "enable.idempotence": True,
        "linger.ms": 10,
        "compression.type": "lz4",
        "message.max.bytes": MAX_RECORD_BYTES,
        "message.timeout.ms": 0,
        "reconnect.backoff.max.ms": 1_000,
    }
