"""The lake sink: records to segments, segments to the store, manifests behind them, then commit.

Wherever the process ends, in this order of what it does:

- frames in an open segment: nothing of them is committed; they are read again from its first
  record on and make the same segment (`sinks.lake.segmenter`);
- a segment is put, the commit not done: its chunks come again and are known from its metadata;
- the episode's segments are put, the manifest not: the end of the episode comes again, finds them
  by listing and puts the manifest, which says the same; of each robot one object is put after the
  other, so that a chunk too late for the manifest never lies there before it (`waves`);
- the manifest is put, `sealed` not announced or the commit not done: the end comes again, finds
  the manifest and announces what lies there, in the same bytes;
- boundaries lie beside the segments in ranges of their own (`sinks.lake.boundaries`): none of them
  is committed before its range is put, and a range that comes again is found;
- a process that was stopped, replaced, and wakes up puts what the log made it put: the key is
  taken, and its commit is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from obstore.store import ObjectStore

from schemas.events import EpisodeEvent
from sinks.announce import Announcer
from sinks.foreign import fact_of
from sinks.lake.boundaries import BoundaryKeeper
from sinks.lake.keys import Region, Stream
from sinks.lake.segment import SegmentFacts
from sinks.lake.segmenter import Action, Close, Seal, Segmenter
from sinks.lake.spill import Spill
from sinks.lake.store import put_manifest, put_segment, segments_in
from sinks.lake.table import ChannelNames
from sinks.measure import DELAY_SECONDS, DUPLICATES, FRAMES, WRITE_SECONDS
from sinks.objects import store_may_recover
from sinks.patience import Patience
from sinks.record import Place, Record

NAME = "lake"
MAX_PENDING = 16
MAX_AGE_S = 0.25
PUTS_AT_ONCE = 4


class LakeSink:
    """Segments what it takes and puts what is sealed, several objects at a time."""

    def __init__(
        self,
        store: ObjectStore,
        channel_names: ChannelNames,
        announcer: Announcer,
        patience: Patience,
        spill_dir: Path,
    ) -> None:
        self._spill = Spill(spill_dir, patience)
        self._store = store
        self._channel_names = channel_names
        self._announcer = announcer
        self._patience = patience
        self._pool = ThreadPoolExecutor(PUTS_AT_ONCE, thread_name_prefix="put")
        self.reset()

    def take(self, record: Record) -> None:
        """Add a record; what it seals waits for the next flush."""
        fact = fact_of(record)
        self._boundaries.take(record, fact)
        size = len(record.value or b"")
        actions = self._segmenter.take(record.place, record.offset, record.timestamp_ms, fact, size)
        for action in actions:
            if not self._pending:
                self._pending_since = time.monotonic()
            self._pending.append(action)
        if len(self._pending) >= MAX_PENDING:
            self._flush()

    def settle(self, final: bool) -> Mapping[Place, int]:
        """Put what was sealed, if it is due; open segments are not cut, on a clean stop neither."""
        if self._pending:
            if final or time.monotonic() - self._pending_since >= MAX_AGE_S:
                self._flush()
            else:
                return {}
        kept = self._boundaries.needed()
        return {p: min(at, kept.get(p, at)) for p, at in self._segmenter.needed().items()}

    def oldest_ms(self) -> int | None:
        """When the first record of the oldest open segment was appended."""
        return self._segmenter.oldest_ms()

    def reset(self) -> None:
        """Drop open segments and everything known of regions."""
        self._segmenter = Segmenter(self._recall, self._spill)
        self._boundaries = BoundaryKeeper(self._store, self._patience)
        self._pending: list[Action] = []
        self._pending_since = 0.0
        self._duplicates = 0

    def _recall(self, region: Region) -> Sequence[SegmentFacts]:
        return self._patience.attempt(
            "the object store", lambda: segments_in(self._store, region), store_may_recover
        )

    def _flush(self) -> None:
        events: list[tuple[int, EpisodeEvent]] = []
        for wave in waves(self._pending):
            for action, done in zip(wave, self._each(wave), strict=True):
                if isinstance(action, Close) and isinstance(done, EpisodeEvent):
                    events.append((action.place.partition, done))
                    ended_s = action.boundary.log_ms / 1000.0
                    DELAY_SECONDS.labels(NAME).observe(max(time.time() - ended_s, 0.0))
                elif isinstance(action, Seal) and isinstance(done, SegmentFacts):
                    self._segmenter.at_rest(action.segment.region, done)
                    FRAMES.labels(NAME).inc(done.frames)
        self._announcer.send(events)
        self._pending.clear()
        self._segmenter.trim()
        DUPLICATES.labels(NAME).inc(self._segmenter.duplicates - self._duplicates)
        self._duplicates = self._segmenter.duplicates

    def _each(self, actions: Sequence[Action]) -> list[SegmentFacts | EpisodeEvent]:
        """Put several objects at a time, again those that failed; results in order."""
        puts = [self._put_of(action) for action in actions]
        done: dict[int, SegmentFacts | EpisodeEvent] = {}

        def attempt() -> None:
            futures = {i: self._pool.submit(put) for i, put in enumerate(puts) if i not in done}
            wait(futures.values())
            failed = [future.exception() for future in futures.values()]
            done.update({i: f.result() for i, f in futures.items() if f.exception() is None})
            # What waiting does not mend comes first.
            for error in sorted((e for e in failed if e), key=store_may_recover):
                raise error

        with WRITE_SECONDS.labels(NAME).time():
            self._patience.attempt("the object store", attempt, store_may_recover)
        return [done[i] for i in range(len(puts))]

    def _put_of(self, action: Action) -> Callable[[], SegmentFacts | EpisodeEvent]:
        if isinstance(action, Seal):
            return partial(put_segment, self._store, action.segment, self._channel_names)
        segments = self._segmenter.segments(action)
        return partial(put_manifest, self._store, action.region, action.boundary, segments)


def waves(actions: Iterable[Action]) -> Iterator[list[Action]]:
    """Actions that may be done side by side, wave after wave: of each stream the next one.

    What lies in the store of a stream is then always what a shorter log would have left there,
    which is what makes a sink that starts again cut as the one before it.
    """
    lanes: dict[Stream, list[Action]] = {}
    for action in actions:
        lanes.setdefault(action.stream, []).append(action)
    for i in range(max((len(lane) for lane in lanes.values()), default=0)):
        yield [lane[i] for lane in lanes.values() if i < len(lane)]
