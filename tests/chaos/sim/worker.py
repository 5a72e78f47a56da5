"""A stream worker process: the production `Worker`, with the broker's side of it in our hands."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.chunk import Processor
from streams.records import Output, PlainRecord
from streams.refusals import PauseRule
from streams.state import Snapshot
from streams.worker import Worker
from tests.chaos.sim.arithmetic import snapshot
from tests.chaos.sim.log import PARTITIONS, Group, Log, Place

STATE = "streams.state"
MAX_IN_FLIGHT = 12


@dataclass(frozen=True)
class Fold:
    """What one poll brought of a partition."""

    after: int | None
    generation: int
    records: Sequence[PlainRecord]

    @property
    def first(self) -> int:
        return self.records[0].offset


class Source:
    """What a worker reads of the log when it takes a partition over."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def snapshots(self, partition: int) -> list[Snapshot]:
        records = self._log.places[(STATE, partition)]
        return [snapshot(record.value) for record in records if record.value]

    async def raw(self, topic: str, partition: int, start: int, stop: int) -> list[PlainRecord]:
        return self._log.read((topic, partition), start, min(stop - start, 20))


class Batch:
    """One call of `publish`: done when its last record is acknowledged."""

    def __init__(self, count: int, done: Callable[[], None]) -> None:
        self.left = count
        self.done = done


class Outbox:
    """A producer's queues, one a partition: in order within, in any order between."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._queues: dict[Place, deque[tuple[Output, Batch]]] = defaultdict(deque)
        self._reports: list[Batch] = []
        self.batches = 0

    async def publish(self, outputs: Sequence[Output], done: Callable[[], None]) -> None:
        if not outputs:
            done()
            return
        self.batches += 1
        batch = Batch(len(outputs), done)
        for output in outputs:
            self._queues[output.topic, output.partition].append((output, batch))

    def send(self, rng: random.Random, count: int, *, report: bool = True) -> None:
        """Some records reach the broker; a report may come later than its record."""
        for _ in range(count):
            waiting = [queue for queue in self._queues.values() if queue]
            if not waiting:
                return
            output, batch = rng.choice(waiting).popleft()
            self._log.append(output.topic, output.partition, output.key, output.value)
            batch.left -= 1
            if report and not batch.left:
                self._reports.append(batch)

    def report(self, rng: random.Random, count: int) -> None:
        """Delivery reports, in any order."""
        for _ in range(min(count, len(self._reports))):
            self.batches -= 1
            self._reports.pop(rng.randrange(len(self._reports))).done()

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))


class Nothing:
    """Stands in for the metrics."""

    def folded(self, *_: Any) -> None: ...

    def delivered(self, *_: Any) -> None: ...

    def paused(self, *_: Any, **__: Any) -> None: ...

    def watch(self, *_: Any) -> None: ...


class Note:
    """Stands in for the note of the record in work: nothing ends in the middle of a record."""

    left = None

    def each(self, records: Any) -> Any:
        return records

    def clear(self) -> None: ...

    def blame(self) -> None: ...


def worker_of(
    log: Log, processors: Mapping[str, Processor], outbox: Any, partitions: int = PARTITIONS
) -> Worker:
    """A production worker whose broker is `log` and `outbox`."""
    unused: Any = Nothing()
    note: Any = Note()
    return Worker(Source(log), processors, outbox, unused, note, PauseRule(0, 0.0), partitions)


class StreamProcess:
    """One worker process, from its start to its end."""

    def __init__(
        self, log: Log, group: Group, processors: Mapping[str, Processor], rng: random.Random
    ) -> None:
        self._log, self._group, self._rng = log, group, rng
        self.outbox = Outbox(log)
        self._worker = worker_of(log, processors, self.outbox)
        self._checkpoints = asyncio.ensure_future(self._worker.write_checkpoints())
        self._generation = -1
        self._positions: dict[Place, int] = {}
        self._after: dict[Place, int] = {}
        self._fetched: list[Fold] = []

    def _rejoin(self) -> None:
        """Find out that partitions changed hands; what was fetched may still be processed."""
        held = self._group.membership(self)
        if held is None or held.generation == self._generation:
            return
        self._worker.forget(list(self._positions))
        self._generation = held.generation
        self._positions = {place: self._group.committed[place] for place in held.places}
        self._after = {}
        if self._rng.random() < 0.7:
            self._fetched = []

    async def poll(self) -> None:
        """Fetch, and process what was fetched before."""
        self._rejoin()
        for place in self._rng.sample(list(self._positions), len(self._positions)):
            start = self._positions[place]
            records = self._log.read(place, start, self._rng.randint(1, 12))
            if records:
                self._positions[place] = records[-1].offset + 1
                self._fetched.append(Fold(self._after.get(place), self._generation, records))
                self._after[place] = records[-1].offset + 1
        if self._fetched and self.outbox.batches < MAX_IN_FLIGHT:
            folds, self._fetched = self._fetched, []
            await self._worker.take(folds)

    async def deliver(self) -> None:
        """Some outputs and snapshots get out and are acknowledged."""
        self.outbox.send(self._rng, self._rng.randint(0, 16))
        self.outbox.report(self._rng, self._rng.randint(0, 6))
        await settle()

    async def deliver_all(self) -> None:
        await settle()
        while self.outbox.waiting or self.outbox.batches:
            self.outbox.send(self._rng, self.outbox.waiting)
            self.outbox.report(self._rng, self.outbox.batches)
            await settle()

    def commit(self) -> None:
        """What Faust does twice a second."""
        for place, offset in self._worker.committable(self._generation).items():
            self._group.commit(self, self._generation, place, offset)

    def kill(self) -> None:
        """SIGKILL: of what was queued, some arrives and nobody hears of it."""
        self.outbox.send(self._rng, self._rng.randint(0, self.outbox.waiting), report=False)
        self._checkpoints.cancel()

    async def wake(self) -> None:
        """A process that was stopped and replaced goes on where it stood, then finds out."""
        if self._fetched and self.outbox.batches < MAX_IN_FLIGHT:
            folds, self._fetched = self._fetched, []
            await self._worker.take(folds)
        await self.deliver_all()
        self.commit()
        self._checkpoints.cancel()


async def settle() -> None:
    """Let tasks that can go on do so."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
