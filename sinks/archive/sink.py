"""The archive sink: ranges of records of the log are put, then committed.

A range's key is its first offset, and it is put only where nothing lies. So wherever the process
ends, what was put counts: the next one looks how far the archive reaches where it begins to read,
or finds the key taken, and goes on behind it. Objects never overlap, and together they hold every
record that was committed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from obstore.store import ObjectStore

from sinks.archive.ranges import Range
from sinks.archive.writer import RangeWriter
from sinks.measure import WRITE_SECONDS
from sinks.patience import Patience
from sinks.record import Place, Record

NAME = "archive"
QUIET_S = 60.0
"""The open range of a partition that gives nothing for so long is put as it is."""


class ArchiveSink:
    """Gathers each partition's records into ranges and puts them."""

    def __init__(self, store: ObjectStore, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self.reset()

    def take(self, record: Record) -> None:
        """Add a record; a complete range is put at once."""
        self._heard_s[record.place] = time.monotonic()
        self._writer.look(record)
        for complete in self._writer.ranges.take(record):
            self._put(complete)

    def settle(self, final: bool) -> Mapping[Place, int]:
        """Put what waits in vain for more, on a clean stop all; what was put is at rest."""
        quiet_since_s = time.monotonic() - QUIET_S
        for place in [p for p, at_s in self._heard_s.items() if final or at_s < quiet_since_s]:
            del self._heard_s[place]
            for part in self._writer.ranges.cut(place):
                self._put(part)
        return self._writer.ranges.needed()

    def oldest_ms(self) -> int | None:
        """When the oldest record that is not at rest was appended."""
        return self._writer.ranges.oldest_ms()

    def reset(self) -> None:
        """Drop open ranges."""
        self._writer = RangeWriter(self._store, self._patience)
        self._heard_s: dict[Place, float] = {}

    def _put(self, part: Range) -> None:
        with WRITE_SECONDS.labels(NAME).time():
            self._writer.put(part)
