"""How long frames took from their publisher to the canonical topic, from the topic itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from deploy.lag import TIMEOUT_S
from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.topics import CANONICAL_FRAMES, MAX_RECORD_BYTES


def delays_ms(
    bootstrap: str, partitions: int, newest: int | None = None
) -> dict[str, dict[str, float]]:
    """Delay from the publisher's stamp to the broker's append on `canonical.frames`, by vendor.

    Args:
        bootstrap: the broker.
        partitions: of the topic.
        newest: read so many records of each partition, from its end; None reads all.

    Returns:
        vendor → {"p50", "p99"} in milliseconds; each chunk counts once, by its first record.
    """
    found: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    for chunk, appended_ms in _chunks(bootstrap, partitions, newest):
        vendor = chunk.robot.split("/", 1)[0]
        delay = appended_ms - chunk.published_ns / 1e6
        found[vendor].setdefault((chunk.session, chunk.sequence), delay)
    return {vendor: percentiles(list(delays.values())) for vendor, delays in found.items()}


def percentiles(values: list[float]) -> dict[str, float]:
    """Median and 99th percentile, rounded to a tenth."""
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def _chunks(
    bootstrap: str, partitions: int, newest: int | None
) -> Iterator[tuple[CanonicalChunk, int]]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "kinebus-delays",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    try:
        for partition in range(partitions):
            where = TopicPartition(CANONICAL_FRAMES, partition)
            low, high = consumer.get_watermark_offsets(where, timeout=TIMEOUT_S)
            where.offset = low if newest is None else max(low, high - newest)
            yield from _span(consumer, where, high)
    finally:
        consumer.close()


def _span(
    consumer: Consumer, where: TopicPartition, stop: int
) -> Iterator[tuple[CanonicalChunk, int]]:
    if where.offset >= stop:
        return
    consumer.assign([where])
    while True:
        message = consumer.poll(TIMEOUT_S)
        if message is None:
            raise TimeoutError(f"{where.topic}/{where.partition} gave no record; is the broker up?")
        made = decode_canonical(message.value())
        if isinstance(made, CanonicalChunk):
            yield made, message.timestamp()[1]
        if message.offset() >= stop - 1:
            return
