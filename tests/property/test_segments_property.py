"""However frames are chunked, repeated or re-read after a crash: the same objects, each frame once.

A model of the log, of the committed position and of the store stands in for Kafka and S3; what
decides (`sinks.lake.segmenter`, `waves`) is the code that runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk
from schemas.marks import episode_id
from sinks.lake.keys import SEGMENT_FRAMES, Region, manifest_key
from sinks.lake.segment import Segment, SegmentFacts, Slice, facts_of
from sinks.lake.segmenter import Action, Close, Segmenter
from sinks.lake.sink import waves
from tests.canonical_make import PLACE, SESSION, boundary, chunk

Fact = CanonicalChunk | Boundary
Rows = tuple[tuple[int, int], ...]


class CrashError(Exception):
    """The process is killed here."""


@dataclass
class ModelLake:
    """A store that outlives crashes; it counts down to the next one."""

    segments: dict[Region, dict[str, SegmentFacts]] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    manifests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    crash_in: int = 1 << 60

    def recall(self, region: Region) -> list[SegmentFacts]:
        return list(self.segments.get(region, {}).values())

    def put(self, segment: Segment) -> SegmentFacts:
        self._count_down()
        segment.load()
        facts = facts_of(segment)
        rows = tuple(
            (piece.chunk.first_frame + i, piece.chunk.sequence)
            for piece in segment.in_order()
            for i in range(piece.start, piece.stop)
        )
        assert self.rows.setdefault(facts.key, rows) == rows
        self.segments.setdefault(segment.region, {})[facts.key] = facts
        self._count_down()
        return facts

    def put_manifest(self, close: Close, segments: list[SegmentFacts]) -> None:
        self._count_down()
        self.manifests.setdefault(
            manifest_key(close.region), tuple(sorted(facts.key for facts in segments))
        )
        self._count_down()

    def _count_down(self) -> None:
        self.crash_in -= 1
        if self.crash_in == 0:
            raise CrashError


@dataclass
class ModelSpill:
    """Slices that are out of memory."""

    slices: list[Slice]

    def read(self) -> list[Slice]:
        return self.slices


def run(
    log: list[Fact], lake: ModelLake, committed: int, random: Random, room: int = 1 << 30
) -> int:
    """One life of the sink: from the committed position to the log's end, or to a crash."""
    spilled: list[ModelSpill] = []

    def spill(segment: Segment) -> None:
        spilled.append(ModelSpill(segment.slices[1:]))
        segment.spilled.append(spilled[-1])
        del segment.slices[1:]
        segment.bytes = segment.first_bytes

    segmenter = Segmenter(lake.recall, spill, max_open_bytes=room)
    pending: list[Action] = []

    def flush() -> None:
        for wave in waves(pending):
            # Puts of one wave run side by side: any of them may be the one that is done.
            for action in random.sample(wave, len(wave)):
                if isinstance(action, Close):
                    lake.put_manifest(action, segmenter.segments(action))
                else:
                    segmenter.at_rest(action.segment.region, lake.put(action.segment))
        pending.clear()

    try:
        for offset in range(committed, len(log)):
            pending.extend(segmenter.take(PLACE, offset, offset, log[offset], 1))
            if random.random() < 0.2:
                flush()
                if random.random() < 0.5:
                    committed = segmenter.needed()[PLACE]
        flush()
    except CrashError:
        return committed
    return segmenter.needed().get(PLACE, committed)


def run_with_crashes(log: list[Fact], seed: int, room: int = 1 << 30) -> ModelLake:
    random = Random(seed)
    lake = ModelLake()
    committed = 0
    for _ in range(random.randrange(1, 6)):
        lake.crash_in = random.randrange(1, 12)
        committed = run(log, lake, committed, random, room)
    lake.crash_in = 1 << 60
    assert run(log, lake, committed, random, room) == len(log)
    return lake


@st.composite
def takes(draw: st.DrawFn) -> list[Fact]:
    """A session of one robot: episodes and what lies between, from anywhere in a segment."""
    facts: list[Fact] = []
    sequence, frame = 0, draw(st.integers(0, 3)) * SEGMENT_FRAMES - draw(st.integers(0, 200))
    frame = max(frame, 0)
    for _ in range(draw(st.integers(1, 4))):
        in_episode = draw(st.booleans())
        episode = episode_id(SESSION, sequence) if in_episode else None
        if in_episode:
            facts.append(boundary(BoundaryKind.EPISODE_START, sequence, episode))
            sequence += 1
        total = 0
        for frames in draw(st.lists(st.integers(1, 64), min_size=0, max_size=10)):
            facts.append(chunk(sequence, frame, frames, episode, channels=1))
            sequence, frame, total = sequence + 1, frame + frames, total + frames
        if in_episode:
            facts.append(boundary(BoundaryKind.EPISODE_END, sequence, episode, total))
            sequence += 1
        if draw(st.integers(0, 4)) == 0:
            frame += draw(st.integers(1, 3 * SEGMENT_FRAMES))
    facts.append(boundary(BoundaryKind.SESSION_END, sequence))
    return facts


