"""Read back what a partition's robots were, from `streams.state`."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.topics import MAX_RECORD_BYTES, STREAMS_STATE
from streams.checkpoint import PartitionState, empty_partition
from streams.state import PartitionClock, RobotState, decode_snapshot

READ_TIMEOUT_S = 120.0


def read_snapshots(bootstrap: str, partition: int) -> list[RobotState | PartitionClock]:
    """Every snapshot of one partition of `streams.state`, oldest first.

    Raises:
        TimeoutError: the broker did not give them all within two minutes.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "streams-restore",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.message.max.bytes": MAX_RECORD_BYTES,
        }
    )
    try:
        return list(_read(consumer, TopicPartition(STREAMS_STATE, partition, 0)))
    finally:
        consumer.close()


def _read(consumer: Consumer, where: TopicPartition) -> Iterable[RobotState | PartitionClock]:
    deadline = time.monotonic() + READ_TIMEOUT_S
    low, high = consumer.get_watermark_offsets(where, timeout=READ_TIMEOUT_S)
    where.offset = low
    consumer.assign([where])
    while consumer.position([where])[0].offset < high:
        if low == high:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{STREAMS_STATE}/{where.partition}: no answer; is the broker up?")
        for message in consumer.consume(500, timeout=0.05):
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if message.value():
                yield decode_snapshot(message.value())


def partition_state(
    snapshots: Iterable[RobotState | PartitionClock], topic: str, partition: int
) -> PartitionState:
    """The state of one raw partition as its newest snapshots tell it.

    Of several snapshots of a robot the one of the highest offset counts, not the last written: a
    worker that was stopped and woke up may still write old ones.
    """
    state = empty_partition(topic, partition)
    clock = state.clock
    robots: dict[str, RobotState] = {}
    for snapshot in snapshots:
        if snapshot.topic != topic:
            continue
        if isinstance(snapshot, PartitionClock):
            if snapshot.partition == partition and snapshot.offset >= clock.offset:
                clock = snapshot
            continue
        known = robots.get(snapshot.robot)
        if known is None or snapshot.offset >= known.offset:
            robots[snapshot.robot] = snapshot
    return PartitionState(clock, robots, checkpoint_ms=clock.clock_ms)
