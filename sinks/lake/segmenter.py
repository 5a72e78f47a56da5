"""From the records of a partition to the objects they become: pure, and the same on every run.

A segment ends where its multiple of the frame index is full, where a chunk of another region,
multiple or shape follows, where its episode or session ends (for chunks that come late, behind the
end of their session, the tracker tells an end of their own), and where it falls 50,000 records
behind (it would hold back the commit for ever). All of that is in the log, so a sink that starts
again at the first record of its oldest open segment makes the same cuts.

What was accepted is known per region and multiple by the sequences of its chunks: those of open
segments from memory, those at rest from the objects' own metadata, looked up when a region is
first touched. So a record that comes again is recognised after any restart, and when a chunk lies
across two multiples, of which one is at rest, only its other part is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk
from sinks.lake.intervals import Intervals
from sinks.lake.keys import SEGMENT_FRAMES, Region, Stream, region_of
from sinks.lake.segment import Segment, SegmentFacts, Slice, shape_of
from sinks.record import Place

SPAN_RECORDS = 50_000
MAX_OPEN_BYTES = 96 * 1024 * 1024
MAX_REGIONS = 4_096
SESSION_ENDS = (BoundaryKind.SESSION_END, BoundaryKind.LATE_END)


@dataclass(slots=True)
class Seal:
    """A segment is complete: put it."""

    segment: Segment

    @property
    def stream(self) -> Stream:
        """Whose it is."""
        return self.segment.region.stream


@dataclass(slots=True)
class Close:
    """An episode has ended: put its manifest, behind these segments of it."""

    boundary: Boundary
    place: Place
    region: Region
    keys: tuple[str, ...]

    @property
    def stream(self) -> Stream:
        """Whose it is."""
        return self.region.stream


Action = Seal | Close


@dataclass(slots=True)
class _Known:
    """What is known of a region: accepted sequences per multiple, and its segments."""

    sequences: dict[int, Intervals] = field(default_factory=dict)
    segments: dict[str, SegmentFacts | None] = field(default_factory=dict)
    """None while the segment is on its way to the store."""


class Segmenter:
    """Open segments and what was accepted, of all robots of the partitions held.

    Args:
        recall: the segments that lie in a region, from the store.
        spill: takes a segment's slices out of memory.
        max_open_bytes: past this the largest open segments are spilled, until half is left.
    """

    def __init__(
        self,
        recall: Callable[[Region], Sequence[SegmentFacts]],
        spill: Callable[[Segment], None],
        max_open_bytes: int = MAX_OPEN_BYTES,
    ) -> None:
        self._recall = recall
        self._spill = spill
        self._max_open_bytes = max_open_bytes
        # Per partition in the order of their first records: the first one is the oldest.
        self._open: dict[Place, dict[Stream, Segment]] = {}
        self._next: dict[Place, int] = {}
        self._regions: dict[Region, _Known] = {}
        self.open_bytes = 0
        self.duplicates = 0

    def take(
        self,
        place: Place,
        offset: int,
        timestamp_ms: int,
        fact: CanonicalChunk | Boundary,
        size: int,
    ) -> Iterator[Action]:
        """One record, of so many bytes; gives what is to be done because of it, in order.

        The record counts as taken once the last action was asked for.
        """
        opened = self._open.setdefault(place, {})
        yield from self._stragglers(opened, offset)
        if isinstance(fact, Boundary):
            yield from self._bound(place, opened, fact)
        else:
            yield from self._accept(place, opened, offset, timestamp_ms, fact, size)
        if self.open_bytes > self._max_open_bytes:
            self._spill_largest()
        self._next[place] = offset + 1

    def _accept(
        self,
        place: Place,
        opened: dict[Stream, Segment],
        offset: int,
        timestamp_ms: int,
        fact: CanonicalChunk,
        size: int,
    ) -> Iterator[Action]:
        stream = Stream(fact.robot, fact.session, fact.processing_id)
        shape = shape_of(fact)
        for piece in slices(fact):
            index = piece.first_frame // SEGMENT_FRAMES
            region = region_of(stream, fact.episode, piece.first_frame)
            accepted = self._known(region).sequences.setdefault(index, Intervals())
            if fact.sequence in accepted:
                self.duplicates += 1
                continue
            segment = opened.get(stream)
            if segment and (segment.region, segment.index, segment.shape) != (region, index, shape):
                yield self._seal(opened, stream)
                segment = None
            if segment is None:
                segment = Segment(region, index, shape, place, offset, timestamp_ms)
                opened[stream] = segment
            share = size * (piece.stop - piece.start) // fact.frames
            segment.add(piece, share)
            self.open_bytes += share
            accepted.add(fact.sequence)
            if (piece.first_frame + piece.stop - piece.start) % SEGMENT_FRAMES == 0:
                yield self._seal(opened, stream)

    def at_rest(self, region: Region, facts: SegmentFacts) -> None:
        """A sealed segment is in the store."""
        self._known(region).segments[facts.key] = facts

    def segments(self, close: Close) -> list[SegmentFacts]:
        """The segments of an episode that has ended; all of them must be at rest."""
        known = self._known(close.region).segments
        segments = [facts for key in close.keys if (facts := known[key]) is not None]
        if len(segments) != len(close.keys):
            raise LookupError(f"a segment of {close.region.episode} is not at rest yet")
        return segments

    def needed(self) -> dict[Place, int]:
        """For each partition the first record that an open segment still needs."""
        oldest = {
            place: next(iter(opened.values())).first_offset
            for place, opened in self._open.items()
            if opened
        }
        return self._next | oldest

    def oldest_ms(self) -> int | None:
        """When the first record of the oldest open segment was appended."""
        first = [next(iter(opened.values())).first_ms for opened in self._open.values() if opened]
        return min(first, default=None)

    def trim(self) -> None:
        """Forget regions that nobody has touched for long; they are looked up again if need be.

        Only when everything sealed is at rest: what is on its way cannot be looked up.
        """
        excess = len(self._regions) - MAX_REGIONS
        if excess > 0:
            held = {s.region for opened in self._open.values() for s in opened.values()}
            for region in [r for r in self._regions if r not in held][:excess]:
                del self._regions[region]

    def _known(self, region: Region) -> _Known:
        known = self._regions.pop(region, None)
        if known is None:
            known = _Known()
            for facts in self._recall(region):
                accepted = known.sequences.get(facts.index, Intervals()).ranges()
                known.sequences[facts.index] = Intervals([*accepted, *facts.sequences])
                known.segments[facts.key] = facts
        self._regions[region] = known
        return known

    def _bound(
        self, place: Place, opened: dict[Stream, Segment], boundary: Boundary
    ) -> Iterator[Action]:
        """An end cuts what came before it; one that comes again finds nothing of that open.

        Starts need not cut: the first chunk behind them belongs to another region.
        """
        stream = Stream(boundary.robot, boundary.session, boundary.processing_id)
        segment = opened.get(stream)
        if segment is not None and _began_behind(segment, boundary):
            segment = None
        if boundary.kind in SESSION_ENDS and segment is not None:
            yield self._seal(opened, stream)
        if boundary.kind is BoundaryKind.EPISODE_END and boundary.episode is not None:
            region = region_of(stream, boundary.episode, 0)
            if segment is not None and segment.region == region:
                yield self._seal(opened, stream)
            yield Close(boundary, place, region, tuple(self._known(region).segments))

    def _stragglers(self, opened: dict[Stream, Segment], offset: int) -> Iterator[Seal]:
        while opened:
            stream, segment = next(iter(opened.items()))
            if offset - segment.first_offset < SPAN_RECORDS:
                return
            yield self._seal(opened, stream)

    def _spill_largest(self) -> None:
        held = [segment for opened in self._open.values() for segment in opened.values()]
        for segment in sorted(held, key=lambda segment: segment.bytes, reverse=True):
            if self.open_bytes <= self._max_open_bytes // 2:
                return
            before = segment.bytes
            self._spill(segment)
            self.open_bytes -= before - segment.bytes

    def _seal(self, opened: dict[Stream, Segment], stream: Stream) -> Seal:
        segment = opened.pop(stream)
        self.open_bytes -= segment.bytes
        self._known(segment.region).segments[segment.key] = None
        return Seal(segment)


def _began_behind(segment: Segment, boundary: Boundary) -> bool:
    """Whether a segment began behind this end, which then comes again.

    Late chunks stand in any order of their sequence, but always in that of the raw log.
    """
    first = segment.slices[0].chunk
    if boundary.kind is BoundaryKind.LATE_END:
        return first.source_offset > boundary.source_offset
    return first.sequence > boundary.sequence


def slices(chunk: CanonicalChunk) -> Iterator[Slice]:
    """A chunk's parts, cut at multiples of the segment length."""
    start = 0
    while start < chunk.frames:
        into = (chunk.first_frame + start) % SEGMENT_FRAMES
        stop = min(start + SEGMENT_FRAMES - into, chunk.frames)
        yield Slice(chunk, start, stop)
        start = stop