@st.composite
def logs(draw: st.DrawFn) -> list[Fact]:
    """What the sessions of two robots become on the log: with repeats, and with late chunks."""
    log: list[Fact] = []
    late: list[Fact] = []
    sessions = [[replace(fact, robot=f"fourier/r{i}") for fact in draw(takes())] for i in range(2)]
    while any(sessions):
        session = draw(st.sampled_from([s for s in sessions if s]))
        fact = session.pop(0)
        if isinstance(fact, CanonicalChunk) and draw(st.integers(0, 15)) == 0:
            late.append(fact)
            continue
        log.append(fact)
        if draw(st.integers(0, 9)) == 0:
            log.extend(log[-draw(st.integers(1, len(log))) :])
        if late and draw(st.booleans()):
            log.append(late.pop())
    ends = [boundary(BoundaryKind.SESSION_END, 1 << 40, robot=f"fourier/r{i}") for i in range(2)]
    return [*log, *late, *ends]


def frames_of(facts: list[Fact]) -> list[tuple[str, int, int]]:
    """Each frame of a log once: its robot, its index and its chunk's sequence."""
    chunks = {(f.robot, f.sequence): f for f in facts if isinstance(f, CanonicalChunk)}
    return sorted(
        (robot, c.first_frame + i, sequence)
        for (robot, sequence), c in chunks.items()
        for i in range(c.frames)
    )


def held_by(lake: ModelLake) -> list[tuple[str, int, int]]:
    """Each frame in a store: its robot, its index and its chunk's sequence."""
    return sorted(
        (key.split("/", 4)[2] + "/" + key.split("/", 4)[3], frame, sequence)
        for key, rows in lake.rows.items()
        for frame, sequence in rows
    )


@settings(max_examples=60, deadline=None)
@given(log=logs(), seed=st.integers(0, 2**32))
def test_crashes_change_nothing(log: list[Fact], seed: int) -> None:
    undisturbed = ModelLake()
    run(log, undisturbed, 0, Random(0))
    disturbed = run_with_crashes(log, seed)

    assert disturbed.rows == undisturbed.rows
    assert disturbed.manifests == undisturbed.manifests
    assert held_by(disturbed) == frames_of(log)


@settings(max_examples=60, deadline=None)
@given(log=logs(), seed=st.integers(0, 2**32), room=st.integers(1, 12))
def test_little_memory_changes_nothing(log: list[Fact], seed: int, room: int) -> None:
    undisturbed = ModelLake()
    run(log, undisturbed, 0, Random(0))
    disturbed = run_with_crashes(log, seed, room)

    assert disturbed.rows == undisturbed.rows
    assert disturbed.manifests == undisturbed.manifests


@settings(max_examples=60, deadline=None)
@given(facts=takes(), data=st.data())
def test_repeats_change_nothing(facts: list[Fact], data: st.DataObject) -> None:
    once, again = ModelLake(), ModelLake()
    run(facts, once, 0, Random(0))
    log: list[Fact] = []
    for fact in facts:
        log.append(fact)
        if data.draw(st.integers(0, 5)) == 0:
            log.extend(log[-data.draw(st.integers(1, len(log))) :])
    run(log, again, 0, Random(0))

    assert again.rows == once.rows
    assert again.manifests == once.manifests


@settings(max_examples=60, deadline=None)
@given(facts=takes(), seed=st.integers(0, 2**32))
def test_chunking_changes_nothing(facts: list[Fact], seed: int) -> None:
    """Objects begin at the same frames and hold the same ones, however frames were chunked."""
    lakes = [ModelLake(), ModelLake()]
    run(facts, lakes[0], 0, Random(0))
    run(rechunked(facts, Random(seed)), lakes[1], 0, Random(0))

    held = [
        {key.rsplit("-", 1)[0]: [frame for frame, _ in rows] for key, rows in lake.rows.items()}
        for lake in lakes
    ]
    assert held[0] == held[1]
    for frames in held[0].values():
        assert all(a < b for a, b in pairwise(frames))
        assert len({frame // SEGMENT_FRAMES for frame in frames}) == 1


def rechunked(facts: list[Fact], random: Random) -> list[Fact]:
    """The same frames and boundaries, each chunk cut in up to three."""
    out: list[Fact] = []
    for fact in facts:
        if isinstance(fact, Boundary):
            out.append(replace(fact, sequence=fact.sequence * 100))
            continue
        cuts = sorted({0, fact.frames, *(random.randrange(fact.frames) for _ in range(2))})
        for start, stop in pairwise(cuts):
            sequence = fact.sequence * 100 + start
            part = chunk(sequence, fact.first_frame + start, stop - start, fact.episode, channels=1)
            out.append(part)
    return out
