"""What every reader of a log does with a record batch that no client can open: steps over it.

librdkafka gives an error at the batch's first offset and then stays there for ever. Where the batch
ends is found by asking at later offsets: inside it the same error comes back, with the same offset.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

ANSWER_WITHIN_S = 30.0
_BAD = frozenset((KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG, KafkaError.INVALID_MSG))


def is_bad_batch(error: KafkaError) -> bool:
    """Whether an error is about a batch that cannot be opened, now or later."""
    return error.code() in _BAD


def end_of_batch(settings: Mapping[str, Any], topic: str, partition: int, first: int) -> int:
    """The offset behind a batch that cannot be opened.

    Args:
        settings: of a consumer; its group is not joined.
        topic: of the batch.
        partition: of the batch.
        first: an offset in the batch.

    Raises:
        TimeoutError: the broker does not answer.
    """
    own = {
        key: value
        for key, value in settings.items()
        if key.startswith(("bootstrap", "security", "sasl", "ssl", "fetch", "receive", "max."))
    }
    told = {"group.id": "kinebus-bad-batch", "enable.partition.eof": True}
    consumer = Consumer({**own, **told, "fetch.wait.max.ms": 50, "fetch.min.bytes": 1})
    where = TopicPartition(topic, partition)
    try:
        _, high = consumer.get_watermark_offsets(where, timeout=ANSWER_WITHIN_S)
        begin = _bad_at(consumer, where, first)
        if begin is None:
            return first
        inside, step = first, 1
        while inside + step < high and _bad_at(consumer, where, inside + step) == begin:
            inside, step = inside + step, step * 2
        outside = min(inside + step, high)
        while outside - inside > 1:
            middle = (inside + outside) // 2
            if _bad_at(consumer, where, middle) == begin:
                inside = middle
            else:
                outside = middle
        return int(outside)
    finally:
        consumer.close()


def _bad_at(consumer: Consumer, where: TopicPartition, offset: int) -> int | None:
    """First offset of the batch that cannot be opened and holds this offset; None of a good one."""
    consumer.assign([TopicPartition(where.topic, where.partition, offset)])
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while time.monotonic() < deadline:
        for message in consumer.consume(1, 0.2):
            error = message.error()
            if error is None or error.code() == KafkaError._PARTITION_EOF:
                return None
            if is_bad_batch(error):
                return int(message.offset())
            if error.fatal():
                raise KafkaException(error)
    raise TimeoutError(f"{where.topic}/{where.partition}@{offset}: no answer; is the broker up?")
