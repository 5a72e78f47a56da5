"""The loop all sinks share: read, hand over, commit what is at rest and nothing else.

A sink gets one record after the other and says, when asked, up to where everything is at rest.
Only such positions are committed, so a process may end anywhere: the next one begins at what was
committed and finds the rest in the store. Assignment is eager: when partitions change hands the
sink forgets what is not at rest, whole, and reads it again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.bad_batch import is_bad_batch
from sinks.consumer import broker_may_recover, step_over
from sinks.foreign import ForeignRecordError
from sinks.measure import FOREIGN, OLDEST_SECONDS, RECORDS, SKIPPED
from sinks.offsets import Offsets
from sinks.patience import Patience
from sinks.record import Place, Record, record_of

MAX_BATCH = 500
MAX_BATCH_BYTES = 16 * 1024 * 1024
COMMIT_EVERY_S = 1.0
STOP_WITHIN_S = 5.0
"""How long a store that does not answer may hold up a stop."""

_log = structlog.get_logger()


class Sink(Protocol):
    """What puts records at rest."""

    def take(self, record: Record) -> None:
        """One more record, in the order of its partition.

        Raises ForeignRecordError where it is not of its topic's kind: that is logged and counted.
        """

    def settle(self, final: bool) -> Mapping[Place, int]:
        """Put at rest what is due (on a clean stop: all that can be).

        Returns, for each partition, the smallest offset that is still needed.
        """

    def oldest_ms(self) -> int | None:
        """When the oldest record that is not at rest was appended, Unix ms."""

    def reset(self) -> None:
        """Forget everything that is not at rest."""


class ReassignedError(Exception):
    """Partitions changed hands while a sink was waiting."""


class StoppedError(Exception):
    """The process was told to stop while a sink was waiting."""


class Follower:
    """A consumer, its positions, and the patience its sink waits with."""

    def __init__(self, name: str, settings: Mapping[str, Any], stop: Event) -> None:
        self.patience = Patience(name, self._idle)
        self._name = name
        self._settings = settings
        self._stop = stop
        self._give_up_at: float | None = None
        self._consumer = Consumer({**settings, "on_commit": self._on_commit})
        self._offsets = Offsets()
        self._reassigned = False
        self._waiting: list[Record] = []
        self._committed_at = 0.0

    def run(self, topics: Sequence[str], sink: Sink) -> None:
        """Follow topics until told to stop; on any error the consumer is closed and it is raised.

        Args:
            topics: names, or patterns that begin with `^`.
            sink: where records go.
        """
        changed = self._on_reassigned
        self._consumer.subscribe(
            list(topics), on_assign=changed, on_revoke=changed, on_lost=changed
        )
        try:
            self._follow(sink)
            self._commit_last()
        finally:
            self._consumer.close()

    def _follow(self, sink: Sink) -> None:
        try:
            while not self._stop.is_set():
                self._turn(sink)
            self._rest(sink, final=True)
        except (ReassignedError, StoppedError):
            _log.warning("stopped before everything was at rest; the next run reads it again")

    def _turn(self, sink: Sink) -> None:
        try:
            for record in self._gather(sink):
                self._hand_over(record, sink)
            self._rest(sink, final=False)
        except ReassignedError:
            self._forget(sink)
        self._commit()
        oldest = sink.oldest_ms()
        age = 0.0 if oldest is None else max(time.time() - oldest / 1000, 0.0)
        OLDEST_SECONDS.labels(self._name).set(age)

    def _commit_last(self) -> None:
        until = time.monotonic() + STOP_WITHIN_S
        self._send_commit()
        while self._offsets.unconfirmed() and time.monotonic() < until:
            # What it still gives is not taken: the next run reads it again.
            self._consumer.poll(0.05)
        if self._offsets.unconfirmed():
            _log.warning("the broker did not confirm the last commit; some is read again")

    def _rest(self, sink: Sink, final: bool) -> None:
        for place, records in self._offsets.rest(sink.settle(final)).items():
            RECORDS.labels(self._name, place.topic).inc(records)

    def _hand_over(self, record: Record, sink: Sink) -> None:
        skipped = self._offsets.read(record.place, record.offset)
        if skipped:
            SKIPPED.labels(self._name, record.place.topic).inc(skipped)
            _log.error("offsets skipped", at=f"{record.place}@{record.offset}", offsets=skipped)
        try:
            sink.take(record)
        except ForeignRecordError as error:
            FOREIGN.labels(self._name, record.place.topic).inc()
            at = f"{record.place}@{record.offset}"
            _log.error("stepped over: no record of this topic's kind", at=at, reason=str(error))
        except (ReassignedError, StoppedError):
            raise
        except Exception as error:
            error.add_note(f"while taking {record.place}@{record.offset}")
            raise

    def _gather(self, sink: Sink) -> list[Record]:
        batch, self._waiting = self._waiting, []
        size, timeout = 0, 0.05
        while len(batch) < MAX_BATCH and size < MAX_BATCH_BYTES:
            message = self._consumer.poll(timeout)
            if self._reassigned:
                batch.clear()
                self._forget(sink)
            if message is None:
                break
            record = self._checked(message)
            if record is not None:
                batch.append(record)
                size += len(record.value or b"")
                timeout = 0.0
        return batch

    def _checked(self, message: Message) -> Record | None:
        error = message.error()
        if error is None:
            return record_of(message)
        if is_bad_batch(error):
            place = Place(message.topic(), message.partition())
            step_over(self._consumer, self._settings, place, message.offset())
            return None
        if not broker_may_recover(error):
            raise KafkaException(error)
        _log.warning("broker", error=error.str())
        return None

    def _idle(self, seconds: float) -> None:
        """Wait with consumption paused, as a living member of the group."""
        held = self._consumer.assignment()
        self._consumer.pause(held)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            message = self._consumer.poll(min(left, 0.2))
            if self._reassigned:
                raise ReassignedError
            if message is not None and (record := self._checked(message)) is not None:
                self._waiting.append(record)
            if self._stop.is_set():
                self._give_up_at = self._give_up_at or time.monotonic() + STOP_WITHIN_S
                if time.monotonic() > self._give_up_at:
                    raise StoppedError
        self._consumer.resume(held)

    def _forget(self, sink: Sink) -> None:
        self._reassigned = False
        self._waiting.clear()
        self._offsets.forget()
        sink.reset()

    def _commit(self) -> None:
        now = time.monotonic()
        if now - self._committed_at >= COMMIT_EVERY_S:
            self._committed_at = now
            self._send_commit()

    def _send_commit(self) -> None:
        """Send what is at rest; what fails is sent again, with what has come to rest since."""
        wanted = self._offsets.unconfirmed()
        if wanted:
            positions = [TopicPartition(p.topic, p.partition, at) for p, at in wanted.items()]
            self._consumer.commit(offsets=positions, asynchronous=True)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        for part in partitions:
            failed = error or part.error
            if failed is None:
                self._offsets.confirm(Place(part.topic, part.partition), part.offset)
            else:
                _log.warning("commit failed", at=f"{part.topic}/{part.partition}", error=failed)

    def _on_reassigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._reassigned = True
        topics = sorted({part.topic for part in partitions})
        _log.info("partitions changed hands", partitions=len(partitions), topics=topics)
