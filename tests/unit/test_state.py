"""Snapshots come back as they were, and the log clock is not fooled by an outage."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.checks import CATALOGUE
from schemas.codec import encode
from schemas.limits import MAX_CHANNELS
from schemas.marks import Mark, MarkKind
from schemas.registry import packaged
from streams.canonicalise import fresh_motion
from streams.check import fresh_checks
from streams.checkpoint import PartitionState
from streams.history import MAX_PRINTS
from streams.order import MAX_RANGES
from streams.outside import MAX_PENDING
from streams.restore import partition_state
from streams.sessions import MAX_PAST
from streams.state import (
    STATE_VERSION,
    ClockSnapshot,
    EpisodePrint,
    EpisodeState,
    History,
    LateFrames,
    OpenFinding,
    PartitionClock,
    PastSession,
    PendingMark,
    RobotSnapshot,
    RobotState,
    StateVersionError,
    advance,
    decode_snapshot,
    encode_clock,
    encode_state,
)

WATCHED, PAIRS = 40, 160
"""More joints in the complexes of a body, and pairs of them, than any of the shipped robots has."""

CLOCK = PartitionClock("raw.pollen", 2, 50, 7, 8)
MARK = Mark(mark=MarkKind.EPISODE_START, task="fold", operator="op-1")


def printed(name: str, watched: int = 2) -> EpisodePrint:
    return EpisodePrint(name, 100, 2**52 - 1, np.zeros(2 * watched, np.float32))


def robot(**changes: object) -> RobotState:
    state = RobotState(
        robot="pollen/r2-1", topic="raw.pollen", offset=41, born=3,
        heard_ms=12_000,
        profile="pollen-reachy2@1", processing_id="0123456789abcdef",
        session="01ARZ3NDEKTSV4RRFFQ69G5FAV", session_open=True, first_sequence=0,
        next_sequence=9, missing=((2, 4), (6, 7)), first_frame=0, next_frame=200, frames=150,
        clock_offset_ns=-5, marked=True, pending=(PendingMark(MARK, 40),),
        past=(PastSession("01ARZ3NDEKTSV4RRFFQ69G5FAA", 7, ((1, 2),), None),),
        late=(LateFrames("01ARZ3NDEKTSV4RRFFQ69G5FAA", "p1", 3, 4, 30, 50, 20, 1_000),),
        episode=EpisodeState("e", 3, 25, 100, 7, 10, None, 9, MARK, {"gap": 7}, {"too_long": 60.0}),
        checks=fresh_checks(3)._replace(
            stamp_ns=77, going_on={"imu_norm/": OpenFinding(5, 9, 4, 2.5)}
        ),
        motion=fresh_motion(), score=0.75, told_score=0.5,
        history=History(np.float32([0.5, np.nan, 0.0]), (printed("e0"),)),
    )  # fmt: skip
    return state._replace(**changes)


def test_a_snapshot_comes_back_as_it_was() -> None:
    state = robot()
    clock = PartitionClock("raw.pollen", 2, 50, 7, 8)
    snapshot = decode_snapshot(encode_state(state, clock))
    assert isinstance(snapshot, RobotSnapshot)
    assert snapshot.clock == clock
    back = snapshot.state
    assert encode_state(back, clock) == encode_state(state, clock)
    assert (back.pending, back.past) == (state.pending, state.past)
    assert back.episode == state.episode
    assert back.missing == state.missing
    np.testing.assert_array_equal(back.checks.figures, state.checks.figures)
    assert back.checks.going_on == state.checks.going_on
    np.testing.assert_array_equal(back.history.bias, state.history.bias)
    assert back.history.episodes[0][:3] == state.history.episodes[0][:3]
    back.checks.figures[0] = 1.0  # restored state is as writable as any other


def test_a_robot_of_the_most_channels_with_holes_in_every_session_stays_below_64_kb() -> None:
    wide = 10**9
    holes = tuple((wide + 3 * i, wide + 3 * i + 1) for i in range(MAX_RANGES))
    past = tuple(PastSession(f"{i:026d}", wide, holes, wide) for i in range(MAX_PAST))
    mark = Mark(**dict.fromkeys(("task", "skill", "scene", "operator", "station"), "x" * 128),
                mark=MarkKind.EPISODE_START, at_ns=10**18)  # fmt: skip
    history = History(
        np.zeros(MAX_CHANNELS, np.float32),
        tuple(printed(f"{i:026d}-00000000", WATCHED) for i in range(MAX_PRINTS)),
    )
    checks = fresh_checks(MAX_CHANNELS, WATCHED, PAIRS)._replace(
        going_on={f"{check.id}/{'x' * 32}": OpenFinding(wide, wide, wide, 1.0)
                  for check in CATALOGUE if check.scope == "session"}
    )  # fmt: skip
    state = robot(checks=checks, missing=holes, past=past, history=history,
                  pending=(PendingMark(mark, wide),) * MAX_PENDING)  # fmt: skip
    assert len(encode_state(state, CLOCK)) < 64 * 1024


def test_arrays_of_another_layout_have_another_version() -> None:
    """Kernels read them without a look at their size: whoever changes one raises the version."""
    checks = fresh_checks(3, 2, 1)
    session = checks.session
    arrays = (checks.figures, checks.seen_ns, session.figures, session.take, session.clock)
    assert (STATE_VERSION, *map(len, arrays)) == (4, 83, 3, 227, 7, 8)


def test_another_version_is_refused_with_advice() -> None:
    record = {"version": 99, **PartitionClock("raw.x", 0, 1, 2, 3)._asdict(), "robots": {}}
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


def restored(*snapshots: RobotSnapshot | ClockSnapshot) -> PartitionState:
    values = [
        encode_clock(*s) if isinstance(s, ClockSnapshot) else encode_state(*s) for s in snapshots
    ]
    return partition_state([decode_snapshot(v) for v in values], "raw.pollen", 2)


def at(offset: int, topic: str = "raw.pollen", partition: int = 2) -> PartitionClock:
    return PartitionClock(topic, partition, offset, 1_000 * offset, 8)


NAME = "pollen/r2-1"


def test_restore_takes_the_highest_offset_and_only_its_topic_and_partition() -> None:
    state = restored(
        RobotSnapshot(robot(offset=49), at(50)),
        RobotSnapshot(robot(offset=44), at(45)),  # written later by a worker that woke up
        RobotSnapshot(robot(robot="iit/i-1", topic="raw.iit", offset=99), at(99, "raw.iit")),
        ClockSnapshot(at(50), {NAME: 50}),
        ClockSnapshot(at(45), {NAME: 45}),
        ClockSnapshot(at(70, partition=3), {}),
    )
    assert state.robots.keys() == {NAME}
    assert state.robots[NAME].offset == 49
    assert state.clock == at(50)
    assert state.written == {NAME: 50}


def test_where_compaction_kept_a_sleeper_s_snapshot_alone_the_clock_is_set_back_to_it() -> None:
    state = restored(
        ClockSnapshot(at(60), {NAME: 50, "pollen/r2-2": 60}),
        RobotSnapshot(robot(robot="pollen/r2-2", offset=59), at(60)),
        RobotSnapshot(robot(offset=44), at(45)),  # that of offset 50 is compacted away
    )
    assert state.clock == at(45)


def test_a_robot_newer_than_the_clock_is_no_reason_to_go_back() -> None:
    state = restored(
        ClockSnapshot(at(50), {NAME: 50}),
        RobotSnapshot(robot(offset=52), at(55)),  # the checkpoint's clock did not get out
    )
    assert state.clock == at(50)
