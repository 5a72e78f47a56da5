"""Blocks for ClickHouse: joint-major arrays with the chunks' own bits, one row a chunk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from schemas.canonical import BoundaryKind, CanonicalChunk, encode_chunk
from schemas.codec import CodecError
from schemas.events import (
    DeadLetter,
    EpisodeEvent,
    EventKind,
    Finding,
    QualityReport,
    encode_dead_letter,
    encode_event,
    encode_report,
)
from schemas.topics import (
    CANONICAL_FRAMES,
    EPISODE_LABELS,
    EPISODES,
    QUALITY_REPORTS,
    dead_letter_topic,
)
from sinks.clickhouse.block import MAX_FRAMES, Block
from sinks.clickhouse.frames_table import FLOATS, frames_table
from sinks.clickhouse.migrate import migrations
from sinks.clickhouse.sink import stored
from sinks.record import Place, Record
from tests.canonical_make import EPISODE, PLACE, PROCESSING, ROBOT, boundary, chunk, record


def row(chunks: list[CanonicalChunk], sequence: int) -> dict[str, Any]:
    (found,) = [r for r in frames_table(chunks).to_pylist() if r["sequence"] == sequence]
    return found


def test_arrays_are_joint_major_with_their_bits() -> None:
    odd = chunk(1, 25, 4)
    position = odd.position.copy()
    position[2, 1] = np.array([0x7FC0BEEF], np.uint32).view(np.float32)[0]
    odd.position = position
    mixed = [chunk(0, 0, 25), odd, chunk(2, 29, 4, channels=5), chunk(3, 33, 4)]
    table = frames_table(mixed)
    at = table["sequence"].to_pylist().index(1)
    values = table["position"].combine_chunks()[at].values.to_numpy()
    assert values.view(np.uint32).tolist() == position.T.reshape(-1).view(np.uint32).tolist()
    base = row(mixed, 2)["base_quaternion"]
    assert base == chunk(2, 29, 4).base_quaternion.T.reshape(-1).tolist()
    assert len(row(mixed, 2)["position"]) == 20


def test_what_a_robot_does_not_report_is_empty() -> None:
    mixed = [chunk(0, 0, 2), chunk(1, 2, 2, with_velocity=False)]
    assert row(mixed, 1)["velocity"] == []
    assert len(row(mixed, 0)["velocity"]) == 6
    clockless = chunk(2, 4, 2)
    clockless.t_source = None
    assert (row([clockless], 2)["t_source_dtype"], row([clockless], 2)["t_source"]) == ("", b"")


def test_every_field_of_a_chunk_that_is_not_derived_on_reading_has_a_column() -> None:
    fields = set(CanonicalChunk.__slots__) - {"angle_velocity"}
    assert fields | {"t_source_dtype"} == set(frames_table([chunk(0, 0, 1)]).column_names)
    assert set(FLOATS) < fields


def test_a_constant_status_is_one_row() -> None:
    same, turning = chunk(0, 0, 3), chunk(1, 3, 2)
    same.angle_status = np.repeat(same.angle_status, 3, axis=0)
    turning.angle_status = np.array([[0] * 44, [4] * 44], np.uint8)
    assert row([same, turning], 0)["angle_status"] == [0] * 44
    assert row([same, turning], 1)["angle_status"] == [0] * 44 + [4] * 44


def test_a_block_knows_its_offsets_and_its_episodes_ends() -> None:
    block = Block()
    other = Place(PLACE.topic, 3)
    block.add(record(10, chunk(0, 0, 25, EPISODE)))
    block.add(record(7, chunk(0, 0, 25), other))
    block.add(record(11, boundary(BoundaryKind.EPISODE_END, 1, EPISODE, 25)))
    assert block.spans == {PLACE: (10, 12), other: (7, 8)}
    assert block.frames == 50
    ((partition, end),) = block.ended_episodes()
    assert (partition, end.episode) == (0, EPISODE)
    event = stored(end, {(ROBOT, EPISODE, PROCESSING): 25})
    assert (event.kind, event.frames, event.log_ms) == (EventKind.STORED, 25, end.log_ms)
    assert stored(end, {}).frames == 0


def test_a_block_is_full_by_frames() -> None:
    block = Block()
    for i in range(MAX_FRAMES // 50):
        assert not block.is_full
        block.add(record(i, chunk(i, 50 * i, 50)))
    assert block.is_full


def test_the_token_names_place_and_content() -> None:
    def token(offset: int, fact: CanonicalChunk) -> str:
        block = Block()
        block.add(record(offset, fact))
        return block.token()

    assert token(0, chunk(0, 0, 2)) == token(0, chunk(0, 0, 2))
    assert token(0, chunk(0, 0, 2)) != token(1, chunk(0, 0, 2))
    assert token(0, chunk(0, 0, 2)) != token(0, chunk(1, 2, 2))


def test_low_rate_topics() -> None:
    event = EpisodeEvent(
        EPISODE, PROCESSING, EventKind.VERDICT, "fourier/r1", "S", 5,
        verdict="review", reasons=["few"], findings={"gap": 2}, success=None,
    )  # fmt: skip
    finding = Finding("gap", "error", None, 3, 4, 1, 0.5, 0.1)
    report = QualityReport(
        "fourier/r1", "S", 1, 0, 25, None, PROCESSING, "raw.fourier", 0, 9, 5, [finding, finding]
    )
    letter = DeadLetter(
        "raw.fourier", 0, 9, 5, "truncated", "ends early", 25, 1, b"k",
        [("kind", b"chunk"), ("robot", b"fourier/r1")], b"\0" * 5_000,
    )  # fmt: skip
    block = Block()
    for topic, value in (
        (EPISODES, encode_event(event)),
        (QUALITY_REPORTS, encode_report(report)),
        (dead_letter_topic("fourier"), encode_dead_letter(letter)),
    ):
        block.add(Record(Place(topic, 1), 4, 2, 6, b"k", None, value))
    tables = {name: table.to_pylist() for name, table in block.tables().items()}
    (told,) = tables["episode_events"]
    assert (told["finding_checks"], told["finding_frames"]) == (["gap"], [2])
    assert (told["reasons"], told["success"], told["event_offset"]) == (["few"], None, 4)
    assert [f["ordinal"] for f in tables["findings"]] == [0, 1]
    assert tables["findings"][0]["channel"] == ""
    (refused,) = tables["dead_letters"]
    assert (refused["robot"], refused["value_bytes"]) == ("fourier/r1", 5_000)
    assert len(refused["value_head"]) == 1024


FOREIGN = [
    (CANONICAL_FRAMES, b"\0\0\0\0\1junk"),
    (QUALITY_REPORTS, b""),
    (EPISODE_LABELS, b"hello"),
    # Well made, and of another topic.
    (EPISODES, encode_chunk(chunk(3, 0, 5))),
    (dead_letter_topic("acme"), encode_chunk(chunk(3, 0, 5))),
    # A chunk whose blocks hold fewer frames than it says.
    (CANONICAL_FRAMES, encode_chunk(replace(chunk(3, 0, 5), frames=6))),
]


@pytest.mark.parametrize(("topic", "value"), FOREIGN)
def test_what_is_not_of_its_topic_is_a_dead_letter(topic: str, value: bytes) -> None:
    block = Block()
    assert isinstance(block.add(Record(Place(topic, 1), 7, 2, 6, b"k", None, value)), CodecError)
    ((name, table),) = block.tables().items()
    (row,) = table.to_pylist()
    assert name == "dead_letters"
    assert (row["source_topic"], row["source_partition"], row["source_offset"]) == (topic, 1, 7)
    assert (row["reason"], row["value_head"], row["robot"]) == ("undecodable", value[:1024], "")
    assert row["detail"]
    assert block.spans == {Place(topic, 1): (7, 8)}


def test_a_topic_that_is_not_the_sinks_is_an_error_and_a_tombstone_no_row() -> None:
    with pytest.raises(ValueError, match="none of this sink's topics"):
        Block().add(Record(Place("raw.fourier", 0), 0, 2, 6, b"k", None, b"x"))
    tombstone = Block()
    tombstone.add(Record(Place(EPISODES, 0), 0, 2, 6, b"k", None, None))
    assert (tombstone.tables(), tombstone.spans) == ({}, {Place(EPISODES, 0): (0, 1)})


def test_migrations_are_numbered_without_gaps() -> None:
    found = migrations()
    assert [m.version for m in found] == list(range(1, len(found) + 1))
    assert all(m.statements for m in found)
    twice = ("IF NOT EXISTS", "CREATE OR REPLACE VIEW", "MODIFY SETTING")
    assert all(any(t in s for t in twice) for m in found for s in m.statements)
