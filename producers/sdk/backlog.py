"""What a session has taken and Kafka has not acknowledged: the interface, and the one in memory."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from producers.sdk.record import Outgoing


class SpoolFullError(RuntimeError):
    """Nothing more fits: Kafka has not acknowledged what is there. Nothing was dropped."""


class Backlog(Protocol):
    """Records in sequence until they are acknowledged; bounded."""

    acknowledged: int
    """Sequence of the last record that Kafka has, with all before it; -1 at first."""

    @property
    def next_sequence(self) -> int:
        """The place of the next record."""

    @property
    def next_frame(self) -> int:
        """Index of the next frame in the session."""

    def append(self, record: Outgoing) -> None:
        """Keep a record; raises SpoolFullError."""

    def after(self, sequence: int, max_bytes: int) -> list[Outgoing]:
        """Records that follow a sequence: at least one, if there is one."""

    def acknowledge(self, sequence: int) -> None:
        """Let go of all records up to a sequence."""

    def unsynced(self) -> list[int]:
        """Descriptors of what a disk may not have yet; the caller syncs and closes them."""

    def close(self) -> None:
        """Let go of files; what is not acknowledged stays on disk."""


class MemoryBacklog:
    """A bounded backlog without a disk: gone with the process."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._records: deque[Outgoing] = deque()
        self._bytes = 0
        self.next_sequence = 0
        self.next_frame = 0
        self.acknowledged = -1

    def append(self, record: Outgoing) -> None:
        """Keep a record; raises SpoolFullError."""
        if self._bytes + record.stored_bytes > self._max_bytes:
            raise SpoolFullError(f"{self._bytes:,} bytes wait in memory for Kafka")
        self._records.append(record)
        self._bytes += record.stored_bytes
        self.next_sequence = record.sequence + 1
        self.next_frame = record.first_frame + record.frames

    def after(self, sequence: int, max_bytes: int) -> list[Outgoing]:
        """Records that follow a sequence: at least one, if there is one."""
        found: list[Outgoing] = []
        size = 0
        for place in range(sequence - self.acknowledged, len(self._records)):
            record = self._records[place]
            size += record.stored_bytes
            if found and size > max_bytes:
                break
            found.append(record)
        return found

    def acknowledge(self, sequence: int) -> None:
        """Let go of all records up to a sequence."""
        while self._records and self._records[0].sequence <= sequence:
            self._bytes -= self._records.popleft().stored_bytes
        self.acknowledged = max(self.acknowledged, sequence)

    def unsynced(self) -> list[int]:
        """None: there is no disk."""
        return []

    def close(self) -> None:
        """Nothing to do."""
