"""Sends a sink's own facts about episodes and returns only when the broker has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from schemas.events import EpisodeEvent, encode_event
from schemas.topics import EPISODES, MAX_RECORD_BYTES
from sinks.patience import Patience

FLUSH_S = 5.0


class UndeliveredError(Exception):
    """The broker has not acknowledged every event yet."""


class Announcer:
    """An idempotent producer of episode events.

    An event that is sent twice has the same key and the same bytes: compaction keeps one.
    """

    def __init__(self, bootstrap: str, sink: str, patience: Patience) -> None:
        self._patience = patience
        self._producer = Producer(_settings(bootstrap, sink))

    def send(self, events: Sequence[tuple[int, EpisodeEvent]]) -> None:
        """Send events, each to its partition, and wait until they are acknowledged."""
        if events:
            unsent = dict(enumerate(events))
            in_flight: dict[int, tuple[int, EpisodeEvent]] = {}
            self._patience.attempt(
                "the broker", lambda: self._deliver(unsent, in_flight), _is_undelivered
            )

    def _deliver(
        self,
        unsent: dict[int, tuple[int, EpisodeEvent]],
        in_flight: dict[int, tuple[int, EpisodeEvent]],
    ) -> None:
        for number, (partition, event) in list(unsent.items()):

            def report(error: KafkaError | None, _: Message, number: int = number) -> None:
                sent = in_flight.pop(number)
                if error is not None:
                    unsent[number] = sent

            self._producer.produce(
                EPISODES,
                value=encode_event(event),
                key=event.key,
                partition=partition,
                on_delivery=report,
            )
            in_flight[number] = unsent.pop(number)
        self._producer.flush(FLUSH_S)
        if unsent or in_flight:
            count = len(unsent) + len(in_flight)
            raise UndeliveredError(f"{count} events of {EPISODES} are not acknowledged")


def _is_undelivered(error: BaseException) -> bool:
    return isinstance(error, UndeliveredError)


def _settings(bootstrap: str, sink: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap,
        "client.id": f"sink-{sink}-events",
        "enable.idempotence": True,
        "linger.ms": 10,
        "compression.type": "lz4",
        "message.max.bytes": MAX_RECORD_BYTES,
        "message.timeout.ms": 0,
        "reconnect.backoff.max.ms": 1_000,
    }
