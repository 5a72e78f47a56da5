"""A segment's object: bit for bit what the chunks held, in scalar columns, the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obstore.store import MemoryStore

from schemas.body import DOFS
from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk
from sinks.lake.columns import by_component, matrix
from sinks.lake.intervals import Intervals
from sinks.lake.keys import (
    SEGMENT_FRAMES,
    Region,
    Stream,
    UnsafeKeyError,
    folder,
    manifest_key,
    region_of,
    segment_key,
)
from sinks.lake.segment import Segment, facts_of
from sinks.lake.segmenter import SPAN_RECORDS, Close, Seal, Segmenter, slices
from sinks.lake.store import OtherSegmentError, put_manifest, put_segment, segments_in
from sinks.lake.table import ChannelCountError, encode_segment, facts_in
from sinks.objects import read_object
from tests.canonical_make import EPISODE, PLACE, PROCESSING, ROBOT, SESSION, boundary, chunk

NAMES = ("waist", "elbow", "gripper")
STREAM = Stream(ROBOT, SESSION, PROCESSING)


def names(profile: str) -> tuple[str, ...]:
    assert profile == "fourier-gr1@1"
    return NAMES


def unspilled(segment: Segment) -> None:
    raise AssertionError("there is room for all of this in memory")


def segment_of(*chunks: CanonicalChunk) -> Segment:
    """The one segment that these chunks make."""
    segmenter = Segmenter(lambda region: [], unspilled)
    done = [
        action
        for offset, fact in enumerate((*chunks, boundary(BoundaryKind.SESSION_END, 1 << 40)))
        for action in segmenter.take(PLACE, offset, 0, fact, 100)
    ]
    (seal,) = done
    assert isinstance(seal, Seal)
    return seal.segment


def table_of(data: bytes) -> pa.Table:
    return by_component(pq.read_table(pa.BufferReader(data)))


def bits(values: Any) -> list[int]:
    return np.asarray(values, np.float32).view(np.uint32).tolist()


def test_columns_hold_the_bits() -> None:
    odd = chunk(7, 100, 3, EPISODE)
    position = odd.position.copy()
    payload = np.array([0x7FC00001, 0xFFC12345, 0x7F800000], np.uint32).view(np.float32)
    position[:, 1] = payload
    odd.position = position
    table = table_of(encode_segment(segment_of(odd, chunk(8, 103, 2, EPISODE)), names))

    assert bits(table["position.elbow"].to_numpy())[:3] == payload.view(np.uint32).tolist()
    assert bits(table["velocity.gripper"].to_numpy()[3:]) == bits(chunk(8, 103, 2).velocity[:, 2])
    assert bits(table[f"angle.{DOFS[43]}"].to_numpy()[:3]) == bits(odd.angle[:, 43])
    assert table["frame"].to_pylist() == [100, 101, 102, 103, 104]
    assert table["sequence"].to_pylist() == [7, 7, 7, 8, 8]
    assert table["source_offset"].to_pylist() == [1007, 1007, 1007, 1008, 1008]
    assert table["t_source"].to_pylist() == [100 * 0.05, 101 * 0.05, 102 * 0.05, 103 * 0.05, 5.2]
    assert table["segment_status"].to_pylist() == [b"\4" * 15] * 5
    assert "base_quaternion.w" in table.column_names
    assert not [name for name in table.column_names if name.startswith(("effort", "left_hand"))]


def test_a_signal_is_one_column_of_byte_planes() -> None:
    data = encode_segment(segment_of(chunk(7, 100, 3), chunk(8, 103, 2)), names)
    table = pq.read_table(pa.BufferReader(data))
    assert table["position"].type == pa.binary(3 * 4)
    assert bits(matrix(table["position"].slice(3))) == bits(chunk(8, 103, 2).position)
    held = pq.read_metadata(pa.BufferReader(data)).row_group(0)
    encodings = {c.path_in_schema: c.encodings for c in map(held.column, range(held.num_columns))}
    assert "BYTE_STREAM_SPLIT" in encodings["position"]
    assert "BYTE_STREAM_SPLIT" in encodings["angle"]


def test_a_status_of_each_frame_is_kept() -> None:
    turning = chunk(0, 0, 2)
    turning.angle_status = np.array([[0] * 44, [3] * 44], np.uint8)
    table = table_of(encode_segment(segment_of(turning, chunk(1, 2, 1)), names))
    assert table["angle_status"].to_pylist() == [b"\0" * 44, b"\3" * 44, b"\0" * 44]


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8", "<u4", ">f8", "<M8[ns]"])
def test_stamps_of_any_type(dtype: str) -> None:
    stamped = replace(chunk(0, 0, 2), t_source=np.array([1, 2]).astype(dtype))
    column = table_of(encode_segment(segment_of(stamped), names))["t_source"]
    if dtype == "<M8[ns]":
        assert b"".join(column.to_pylist()) == stamped.t_source.tobytes()
    else:
        assert column.to_numpy().astype(dtype).tobytes() == stamped.t_source.tobytes()


def test_the_same_bytes_every_time_and_in_any_order() -> None:
    chunks = [chunk(i, 25 * i, 25, EPISODE) for i in range(8)]
    first = encode_segment(segment_of(*chunks), names)
    late = encode_segment(segment_of(chunks[0], *chunks[2:5], chunks[1], *chunks[5:]), names)
    assert first == encode_segment(segment_of(*chunks), names) == late


def test_facts_come_back_from_the_file() -> None:
    segment = segment_of(chunk(3, 75, 25), chunk(5, 125, 25))
    data = encode_segment(segment, names)
    facts = facts_in(pq.read_metadata(pa.BufferReader(data)), segment.key)
    assert facts == facts_of(segment)
    assert facts.sequences == [(3, 4), (5, 6)]
    assert facts.source_offsets == [(1003, 1004), (1005, 1006)]
    assert (facts.first_frame, facts.last_frame, facts.frames) == (75, 150, 50)


def test_columns_are_never_named_by_guess() -> None:
    with pytest.raises(ChannelCountError, match="names 3 channels, a chunk has 5"):
        encode_segment(segment_of(chunk(0, 0, 2, channels=5)), names)


def test_a_chunk_is_cut_at_multiples() -> None:
    across = chunk(0, SEGMENT_FRAMES - 10, 25)
    assert [(s.start, s.stop) for s in slices(across)] == [(0, 10), (10, 25)]
    within = chunk(0, SEGMENT_FRAMES - 25, 25)
    assert [(s.start, s.stop) for s in slices(within)] == [(0, 25)]


@pytest.mark.parametrize(
    "change",
    [
        {"with_velocity": False},
        {"episode": EPISODE},
        {"channels": 2},
    ],
)
def test_what_differs_begins_a_new_segment(change: dict[str, Any]) -> None:
    segmenter = Segmenter(lambda region: [], unspilled)
    assert not list(segmenter.take(PLACE, 0, 0, chunk(0, 0, 25), 100))
    (seal,) = segmenter.take(PLACE, 1, 0, chunk(1, 25, 25, **change), 100)
    assert isinstance(seal, Seal)
    assert seal.segment.frames == 25


def test_a_silent_robot_does_not_hold_back_the_commit() -> None:
    segmenter = Segmenter(lambda region: [], unspilled)
    list(segmenter.take(PLACE, 0, 0, chunk(0, 0, 25), 100))
    other = boundary(BoundaryKind.SESSION_START, 0, robot="fourier/r2")
    assert not list(segmenter.take(PLACE, SPAN_RECORDS - 1, 0, other, 100))
    assert segmenter.needed() == {PLACE: 0}
    (seal,) = segmenter.take(PLACE, SPAN_RECORDS, 0, other, 100)
    assert isinstance(seal, Seal)
    assert segmenter.needed() == {PLACE: SPAN_RECORDS + 1}


def test_a_full_store_is_remembered_after_a_restart() -> None:
    store = MemoryStore()
    chunks = [chunk(i, SEGMENT_FRAMES - 50 + 20 * i, 20, EPISODE) for i in range(4)]
    end = boundary(BoundaryKind.EPISODE_END, 4, EPISODE, 80)
    first = life(store, [*chunks, end])
    again = life(store, [*chunks, end])
    assert [type(action) for action in again] == [Close]
    assert first[-1] == again[-1]

    region = region_of(STREAM, EPISODE, 0)
    found = segments_in(store, region)
    assert sum(facts.frames for facts in found) == 80
    assert [facts.index for facts in found] == [0, 1]
    before = read_object(store, manifest_key(region))
    event = put_manifest(store, region, end, found)
    assert read_object(store, manifest_key(region)) == before
    assert (event.frames, event.manifest) == (80, manifest_key(region))


def life(store: MemoryStore, facts: list[CanonicalChunk | Boundary]) -> list[Seal | Close]:
    segmenter = Segmenter(lambda region: segments_in(store, region), unspilled)
    done = []
    for offset, fact in enumerate(facts):
        for action in segmenter.take(PLACE, offset, 0, fact, 100):
            done.append(action)
            if isinstance(action, Seal):
                put = put_segment(store, action.segment, names)
                segmenter.at_rest(action.segment.region, put)
            else:
                put_manifest(store, action.region, action.boundary, segmenter.segments(action))
    return done


def test_other_frames_under_the_key_are_never_taken_for_ours() -> None:
    store = MemoryStore()
    put_segment(store, segment_of(chunk(0, 0, 25)), names)
    with pytest.raises(OtherSegmentError):
        put_segment(store, segment_of(chunk(0, 0, 25), chunk(1, 25, 25)), names)


@pytest.mark.parametrize(
    ("robot", "session", "episode", "processing"),
    [
        ("../etc", SESSION, None, PROCESSING),
        ("fourier/../../x", SESSION, None, PROCESSING),
        (ROBOT, "..", None, PROCESSING),
        (ROBOT, SESSION, "../manifest", PROCESSING),
        (ROBOT, SESSION, f"{SESSION}/../x", PROCESSING),
        (ROBOT, SESSION, "another-episode", PROCESSING),
        (ROBOT, SESSION, None, "a/b"),
        (ROBOT, SESSION, None, ".."),
    ],
)
def test_names_that_would_leave_their_folder(
    robot: str, session: str, episode: str | None, processing: str
) -> None:
    with pytest.raises(UnsafeKeyError):
        folder(Region(Stream(robot, session, processing), episode, 0))


def test_keys_sort_by_frame_and_carry_the_processing() -> None:
    region = region_of(STREAM, EPISODE, 5000)
    key = segment_key(region, 5000, 42)
    assert key == (
        f"episodes/{PROCESSING}/{ROBOT}/{SESSION}/{EPISODE}/frames-000000005000-0000000042.parquet"
    )
    between = folder(region_of(STREAM, None, 40_000))
    assert between.endswith("/between-000000032768")


@pytest.mark.parametrize("order", [sorted, lambda n: sorted(n, reverse=True), list])
def test_intervals(order: Callable[[list[int]], list[int]]) -> None:
    numbers = [5, 3, 4, 9, 10, 1, 7, 3]
    held = Intervals()
    for number in order(numbers):
        held.add(number)
    assert held.ranges() == [(1, 2), (3, 6), (7, 8), (9, 11)]
    assert [n for n in range(12) if n in held] == sorted(set(numbers))
    assert Intervals(held.ranges()).ranges() == held.ranges()
