"""The lake sink: records to segments, segments to the store, manifests behind them, then commit.

Wherever the process ends, in this order of what it does:

- frames in an open segment: nothing of them is committed; they are read again from its first
  record on and make the same segment (`sinks.lake.segmenter`);
- a segment is put, the commit not done: its chunks come again and are known from its metadata;
- the episode's segments are put, the manifest not: the end of the episode comes again, finds them
  by listing and puts the manifest, which says the same; a chunk that comes too late for it is
  put behind it, never before (`waves`);
- the manifest is put, `sealed` not announced or the commit not done: the end comes again, finds
  the manifest and announces what lies there, in the same bytes;
- a process that was stopped, replaced, and wakes up puts what the log made it put: the key is
  taken, and its commit is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from obstore.store import ObjectStore

from schemas.canonical import decode_canonical
from schemas.events import EpisodeEvent
from sinks.announce import Announcer
from sinks.lake.keys import Region
from sinks.lake.segment import SegmentFacts
from sinks.lake.segmenter import Action, Close, Seal, Segmenter
from sinks.lake.store import put_manifest, put_segment, segments_in
from sinks.lake.table import ChannelNames
from sinks.measure import DUPLICATES, FRAMES, WRITE_SECONDS
from sinks.objects import store_may_recover
from sinks.patience import Patience
from sinks.record import Place, Record

NAME = "lake"
MAX_PENDING = 16
MAX_AGE_S = 0.25
PUTS_AT_ONCE = 4

T = TypeVar("T")
U = TypeVar("U")


class LakeSink:
    """Segments what it takes and puts what is sealed, several objects at a time."""

    def __init__(
        self,
        store: ObjectStore,
        channel_names: ChannelNames,
        announcer: Announcer,
        patience: Patience,
    ) -> None:
        self._store = store
        self._channel_names = channel_names
        self._announcer = announcer
        self._patience = patience
        self._pool = ThreadPoolExecutor(PUTS_AT_ONCE, thread_name_prefix="put")
        self.reset()

    def take(self, record: Record) -> None:
        """Add a record; what it seals waits for the next flush."""
        if record.value is None:
            raise ValueError("a record of canonical frames has no value")
        fact = decode_canonical(record.value)
        size = len(record.value)
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
        return self._segmenter.needed()

    def oldest_ms(self) -> int | None:
        """When the first record of the oldest open segment was appended."""
        return self._segmenter.oldest_ms()

    def reset(self) -> None:
        """Drop open segments and everything known of regions."""
        self._segmenter = Segmenter(self._recall)
        self._pending: list[Action] = []
        self._pending_since = 0.0
        self._duplicates = 0

    def _recall(self, region: Region) -> Sequence[SegmentFacts]:
        return self._patience.attempt(
            "the object store", lambda: segments_in(self._store, region), store_may_recover
        )

    def _flush(self) -> None:
        events: list[tuple[int, EpisodeEvent]] = []
        for seals, closes in waves(self._pending):
            facts = self._each(seals, self._put_segment)
            for seal, known in zip(seals, facts, strict=True):
                self._segmenter.at_rest(seal.segment.region, known)
                FRAMES.labels(NAME).inc(known.frames)
            manifests = [(close, self._segmenter.segments(close)) for close in closes]
            sealed = self._each(manifests, self._put_manifest)
            events += [(c.place.partition, e) for c, e in zip(closes, sealed, strict=True)]
        self._announcer.send(events)
        self._pending.clear()
        self._segmenter.trim()
        DUPLICATES.labels(NAME).inc(self._segmenter.duplicates - self._duplicates)
        self._duplicates = self._segmenter.duplicates

    def _each(self, items: Sequence[T], put: Callable[[T], U]) -> list[U]:
        """Put several objects at a time, again those that failed; results in order."""
        done: dict[int, U] = {}

        def attempt() -> None:
            left = [i for i in range(len(items)) if i not in done]
            futures = {i: self._pool.submit(put, items[i]) for i in left}
            wait(futures.values())
            failed = [future.exception() for future in futures.values()]
            done.update({i: f.result() for i, f in futures.items() if f.exception() is None})
            # What waiting does not mend comes first.
            for error in sorted((e for e in failed if e), key=store_may_recover):
                raise error

        self._patience.attempt("the object store", attempt, store_may_recover)
        return [done[i] for i in range(len(items))]

    def _put_segment(self, seal: Seal) -> SegmentFacts:
        with WRITE_SECONDS.labels(NAME).time():
            return put_segment(self._store, seal.segment, self._channel_names)

    def _put_manifest(self, manifest: tuple[Close, Sequence[SegmentFacts]]) -> EpisodeEvent:
        close, segments = manifest
        with WRITE_SECONDS.labels(NAME).time():
            return put_manifest(self._store, close.region, close.boundary, segments)


def waves(actions: Iterable[Action]) -> Iterator[tuple[list[Seal], list[Close]]]:
    """Actions in groups: segments that may be put at once, then the manifests behind them.

    A segment of an episode that has ended goes into a later group than the episode's manifest.
    """
    seals: list[Seal] = []
    closes: list[Close] = []
    for action in actions:
        if isinstance(action, Close):
            closes.append(action)
        elif any(close.region == action.segment.region for close in closes):
            yield seals, closes
            seals, closes = [action], []
        else:
            seals.append(action)
    if seals or closes:
        yield seals, closes
