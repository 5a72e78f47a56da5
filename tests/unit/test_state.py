"""Snapshots come back as they were, and the log clock is not fooled by an outage."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.codec import encode
from schemas.marks import Mark, MarkKind
from schemas.registry import packaged
from streams.canonicalise import fresh_motion
from streams.check import fresh_checks
from streams.restore import partition_state
from streams.state import (
    EpisodeState,
    PartitionClock,
    RobotState,
    StateVersionError,
    advance,
    decode_snapshot,
    encode_clock,
    encode_state,
)

MARK = Mark(mark=MarkKind.EPISODE_START, task="fold", operator="op-1")


def robot(**changes: object) -> RobotState:
    state = RobotState(
        robot="pollen/r2-1", topic="raw.pollen", offset=41, heard_ms=12_000,
        profile="pollen-reachy2@1", processing_id="0123456789abcdef",
        session="01ARZ3NDEKTSV4RRFFQ69G5FAV", session_open=True, first_sequence=0,
        next_sequence=9, missing=((2, 4), (6, 7)), first_frame=0, next_frame=200, frames=150,
        clock_offset_ns=-5,
        episode=EpisodeState("e", 3, 25, 100, 7, 1, 10, None, MARK, {"gap": 7}),
        checks=fresh_checks(3)._replace(stamp_ns=77), motion=fresh_motion(),
    )  # fmt: skip
    return state._replace(**changes)


def test_a_snapshot_comes_back_as_it_was() -> None:
    state = robot()
    back = decode_snapshot(encode_state(state))
    assert isinstance(back, RobotState)
    assert encode_state(back) == encode_state(state)
    assert back.episode == state.episode
    assert back.missing == state.missing
    np.testing.assert_array_equal(back.checks.position, state.checks.position)
    back.checks.position[0] = 1.0  # restored state is as writable as any other


def test_a_robot_of_512_joints_stays_below_64_kb() -> None:
    assert len(encode_state(robot(checks=fresh_checks(512)))) < 64 * 1024


def test_another_version_is_refused_with_advice() -> None:
    record = {"version": 99, **PartitionClock("raw.x", 0, 1, 2, 3)._asdict()}
    data = encode(packaged().named("partition_state"), record)
    with pytest.raises(StateVersionError, match="version 99"):
        decode_snapshot(data)


def test_the_clock_counts_a_jump_as_five_seconds_and_never_twice() -> None:
    clock = PartitionClock("raw.x", 0, -1, 0, 0)
    clock = advance(clock, 0, 1_000_000)
    assert clock.clock_ms == 0
    clock = advance(clock, 1, 1_001_000)
    assert clock.clock_ms == 1_000
    clock = advance(clock, 2, 1_601_000)  # the broker was away for ten minutes
    assert clock.clock_ms == 6_000
    assert advance(clock, 2, 9_999_999) == clock


def test_restore_takes_the_highest_offset_and_only_its_topic() -> None:
    snapshots = [
        robot(offset=50),
        robot(offset=44),  # written later by a worker that woke up
        robot(robot="iit/i-1", topic="raw.iit", offset=99),
        PartitionClock("raw.pollen", 2, 50, 7, 8),
        PartitionClock("raw.pollen", 3, 70, 9, 9),
    ]
    round_trip = [
        decode_snapshot(encode_clock(s) if isinstance(s, PartitionClock) else encode_state(s))
        for s in snapshots
    ]
    state = partition_state(round_trip, "raw.pollen", 2)
    assert state.robots.keys() == {"pollen/r2-1"}
    assert state.robots["pollen/r2-1"].offset == 50
    assert state.clock.offset == 50
