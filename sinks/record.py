"""A Kafka record as sinks see it: plain values, so that what they do is tested without a broker."""

from __future__ import annotations

from typing import NamedTuple

from confluent_kafka import Message

from schemas.headers import Headers, headers_of


class Place(NamedTuple):
    """A topic's partition."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Record(NamedTuple):
    """One record, with nothing of it lost: null and empty stay apart in key, headers and value."""

    place: Place
    offset: int
    timestamp_type: int
    timestamp_ms: int
    key: bytes | None
    headers: Headers | None
    value: bytes | None


def record_of(message: Message) -> Record:
    """The record in a message that is not an error."""
    kind, timestamp_ms = message.timestamp()
    return Record(
        Place(message.topic(), message.partition()),
        message.offset(),
        kind,
        timestamp_ms,
        message.key(),
        headers_of(message),
        message.value(),
    )
