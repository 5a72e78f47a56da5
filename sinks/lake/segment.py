"""A segment: slices of one robot's chunks that become one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from schemas.canonical import CanonicalChunk
from sinks.lake.intervals import Intervals
from sinks.lake.keys import Region, segment_key
from sinks.record import Place

OPTIONAL = (
    "velocity", "effort", "action", "hand_pose", "foot_pose", "base_position", "base_quaternion",
    "base_angular_velocity", "base_acceleration",
)  # fmt: skip

Shape = tuple[Any, ...]
"""What must be the same in all chunks of a segment."""


class Slice(NamedTuple):
    """Frames [start, stop) of a chunk, counted within it."""

    chunk: CanonicalChunk
    start: int
    stop: int

    @property
    def first_frame(self) -> int:
        """Index in the session of its first frame."""
        return self.chunk.first_frame + self.start


def shape_of(chunk: CanonicalChunk) -> Shape:
    """What a segment's columns and its metadata follow from."""
    return (
        chunk.channels,
        chunk.profile,
        chunk.embodiment,
        chunk.embodiment_hash,
        chunk.source_topic,
        chunk.source_partition,
        None if chunk.t_source is None else chunk.t_source.dtype.str,
        *(getattr(chunk, name) is not None for name in OPTIONAL),
    )


class Spilled(Protocol):
    """Slices that are not in memory."""

    def read(self) -> list[Slice]:
        """The slices, as they were."""


@dataclass(slots=True)
class Segment:
    """A segment that is open, or sealed and on its way to the store.

    Attributes:
        region: its folder.
        index: its multiple of the segment length.
        shape: see `shape_of`.
        place: the partition its chunks came by.
        first_offset: the record its first slice came in; all before it is of no concern to it.
        first_ms: when that record was appended.
        slices: those in memory; the first one always is.
        spilled: those that are not.
        frames: of all slices.
        bytes: about what the slices in memory take.
        first_bytes: about what the first one takes.
    """

    region: Region
    index: int
    shape: Shape
    place: Place
    first_offset: int
    first_ms: int
    slices: list[Slice] = field(default_factory=list)
    spilled: list[Spilled] = field(default_factory=list)
    frames: int = 0
    bytes: int = 0
    first_bytes: int = 0

    @property
    def key(self) -> str:
        """Its object's key: what it began with, however far it came."""
        first = self.slices[0]
        return segment_key(self.region, first.first_frame, first.chunk.sequence)

    def add(self, piece: Slice, size: int) -> None:
        """Take a slice that takes about this much memory."""
        if not self.slices:
            self.first_bytes = size
        self.slices.append(piece)
        self.frames += piece.stop - piece.start
        self.bytes += size

    def load(self) -> None:
        """Bring all slices back into memory."""
        self.slices += [piece for part in self.spilled for piece in part.read()]
        self.spilled.clear()

    def in_order(self) -> list[Slice]:
        """Its slices by frame, all of them in memory; a late chunk takes its place."""
        return sorted(self.slices, key=lambda piece: (piece.first_frame, piece.chunk.sequence))


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What is known of a segment at rest, from its own metadata.

    Attributes:
        key: its object.
        index: its multiple of the segment length.
        frames: rows.
        first_frame: index of the first.
        last_frame: index past the last.
        sequences: of the chunks it holds a slice of, as [start, stop).
        source_offsets: of the raw records they came in, as [start, stop).
        profile, embodiment, embodiment_hash, source_topic, source_partition: of all its frames.
        bytes: of its object; 0 where that was not looked at.
        sha256: of its object; empty where that was not looked at.
    """

    key: str
    index: int
    frames: int
    first_frame: int
    last_frame: int
    sequences: list[tuple[int, int]]
    source_offsets: list[tuple[int, int]]
    profile: str
    embodiment: str
    embodiment_hash: str
    source_topic: str
    source_partition: int
    bytes: int = 0
    sha256: str = ""


def facts_of(segment: Segment) -> SegmentFacts:
    """What a sealed segment will be once it is at rest."""
    slices = segment.in_order()
    chunk = slices[0].chunk
    return SegmentFacts(
        key=segment.key,
        index=segment.index,
        frames=segment.frames,
        first_frame=slices[0].first_frame,
        last_frame=max(piece.chunk.first_frame + piece.stop for piece in slices),
        sequences=_ranges(piece.chunk.sequence for piece in slices),
        source_offsets=_ranges(piece.chunk.source_offset for piece in slices),
        profile=chunk.profile,
        embodiment=chunk.embodiment,
        embodiment_hash=chunk.embodiment_hash,
        source_topic=chunk.source_topic,
        source_partition=chunk.source_partition,
    )


def _ranges(numbers: Any) -> list[tuple[int, int]]:
    return Intervals((number, number + 1) for number in numbers).ranges()
