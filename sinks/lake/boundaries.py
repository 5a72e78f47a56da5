"""Keeps the boundaries among the canonical frames beside the segments, in ranges of the log.

No segment says where a session began, and a manifest only where its episode ended. A range ends
behind each end of a session and of late frames, and where the archive's ranges end by time: what
begins always ends, so a range never holds back the commit of a partition in which nothing happens
any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from obstore.store import ObjectStore

from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk
from sinks.archive.ranges import Range
from sinks.archive.writer import RangeWriter
from sinks.patience import Patience
from sinks.record import Place, Record


class BoundaryKeeper:
    """The boundaries read since the last range of each partition."""

    def __init__(self, store: ObjectStore, patience: Patience) -> None:
        self._writer = RangeWriter(store, patience)

    def take(self, record: Record, fact: CanonicalChunk | Boundary) -> None:
        """One record of canonical frames; a range that it completes is put at once."""
        self._writer.look(record)
        for complete in self._ranges(record, fact):
            self._writer.put(complete)

    def needed(self) -> Mapping[Place, int]:
        """For each partition the first record that is not at rest."""
        return self._writer.ranges.needed()

    def _ranges(self, record: Record, fact: CanonicalChunk | Boundary) -> Iterator[Range]:
        ranges = self._writer.ranges
        if isinstance(fact, CanonicalChunk):
            yield from ranges.pass_by(record)
            return
        yield from ranges.take(record)
        if fact.kind in (BoundaryKind.SESSION_END, BoundaryKind.LATE_END):
            yield from ranges.cut(record.place)
