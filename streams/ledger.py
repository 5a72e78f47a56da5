"""What may be committed: nothing whose outputs or snapshots are not all acknowledged.

Folds of a partition are entered in order and delivered in any order. A checkpoint's snapshots may
be written once every fold up to it is delivered, for a snapshot says "what came before me is out";
its offset may be committed once they are acknowledged, too. Pure bookkeeping, no I/O.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from streams.checkpoint import Checkpoint


@dataclass
class _Entry:
    checkpoint: Checkpoint | None
    log_ms: int
    delivered: bool = False


@dataclass
class Ledger:
    """The folds of one assigned partition that are not committed yet."""

    _first: int = 0
    _folds: deque[_Entry] = field(default_factory=deque)
    _due: deque[Checkpoint] = field(default_factory=deque)
    _acknowledged: set[int] = field(default_factory=set)
    committable: int | None = None
    """The offset that may be committed, None before the first checkpoint is acknowledged."""
    delivered_ms: int | None = None
    """Log time of the last record that is out, with all before it."""

    def enter(self, checkpoint: Checkpoint | None, log_ms: int = 0) -> int:
        """Enter the next fold, whose last record has this log time; gives its number."""
        self._folds.append(_Entry(checkpoint, log_ms))
        return self._first + len(self._folds) - 1

    def deliver(self, number: int) -> list[Checkpoint]:
        """A fold's outputs are all acknowledged; gives the checkpoints whose time has come."""
        self._folds[number - self._first].delivered = True
        due = []
        while self._folds and self._folds[0].delivered:
            entry = self._folds.popleft()
            self._first += 1
            self.delivered_ms = entry.log_ms
            if entry.checkpoint is not None:
                due.append(entry.checkpoint)
        self._due += due
        return due

    def acknowledge(self, checkpoint: Checkpoint) -> None:
        """A checkpoint's snapshots are all acknowledged, perhaps before those of one before it."""
        self._acknowledged.add(checkpoint.offset)
        while self._due and self._due[0].offset in self._acknowledged:
            self.committable = self._due.popleft().offset
            self._acknowledged.remove(self.committable)

    @property
    def open_folds(self) -> int:
        """Folds not delivered, or behind one that is not."""
        return len(self._folds)
