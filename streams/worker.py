"""A stream worker's shell around the pure steps: restore, process, publish, checkpoint."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Container, Mapping, Sequence

import structlog

from streams.assigned import Assigned, FetchedFold
from streams.checkpoint import Checkpoint
from streams.chunk import Processor
from streams.holding import Place
from streams.in_work import InWork
from streams.measure import Measure, Standing
from streams.process import process_fold
from streams.publisher import crash
from streams.records import Output, RawRecord
from streams.refusals import PauseRule
from streams.rests import Rests
from streams.takeover import Log, Publishing, TakeOver

MAX_SWEEPS_IN_FLIGHT = 16
STEP_AFTER_S = 1.0
"""Before a record is worked on that was in work at an end, the other partitions get so long."""

log = structlog.get_logger()


class Worker:
    """Takes sweeps of folds one after the other; outputs of many are in flight at a time."""

    def __init__(
        self,
        source: Log,
        processors: Mapping[str, Processor],
        publisher: Publishing,
        measure: Measure,
        in_work: InWork,
        rule: PauseRule,
        partitions: int,
    ) -> None:
        self._log = source
        self._processors = processors
        self._publisher = publisher
        self._measure = measure
        self._in_work = in_work
        measure.watch(self.standing)
        self._rests: Rests[FetchedFold] = Rests(rule, measure, self._go_on)
        self._turn = asyncio.Lock()
        self._assigned: dict[Place, Assigned] = {}
        self._takeover = TakeOver(source, publisher, in_work, partitions)
        self._in_flight = 0
        self._took_at = time.monotonic()
        self._room = asyncio.Condition()
        self._checkpoints: asyncio.Queue[tuple[Assigned, Checkpoint]] = asyncio.Queue()

    async def take(self, folds: Sequence[FetchedFold]) -> None:
        """Process one sweep and queue its outputs; waits while too many are in flight.

        Whatever goes wrong ends the process: Faust would go on with the next sweep, and outputs of
        partitions that stood in this one before the error would be missing among later ones.
        """
        async with self._turn:
            try:
                await self._sweep(folds)
            except Exception:
                traceback.print_exc()
                crash("a sweep failed")
                raise

    async def _sweep(self, folds: Sequence[FetchedFold]) -> None:
        self._took_at = time.monotonic()
        outputs: list[Output] = []
        entered: list[tuple[Assigned, int]] = []
        for fold in folds:
            where = (fold.records[0].topic, fold.records[0].partition)
            if self._rests.keep(where, fold):
                continue
            assigned = await self._ready(where, fold)
            if not assigned.settled:
                log.warning("a suspect is ahead; others first", topic=where[0], partition=where[1])
                assigned.waited = True
                self._rests.begin([where], STEP_AFTER_S)
                self._rests.keep(where, fold)
                continue
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
        """Process records in runs, each entered in the ledger; gives their outputs."""
        outputs: list[Output] = []
        for run in assigned.suspects.steps(records):
            try:
                assigned.state, folded = process_fold(
                    assigned.state,
                    self._in_work.each(run),
                    self._processors,
                    crashed=assigned.suspects.crashed,
                    checkpoint=assigned.suspects.ahead(run[0].offset),
                )
            except Exception:
                self._in_work.blame()
                # structlog's own would render every local: seconds, while all vendors wait.
                traceback.print_exc()
                crash(f"a step failed on {where[0]}/{where[1]}, {run[0].offset} … {run[-1].offset}")
                raise
            self._in_work.clear()
            assigned.next_offset = run[-1].offset + 1
            number = assigned.ledger.enter(folded.checkpoint, run[-1].timestamp)
            entered.append((assigned, number))
            self._measure.folded(where[0], folded, self._in_flight)
            outputs += folded.outputs
            self._rests.watch(where[0], folded.counts, run[-1].timestamp, self._assigned)
        return outputs

    async def _go_on(self, places: Sequence[Place]) -> None:
        """Partitions have rested: what of theirs was fetched meanwhile is worked on first."""
        async with self._turn:
            for place in places:
                for fold in self._rests.release(place):
                    await self._sweep([fold])

    def blame(self) -> None:
        """The process is about to end because nothing goes on."""
        self._in_work.blame()

    def held(self) -> frozenset[Place]:
        """Places that rest: nothing is to be fetched of them."""
        return self._rests.places()

    async def write_checkpoints(self) -> None:
        """Write the snapshots of checkpoints whose outputs are all out, in order, for ever."""
        while True:
            assigned, checkpoint = await self._checkpoints.get()

            def acknowledged(
                assigned: Assigned = assigned, checkpoint: Checkpoint = checkpoint
            ) -> None:
                assigned.ledger.acknowledge(checkpoint)

            await self._publisher.publish(checkpoint.snapshots, acknowledged)

    def committable(self, generation: int) -> dict[Place, int]:
        """What may be committed in this generation of the group, by topic and partition.

        A fold that was under way when its partition was taken away is worked on to its end: what
        it gives may be behind what another worker has committed since.
        """
        return {
            where: assigned.ledger.committable
            for where, assigned in self._assigned.items()
            if assigned.ledger.committable is not None and assigned.generation == generation
        }

    def progress(self) -> tuple[float, dict[Place, int]]:
        """When it last took something (monotonic seconds), and the next offset of each place."""
        held = self.held()
        places = self._assigned.copy().items()
        return self._took_at, {where: a.next_offset for where, a in places if where not in held}

    def standing(self) -> dict[str, Standing]:
        """How far each topic has come; asked for by other threads."""
        found: dict[str, Standing] = {}
        for (topic, _), assigned in self._assigned.copy().items():
            out_ms = assigned.ledger.delivered_ms
            before = found.get(topic, Standing(None, 0))
            known = [ms for ms in (before.delivered_ms, out_ms) if ms is not None]
            robots = before.robots + len(assigned.state.robots)
            found[topic] = Standing(min(known, default=None), robots)
        return found

    def keep(self, places: Container[Place]) -> None:
        """The partitions that this worker has now; a sweep under way may have kept others."""
        self.forget([where for where in self._assigned if where not in places])

    def forget(self, places: Sequence[Place]) -> None:
        """Partitions that were taken from this worker."""
        for where in places:
            self._assigned.pop(where, None)
            self._rests.release(where)

    async def _ready(self, where: Place, fold: FetchedFold) -> Assigned:
        """The partition's state at the fold's first record, restored where need be.

        It is not settled where a suspect is ahead that has not waited for the others.
        """
        assigned = self._assigned.get(where)
        if assigned is None or assigned.generation != fold.generation:
            assigned = await self._take_over(where, fold)
        elif assigned.settled and fold.first < assigned.next_offset:
            log.info("read again", topic=where[0], partition=where[1], offset=fold.first)
            self._takeover.forget(where, fold.generation)
            assigned = await self._take_over(where, fold)
        elif assigned.settled:
            if fold.after is not None and fold.after > assigned.next_offset:
                crash(f"{where}: records {assigned.next_offset} … {fold.first - 1} got lost")
            return assigned
        if assigned.waited or not assigned.suspects.ahead(assigned.next_offset):
            await self._catch_up(assigned, where, fold.first)
            assigned.next_offset = fold.first
            assigned.settled = True
        return assigned

    async def _take_over(self, where: Place, fold: FetchedFold) -> Assigned:
        state, start, suspects = await self._takeover.at(where, fold.generation, fold.first)
        self._assigned[where] = Assigned(fold.generation, state, start, suspects)
        return self._assigned[where]

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

    def _wake(self) -> None:
        async def notify() -> None:
            async with self._room:
                self._room.notify_all()

        if self._in_flight == MAX_SWEEPS_IN_FLIGHT - 1:
            asyncio.get_running_loop().create_task(notify())
