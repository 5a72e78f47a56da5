"""Read back what a partition's robots were, and raw records that their snapshots do not cover."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.bad_batch import end_of_batch, is_bad_batch
from schemas.topics import MAX_RECORD_BYTES, STREAMS_STATE
from streams.checkpoint import PartitionState, empty_partition
from streams.messages import plain_record
from streams.records import PlainRecord, RawRecord
from streams.state import ClockSnapshot, RobotSnapshot, Snapshot, decode_snapshot
from streams.suspects import Suspects

READ_TIMEOUT_S = 120.0
READ_RECORDS = 500


class KafkaLog:
    """What a worker reads when it takes a partition over.

    Every call waits for the broker up to two minutes without progress, then raises TimeoutError.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def snapshots(self, partition: int) -> list[Snapshot]:
        """Every snapshot of one partition of `streams.state`, oldest first."""
        values = await asyncio.to_thread(self._values, partition)
        return [decode_snapshot(value) for value in values]

    async def raw(self, topic: str, partition: int, start: int, stop: int) -> Sequence[RawRecord]:
        """The first records with start ≤ offset < stop, 500 at most; none where they are gone."""
        return await asyncio.to_thread(self._raw, topic, partition, start, stop)

    def _values(self, partition: int) -> list[bytes]:
        batches = self._read(STREAMS_STATE, partition, 0, None)
        return [value for batch in batches for m in batch if (value := m.value())]

    def _raw(self, topic: str, partition: int, start: int, stop: int) -> list[PlainRecord]:
        for batch in self._read(topic, partition, start, stop):
            found = [plain_record(message) for message in batch if message.offset() < stop]
            if found:
                return found
        return []

    def _read(
        self, topic: str, partition: int, start: int, stop: int | None
    ) -> Iterator[list[Message]]:
        """Messages from an offset on to another, or to where the partition ends now."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "streams-restore",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": MAX_RECORD_BYTES,
            }
        )
        where = TopicPartition(topic, partition)
        try:
            low, high = consumer.get_watermark_offsets(where, timeout=READ_TIMEOUT_S)
            where.offset = max(start, low)
            stop = high if stop is None else min(stop, high)
            consumer.assign([where])
            position, deadline = where.offset, time.monotonic() + READ_TIMEOUT_S
            while position < stop:
                batch = consumer.consume(READ_RECORDS, timeout=0.05)
                for message in batch:
                    error = message.error()
                    if error is not None and is_bad_batch(error):
                        own = {"bootstrap.servers": self._bootstrap}
                        end = end_of_batch(own, topic, partition, message.offset())
                        consumer.seek(TopicPartition(topic, partition, end))
                        position = end
                messages = [message for message in batch if not _is_error(message)]
                if messages:
                    deadline = time.monotonic() + READ_TIMEOUT_S
                    yield messages
                position = max(position, consumer.position([where])[0].offset)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic}/{partition}: no answer; is the broker up?")
        finally:
            consumer.close()


def _is_error(message: Message) -> bool:
    error = message.error()
    passing = error is None or error.code() == KafkaError._PARTITION_EOF or is_bad_batch(error)
    if not passing:
        raise KafkaException(error)
    return error is not None


def suspects_of(snapshots: Iterable[Snapshot], topic: str, partition: int) -> Suspects:
    """The newest note of which records were in work when a worker ended."""
    found = Suspects(topic, partition, {})
    for snapshot in snapshots:
        if isinstance(snapshot, Suspects) and snapshot[:2] == (topic, partition):
            found = snapshot
    return found


def partition_state(
    snapshots: Iterable[Snapshot], topic: str, partition: int, partitions: int = 1
) -> PartitionState:
    """The state of one raw partition as its newest snapshots tell it, to go on behind its clock.

    Of several snapshots the one of the highest offset counts, not the last written: a worker that
    was stopped and woke up may still write old ones. Where compaction has kept an old one alone,
    the partition's newest clock tells that there was a newer, and the clock is set back to that of
    the oldest robot: what lies between is processed again, and gives the same bytes.
    """
    beginning = empty_partition(topic, partition).clock
    newest = ClockSnapshot(beginning, {})
    robots: dict[str, RobotSnapshot] = {}
    for snapshot in snapshots:
        if isinstance(snapshot, Suspects):
            continue
        clock = snapshot.clock
        if (clock.topic, clock.partition) != (topic, partition):
            continue
        if isinstance(snapshot, ClockSnapshot):
            if clock.offset >= newest.clock.offset:
                newest = snapshot
            continue
        name = snapshot.state.robot
        known = robots.get(name)
        if known is None or clock.offset >= known.clock.offset:
            robots[name] = snapshot
    clock = newest.clock
    for name, offset in newest.robots.items():
        found = robots[name].clock if name in robots else beginning
        if found.offset < offset and found.offset < clock.offset:
            clock = found
    return PartitionState(
        clock,
        partitions,
        {name: robot.state for name, robot in robots.items()},
        {name: robot.clock.offset for name, robot in robots.items()},
        checkpoint_ms=clock.clock_ms,
    )
