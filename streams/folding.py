"""Faust's aiokafka driver, taught to hand over whole polls.

Faust's cost is per event. Here one event is one sweep: everything that one poll brought, as one
fold of records for each partition. Commits follow `Ledger`, not Faust's acknowledgements: those
count a skipped offset as acknowledged, and with folds that passes over records whose outputs are
not out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import aiokafka
import structlog
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams import connection
from streams.batches import BoundedBatches, Skipped
from streams.records import RawRecord

FETCH_WAIT_MS = 30
FETCH_MIN_BYTES = 512 * 1024
RETRY_S = 0.5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fold:
    """Records of one partition in the order of their offsets.

    Attributes:
        after: end of the fold that was fetched before it, None behind a seek: a fold that Faust
            dropped on its way is noticed by it.
        generation: of the consumer group when it was fetched.
        records: at least one.
    """

    after: int | None
    generation: int
    records: Sequence[RawRecord]

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset


async def started(start: Callable[[], Awaitable[None]], client: Callable[[], Any]) -> None:
    """Start a client of the broker, as often as it takes: one that is away is waited for.

    The driver starts its clients once and ends the process where that fails.
    """
    waiting = False
    while True:
        try:
            return await start()
        except KafkaError as error:
            if not waiting:
                log.warning("waiting for the broker", error=str(error))
            waiting = True
            await client().stop()
            await asyncio.sleep(RETRY_S)


class Fetched(fetcher.PartitionRecords):
    """One partition's part of a fetch; a batch that cannot be opened is stepped over, and told."""

    skipped: ClassVar[Callable[[TP, Skipped], None]] = staticmethod(lambda tp, batch: None)

    def __init__(self, tp: TP, records: BoundedBatches, *rest: Any) -> None:
        self._batches = records
        self._place = tp
        super().__init__(tp, records, *rest)

    def _unpack_records(self) -> Iterator[Any]:
        yield from super()._unpack_records()
        for batch in self._batches.skipped():
            log.error("a batch is skipped", at=self._place, **batch._asdict())
            type(self).skipped(self._place, batch)


# The driver has no other place for a reader of ours: these are the names it looks up.
fetcher.MemoryRecords = BoundedBatches
fetcher.PartitionRecords = Fetched
connection.install()


class FoldingThread(driver.AIOKafkaConsumerThread):
    """The driver's thread, with its fetches sized for few requests."""

    async def on_start(self) -> None:
        """Start the consumer."""
        await started(super().on_start, lambda: self._consumer)

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_min_bytes = FETCH_MIN_BYTES
        return consumer


class FoldingConsumer(driver.Consumer):
    """A consumer whose messages are sweeps and whose commits are the ledger's.

    Two questions are set by the app. `committable`: what may be committed now, by partition;
    `held`: the partitions that rest. Faust's own pausing would drop a whole sweep that one of its
    partitions stands for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.committable: Callable[[], Mapping[TP, int]] = dict
        self.held: Callable[[], frozenset[TP]] = frozenset
        self._fetched_to: dict[TP, int] = {}

    def _new_consumer_thread(self) -> FoldingThread:
        return FoldingThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        held = self.held()
        if held and active_partitions is not None:
            active_partitions = active_partitions - held
            if not active_partitions:
                await asyncio.sleep(timeout)
                return {}
        fetched = await super()._getmany(active_partitions, timeout)
        folds = {tp: records for tp, records in (fetched or {}).items() if records}
        # One partition stands for all; Faust routes the event by it.
        return {next(iter(folds)): [folds]} if folds else {}

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        generation = self.app.consumer_generation_id
        folds = tuple(self._fold(place, records, generation) for place, records in record.items())
        last = folds[0].records[-1]
        return ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            last.timestamp / 1000.0,
            0,
            (),
            b"",
            folds,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    def _fold(self, tp: TP, records: Sequence[RawRecord], generation: int) -> Fold:
        after = self._fetched_to.get(tp)
        self._fetched_to[tp] = records[-1].offset + 1
        if after is not None and records[0].offset < after:
            after = None
        return Fold(after, generation, records)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: what lies between two folds is the fold itself."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter(tuple(self.committable()))

    def _new_offset(self, tp: TP) -> int | None:
        return self.committable().get(tp)


class PatientProducer(driver.Producer):
    """Faust's own producer: nothing of ours goes through it, but it starts with the app."""

    async def on_start(self) -> None:
        """Start the producer."""
        await started(super().on_start, lambda: self._producer)


class FoldingTransport(driver.Transport):
    """The transport that makes folding consumers."""

    Consumer = FoldingConsumer
    Producer = PatientProducer
