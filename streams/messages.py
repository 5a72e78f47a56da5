"""confluent-kafka's messages as the pure steps take them."""

from __future__ import annotations

from confluent_kafka import Message

from schemas.headers import headers_of
from streams.records import PlainRecord


def plain_record(message: Message) -> PlainRecord:
    """A raw record as confluent-kafka gives it."""
    return PlainRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        headers_of(message) or [],
    )
