"""Carries one session's records from its backlog to Kafka: in order, none lost, none renumbered."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

from producers.sdk.backlog import Backlog, SpoolFullError
from producers.sdk.flight import Flight, Flown
from producers.sdk.link import Link
from producers.sdk.record import Identity, Outgoing
from schemas.envelope import Kind
from schemas.partition import partition_of

log = logging.getLogger("kinebus.sdk")

RETRY_SECONDS = 1.0
FEED_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session's records are."""

    records: int
    frames: int
    acknowledged_records: int
    acknowledged_frames: int


class Sender:
    """One session's way to Kafka.

    A record is first kept in the backlog, then handed to Kafka at once if nothing older waits and
    librdkafka has room, else later by the link's thread. It leaves the backlog with its delivery
    report. `follows` is an earlier session of the same robot that must be through first.
    """

    def __init__(
        self,
        identity: Identity,
        backlog: Backlog,
        link: Link,
        *,
        follows: Sender | None = None,
    ) -> None:
        self.identity = identity
        self._backlog = backlog
        self._link = link
        self._follows = follows
        self._key = identity.robot.encode()
        self._partition: int | None = None
        self._flight = Flight(backlog.acknowledged)
        self._changed = threading.Condition()
        self._ahead: deque[Outgoing] = deque()
        self._closed = False
        self._retry_at = 0.0
        self._first_sequence = backlog.next_sequence
        self._first_frame = backlog.next_frame
        self._acknowledged_records = 0
        self._acknowledged_frames = 0

    @property
    def pinned(self) -> bool:
        """Whether the session's partition is known."""
        return self._partition is not None

    @property
    def next_sequence(self) -> int:
        """The place of the next record."""
        return self._backlog.next_sequence

    @property
    def next_frame(self) -> int:
        """Index of the next frame."""
        return self._backlog.next_frame

    @property
    def drained(self) -> bool:
        """Whether Kafka has acknowledged everything."""
        return self._backlog.acknowledged >= self._backlog.next_sequence - 1

    def progress(self) -> Progress:
        """Counts since this process opened the session; acknowledged ones since then as well."""
        with self._changed:
            return Progress(
                self._backlog.next_sequence - self._first_sequence,
                self._backlog.next_frame - self._first_frame,
                self._acknowledged_records,
                self._acknowledged_frames,
            )

    def pin(self, partitions: int) -> None:
        """Fix the partition for the session's life."""
        with self._changed:
            self._partition = partition_of(self.identity.robot, partitions)

    def submit(
        self, kind: Kind, frames: int, value: bytes, timeout: float | None, *, last: bool = False
    ) -> int:
        """Take the session's next record; it is safe when this returns.

        Args:
            kind: chunk or mark.
            frames: in the chunk; 0 for a mark.
            value: as it goes to Kafka.
            timeout: seconds to wait for room; 0 does not wait, None waits as long as it takes.
            last: whether it ends the session.

        Returns:
            Its sequence.

        Raises:
            SpoolFullError: there was no room in time; the record was not taken.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            record = Outgoing(
                kind, self.next_sequence, self.next_frame, frames, time.time_ns(), value, last
            )
            while True:
                try:
                    self._backlog.append(record)
                    break
                except SpoolFullError:
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise
                    self._changed.wait(left)
            if self._flight.handed == record.sequence - 1 and self._may_hand():
                self._hand(record)
            return record.sequence

    def feed(self, now: float) -> None:
        """Hand over what waits in the backlog, as far as librdkafka has room."""
        with self._changed:
            if self._closed:
                return
            if self._flight.failed and not len(self._flight) and now >= self._retry_at:
                self._flight.rewind(self._backlog.acknowledged)
                self._ahead.clear()
            while self._may_hand():
                if not self._ahead:
                    self._ahead.extend(self._backlog.after(self._flight.handed, FEED_BYTES))
                if not self._ahead or not self._hand(self._ahead[0]):
                    return
                self._ahead.popleft()

    def sync(self) -> None:
        """Make what was taken survive a power cut; does not hold up who sends."""
        with self._changed:
            descriptors = [] if self._closed else self._backlog.unsynced()
        for descriptor in descriptors:
            os.fdatasync(descriptor)
            os.close(descriptor)

    def wait(self, timeout: float | None) -> bool:
        """Wait until Kafka has acknowledged everything; False when time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: self.drained, timeout)

    def close(self) -> None:
        """Let go of the backlog's files; reports that still come in count no more."""
        with self._changed:
            self._closed = True
            self._backlog.close()

    def _may_hand(self) -> bool:
        first = self._follows is None or self._follows.drained
        return first and self._partition is not None and not self._flight.failed

    def _hand(self, record: Outgoing) -> bool:
        flown = Flown(record.sequence, record.frames)
        assert self._partition is not None
        taken = self._link.produce(
            self.identity.topic,
            self._partition,
            self._key,
            record.value,
            record.headers(self.identity),
            partial(self._reported, flown),
        )
        if taken:
            self._flight.hand(flown)
        return taken

    def _reported(self, flown: Flown, error: Any, _message: Any) -> None:
        with self._changed:
            if self._closed:
                return
            done = self._flight.report(flown, error is None)
            if error is not None:
                self._retry_at = time.monotonic() + RETRY_SECONDS
                log.error(
                    "%s: record %d was not delivered and is sent again: %s",
                    self.identity.session,
                    flown.sequence,
                    error.str(),
                )
            if done:
                self._acknowledged_records += len(done)
                self._acknowledged_frames += sum(each.frames for each in done)
                self._backlog.acknowledge(done[-1].sequence)
                self._changed.notify_all()
