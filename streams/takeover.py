"""What a worker finds when it takes a partition over: its state, and which records are suspects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from streams.checkpoint import PartitionState
from streams.holding import Place
from streams.in_work import InWork
from streams.records import Output, RawRecord
from streams.restore import partition_state, suspects_of
from streams.state import STATE_VERSION, Snapshot
from streams.suspects import Suspects, suspects_output

log = structlog.get_logger()

Snapshots = Sequence[Snapshot]


class Log(Protocol):
    """What is read when a partition is taken over; see `streams.restore.KafkaLog`."""

    async def snapshots(self, partition: int) -> Snapshots:
        """Every snapshot of one partition of `streams.state`, oldest first."""

    async def raw(self, topic: str, partition: int, start: int, stop: int) -> Sequence[RawRecord]:
        """The first records with start ≤ offset < stop; none where they are gone."""


class Publishing(Protocol):
    """Where outputs go; see `streams.publisher.Publisher`."""

    async def publish(self, outputs: Sequence[Output], done: Callable[[], None]) -> None:
        """Queue outputs in order; `done` is called once all are acknowledged."""


class TakeOver:
    """Reads the snapshots of partitions, once for all topics of a generation."""

    def __init__(
        self, source: Log, publisher: Publishing, in_work: InWork, partitions: int
    ) -> None:
        self._log = source
        self._partitions = partitions
        self._publisher = publisher
        self._in_work = in_work
        self._snapshots: dict[tuple[int, int], Snapshots] = {}

    async def at(
        self, where: Place, generation: int, first: int
    ) -> tuple[PartitionState, int, Suspects]:
        """A partition's state, the offset it goes on at, and its suspects.

        Args:
            where: topic and partition.
            generation: the consumer group's.
            first: offset of the first record fetched.
        """
        snapshots = await self._read(generation, where[1])
        state = partition_state(snapshots, *where, self._partitions)
        covered = state.clock.offset + 1
        start = min(covered, first)
        suspects = await self._suspects(suspects_of(snapshots, *where), start)
        log.info(
            "took over",
            topic=where[0],
            partition=where[1],
            offset=first,
            robots=len(state.robots),
            covered=covered,
            suspects=suspects.ends,
        )
        return state, start, suspects

    def forget(self, where: Place, generation: int) -> None:
        """Read a partition's snapshots anew when it is asked for next."""
        self._snapshots.pop((generation, where[1]), None)

    async def _suspects(self, known: Suspects, start: int) -> Suspects:
        """The suspects of a partition, with what this worker's last end says, noted for all."""
        left = self._in_work.left
        if left is None or left[:2] != known[:2]:
            return known
        self._in_work.left = None
        if left[2] < start:
            return known
        log.error("the process before ended in the middle of a record", at=left)
        suspects = known.ended_at(left[2], start)
        noted = asyncio.Event()
        await self._publisher.publish([suspects_output(suspects, STATE_VERSION)], noted.set)
        await noted.wait()
        return suspects

    async def _read(self, generation: int, partition: int) -> Snapshots:
        known = self._snapshots.get((generation, partition))
        if known is None:
            known = await self._log.snapshots(partition)
            self._snapshots = {k: v for k, v in self._snapshots.items() if k[0] == generation}
            self._snapshots[generation, partition] = known
        return known
