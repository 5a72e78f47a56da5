"""A stream worker's shell around the pure steps: restore, process, publish, checkpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from streams.checkpoint import Checkpoint, PartitionState
from streams.chunk import Processor
from streams.ledger import Ledger
from streams.measure import Measure
from streams.process import process_fold
from streams.publisher import crash
from streams.records import Output, RawRecord
from streams.restore import partition_state
from streams.state import Snapshot

MAX_SWEEPS_IN_FLIGHT = 16

log = structlog.get_logger()

Place = tuple[str, int]
"""Topic and partition."""

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


class FetchedFold(Protocol):
    """A fold as the consumer hands it over."""

    @property
    def after(self) -> int | None:
        """End of the fold fetched before it, None behind a seek."""

    @property
    def generation(self) -> int:
        """The consumer group's generation."""

    @property
    def records(self) -> Sequence[RawRecord]:
        """At least one record, in order."""

    @property
    def first(self) -> int:
        """Offset of the first."""


@dataclass
class Assigned:
    """One raw partition while this worker has it."""

    generation: int
    state: PartitionState
    next_offset: int
    ledger: Ledger = field(default_factory=Ledger)


class Worker:
    """Takes sweeps of folds one after the other; outputs of many are in flight at a time."""

    def __init__(
        self,
        source: Log,
        processors: Mapping[str, Processor],
        publisher: Publishing,
        measure: Measure,
    ) -> None:
        self._log = source
        self._processors = processors
        self._publisher = publisher
        self._measure = measure
        self._assigned: dict[Place, Assigned] = {}
        self._snapshots: dict[tuple[int, int], Snapshots] = {}
        self._in_flight = 0
        self._took_at = time.monotonic()
        self._room = asyncio.Condition()
        self._checkpoints: asyncio.Queue[tuple[Assigned, Checkpoint]] = asyncio.Queue()

    async def take(self, folds: Sequence[FetchedFold]) -> None:
        """Process one sweep and queue its outputs; waits while too many are in flight."""
        self._took_at = time.monotonic()
        outputs: list[Output] = []
        entered: list[tuple[Assigned, int]] = []
        for fold in folds:
            where = (fold.records[0].topic, fold.records[0].partition)
            assigned = await self._ready(where, fold)
            outputs += self._process(assigned, where, fold.records, entered)
        await self._publish(outputs, entered, folds[-1].records[-1].timestamp * 1_000_000)

    async def _publish(
        self, outputs: Sequence[Output], entered: Sequence[tuple[Assigned, int]], logged_ns: int
    ) -> None:
        async with self._room:
            await self._room.wait_for(lambda: self._in_flight < MAX_SWEEPS_IN_FLIGHT)
        self._in_flight += 1

        def delivered() -> None:
            self._in_flight -= 1
            self._measure.delivered(logged_ns, self._in_flight)
            for assigned, number in entered:
                for checkpoint in assigned.ledger.deliver(number):
                    self._checkpoints.put_nowait((assigned, checkpoint))
            self._wake()

        await self._publisher.publish(outputs, delivered)

    def _process(
        self,
        assigned: Assigned,
        where: Place,
        records: Sequence[RawRecord],
        entered: list[tuple[Assigned, int]],
    ) -> list[Output]:
        """Process a run of records and enter it in the ledger; gives its outputs."""
        first, last = records[0].offset, records[-1].offset
        try:
            state, folded = process_fold(assigned.state, records, self._processors)
        except Exception:
            log.exception("a step failed", topic=where[0], partition=where[1], first=first)
            crash(f"a step failed on {where[0]}/{where[1]} at {first} … {last}")
            raise
        assigned.state, assigned.next_offset = state, last + 1
        entered.append((assigned, assigned.ledger.enter(folded.checkpoint)))
        self._measure.folded(where[0], folded, self._in_flight)
        return folded.outputs

    async def write_checkpoints(self) -> None:
        """Write the snapshots of checkpoints whose outputs are all out, in order, for ever."""
        while True:
            assigned, checkpoint = await self._checkpoints.get()

            def acknowledged(
                assigned: Assigned = assigned, checkpoint: Checkpoint = checkpoint
            ) -> None:
                assigned.ledger.acknowledge(checkpoint)

            await self._publisher.publish(checkpoint.snapshots, acknowledged)

    def committable(self) -> dict[Place, int]:
        """What may be committed now, by topic and partition."""
        return {
            where: assigned.ledger.committable
            for where, assigned in self._assigned.items()
            if assigned.ledger.committable is not None
        }

    def progress(self) -> tuple[float, dict[Place, int]]:
        """When it last took something (monotonic seconds), and the next offset of each place."""
        return self._took_at, {where: a.next_offset for where, a in self._assigned.copy().items()}

    def forget(self, places: Sequence[Place]) -> None:
        """Partitions that were taken from this worker."""
        for where in places:
            self._assigned.pop(where, None)

    async def _ready(self, where: Place, fold: FetchedFold) -> Assigned:
        """The partition's state at the fold's first record, restored where need be."""
        assigned = self._assigned.get(where)
        if assigned is not None and assigned.generation == fold.generation:
            if fold.first >= assigned.next_offset:
                if fold.after is not None and fold.after > assigned.next_offset:
                    crash(f"{where}: records {assigned.next_offset} … {fold.first - 1} got lost")
                return assigned
            log.info("read again", topic=where[0], partition=where[1], offset=fold.first)
            self._snapshots.pop((fold.generation, where[1]), None)
        state = partition_state(await self._read(fold.generation, where[1]), *where)
        covered = state.clock.offset + 1
        log.info(
            "took over",
            topic=where[0],
            partition=where[1],
            offset=fold.first,
            robots=len(state.robots),
            covered=covered,
        )
        assigned = Assigned(fold.generation, state, min(covered, fold.first))
        await self._catch_up(assigned, where, fold.first)
        assigned.next_offset = fold.first
        self._assigned[where] = assigned
        return assigned

    async def _catch_up(self, assigned: Assigned, where: Place, stop: int) -> None:
        """Process again what was committed and the snapshots that are left do not cover."""
        while assigned.next_offset < stop:
            start = assigned.next_offset
            records = await self._log.raw(*where, start, stop)
            lost = (records[0].offset if records else stop) - start
            if lost:
                place = {"topic": where[0], "partition": where[1]}
                log.error("raw records are gone", **place, first=start, last=start + lost - 1)
            if not records:
                return
            entered: list[tuple[Assigned, int]] = []
            outputs = self._process(assigned, where, records, entered)
            await self._publish(outputs, entered, records[-1].timestamp * 1_000_000)

    async def _read(self, generation: int, partition: int) -> Snapshots:
        """A partition's snapshots, read once for all topics of a generation."""
        known = self._snapshots.get((generation, partition))
        if known is None:
            known = await self._log.snapshots(partition)
            self._snapshots = {k: v for k, v in self._snapshots.items() if k[0] == generation}
            self._snapshots[generation, partition] = known
        return known

    def _wake(self) -> None:
        async def notify() -> None:
            async with self._room:
                self._room.notify_all()

        if self._in_flight == MAX_SWEEPS_IN_FLIGHT - 1:
            asyncio.get_running_loop().create_task(notify())
