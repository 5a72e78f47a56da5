"""A robot that says two things under one sequence number: everywhere the first one counts."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from unittest.mock import Mock, patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import streams.order
import streams.sessions
from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.envelope import Envelope, is_tick, parse_envelope
from schemas.topics import CANONICAL_FRAMES
from sinks.clickhouse.frames_table import frames_table
from sinks.lake.keys import Region
from sinks.lake.segment import Segment, SegmentFacts, facts_of
from sinks.lake.segmenter import Action, Close, Segmenter
from sinks.lake.sink import waves
from sinks.record import Place
from streams.records import Output, PlainRecord
from tests import make
from tests.chaos.sim.tables import Tables

PLACE = Place(CANONICAL_FRAMES, 0)
SESSIONS = ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ")
Name = tuple[str, int]


class ModelLake:
    """What a lake sink leaves in its store: the raw offset of each chunk, first come."""

    def __init__(self) -> None:
        self.offsets: dict[Name, set[int]] = {}
        self._segments: dict[Region, dict[str, SegmentFacts]] = {}

    def run(self, outputs: list[Output]) -> None:
        segmenter = Segmenter(lambda region: [*self._segments.get(region, {}).values()], Mock())
        for offset, output in enumerate(outputs):
            fact = decode_canonical(output.value)
            actions: list[Action] = list(segmenter.take(PLACE, offset, 0, fact, 1))
            for wave in waves(actions):
                for action in wave:
                    if not isinstance(action, Close):
                        segmenter.at_rest(action.segment.region, self._put(action.segment))
        assert segmenter.needed() == {PLACE: len(outputs)}, "something is still open"

    def _put(self, segment: Segment) -> SegmentFacts:
        facts = facts_of(segment)
        self._segments.setdefault(segment.region, {})[facts.key] = facts
        for piece in segment.in_order():
            name = (piece.chunk.session, piece.chunk.sequence)
            self.offsets.setdefault(name, set()).add(piece.chunk.source_offset)
        return facts


def rows_of(outputs: list[Output], seed: int) -> dict[Name, int]:
    """The raw offset of each row of a table that takes these in blocks of any size, some twice."""
    tables, random = Tables(Mock()), Random(seed)
    chunks = [c for o in outputs if isinstance(c := decode_canonical(o.value), CanonicalChunk)]
    start = 0
    while start < len(chunks):
        stop = start + random.randint(1, 8)
        token = {"insert_deduplication_token": str((start, stop))}
        tables.insert_arrow("frames", frames_table(chunks[start:stop]), token)
        start = stop if random.random() < 0.7 else random.randint(0, start)
    rows = tables.rows["frames"].values()
    return {(row["session"], row["sequence"]): row["source_offset"] for row in rows}


@st.composite
def liars(draw: st.DrawFn) -> list[PlainRecord]:
    """Chunks of two sessions with holes in them, each sent as often as one likes, never alike."""
    told = draw(
        st.lists(st.tuples(st.sampled_from(SESSIONS), st.integers(0, 30)), min_size=5, max_size=60)
    )
    records = []
    for offset, (session, sequence) in enumerate(told):
        position = np.full((2, 44), 0.001 * offset)
        value = make.gr1_value(position, 0.05 * (2 * sequence + np.arange(2)))
        record = make.chunk(
            "fourier", value, 2, session=session, sequence=sequence, first_frame=2 * sequence
        )
        records.append(replace(record, offset=offset))
    ticks = [make.tick("fourier", 100 + s, make.LOG_MS + 1_000 * s) for s in range(1, 70)]
    return [*records, *ticks]


@settings(max_examples=40, deadline=None)
@given(log=liars(), seed=st.integers(0, 2**32), holes=st.integers(1, 4), past=st.integers(1, 2))
def test_the_first_of_two_values_under_one_number_counts_everywhere(
    log: list[PlainRecord], seed: int, holes: int, past: int
) -> None:
    """With little memory of holes and sessions the tracker lets second ones pass; none is kept."""
    with (
        patch.object(streams.order, "MAX_RANGES", holes),
        patch.object(streams.sessions, "MAX_PAST", past),
    ):
        _, outputs = make.run(log)
    canonical = [output for output in outputs if output.topic == CANONICAL_FRAMES]
    refused = {letter.at_offset for letter in make.dead_letters(outputs)}
    first: dict[Name, int] = {}
    for record in (record for record in log if not is_tick(record.headers)):
        envelope = parse_envelope(record.headers)
        if isinstance(envelope, Envelope) and record.offset not in refused:
            first.setdefault((envelope.session, envelope.sequence), record.offset)
    lake = ModelLake()
    lake.run(canonical)
    assert lake.offsets == {name: {offset} for name, offset in first.items()}
    assert rows_of(canonical, seed) == first
