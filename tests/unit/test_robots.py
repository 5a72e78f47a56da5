"""A partition knows robots that live in it, so many of them, and none for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from schemas.canonical import BoundaryKind
from schemas.partition import partition_of
from streams import robots
from streams.checkpoint import PartitionState, checkpointed, empty_partition
from streams.process import process_fold
from streams.records import PlainRecord
from streams.restore import partition_state
from streams.state import RobotState, decode_snapshot
from tests import make

TOPIC, N = "raw.fourier", 4
NAME = "fourier/unit-1"
HOME = partition_of(NAME, N)
AWAY = (HOME + 1) % N


def chunk(robot: str, sequence: int, offset: int, seconds: float = 0.0) -> PlainRecord:
    first = 2 * sequence
    value = make.gr1_value(np.zeros((2, 44)), 0.05 * (first + np.arange(2)))
    log_ms = make.LOG_MS + int(1_000 * seconds)
    told = {"robot": robot, "sequence": sequence, "first_frame": first}
    return make.chunk("fourier", value, 2, offset=offset, log_ms=log_ms, **told)


def ticks(first_offset: int, first_s: int, last_s: int) -> list[PlainRecord]:
    return [
        make.tick("fourier", first_offset + s, make.LOG_MS + 1_000 * s)
        for s in range(first_s, last_s + 1)
    ]


def reasons(outputs: Sequence) -> list[str]:
    return [letter.reason for letter in make.dead_letters(outputs)]


def test_a_robot_in_a_partition_that_is_not_its_own_is_refused() -> None:
    here = replace(chunk(NAME, 0, 0), partition=HOME)
    _, outputs = make.run([here], empty_partition(TOPIC, HOME, N))
    assert reasons(outputs) == []
    there = replace(here, partition=AWAY)
    _, outputs = make.run([there], empty_partition(TOPIC, AWAY, N))
    (letter,) = make.dead_letters(outputs)
    assert letter.reason == "wrong_partition"
    assert f"lives in partition {HOME} of 4" in letter.detail


def test_a_session_that_began_when_there_were_fewer_partitions_goes_on_where_it_is() -> None:
    fewer, _ = make.run([replace(chunk(NAME, 0, 0), partition=AWAY)], _only(AWAY))
    grown = replace(fewer, partitions=N)
    record = replace(chunk(NAME, 1, 1), partition=AWAY)
    _, outputs = make.run([record], grown)
    assert [c.sequence for c in make.chunks(outputs)] == [1]
    other = make.chunk(
        "fourier", record.value or b"", 2, offset=2, session=make.LATER_SESSION, robot=NAME
    )
    _, outputs = make.run([replace(other, partition=AWAY)], grown)
    assert reasons(outputs) == ["wrong_partition"]


def _only(partition: int) -> PartitionState:
    """A partition that every robot of these tests lives in."""
    n = next(n for n in range(1, 9) if partition_of(NAME, n) == partition)
    return empty_partition(TOPIC, partition, n)


@pytest.fixture
def room_for_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "MAX_ROBOTS", 3)


@pytest.mark.usefixtures("room_for_three")
def test_more_robots_than_a_partition_knows_are_refused_and_those_it_knows_go_on() -> None:
    records = [chunk(f"fourier/r{n}", 0, n) for n in range(5)]
    state, outputs = make.run(records)
    assert reasons(outputs) == ["too_many_robots", "too_many_robots"]
    assert state.robots.keys() == {"fourier/r0", "fourier/r1", "fourier/r2"}
    _, outputs = make.run([chunk("fourier/r2", 1, 5)], state)
    assert [c.robot for c in make.chunks(outputs)] == ["fourier/r2"]


@pytest.mark.usefixtures("room_for_three")
def test_who_finds_room_does_not_depend_on_what_a_restart_knows_of_later_robots() -> None:
    """A worker that was killed among the snapshots of a checkpoint knows some of its robots."""
    records = [chunk(f"fourier/r{n}", 0, n) for n in range(4)]
    whole, outputs = make.run(records)
    for known in ("fourier/r0", "fourier/r1", "fourier/r2"):
        restored = replace(empty_partition(TOPIC, 0), robots={known: whole.robots[known]})
        _, again = make.run(records, restored)
        assert reasons(again) == ["too_many_robots"]
        assert {o.value for o in again} < {o.value for o in outputs}


@pytest.fixture
def memory_of_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "FORGET_MS", 60_000)


@pytest.mark.usefixtures("memory_of_a_minute")
def test_a_robot_that_was_silent_for_long_is_forgotten_behind_the_clock_that_says_so() -> None:
    state, _ = make.run([chunk(NAME, 0, 0), *ticks(10, 1, 39), chunk("fourier/r1", 0, 50, 40)])
    after, folded = process_fold(state, ticks(10, 41, 80), make.processors())
    assert after.robots.keys() == {"fourier/r1"}
    assert after.forgotten == frozenset()
    assert folded.checkpoint is not None
    assert [(o.key, o.value == b"") for o in folded.checkpoint.snapshots][-2:] == [
        (b"@raw.fourier/0", False),
        (NAME.encode(), True),
    ]
    assert NAME not in after.written


@pytest.mark.usefixtures("memory_of_a_minute")
@pytest.mark.parametrize("forgotten", [True, False])
def test_a_robot_that_comes_back_after_long_is_new_whether_its_snapshot_was_taken_back_or_not(
    forgotten: bool,
) -> None:
    state, _ = make.run([chunk(NAME, 0, 0), *ticks(10, 1, 40)])
    _, snapshots = checkpointed(replace(state, touched=frozenset((NAME,))))
    state, _ = make.run(ticks(10, 41, 99), state)
    assert NAME not in state.robots
    if not forgotten:
        known = [decode_snapshot(o.value) for o in snapshots]
        old = partition_state(known, TOPIC, 0)
        state = replace(state, robots=old.robots)
        assert isinstance(state.robots[NAME], RobotState)
    state, outputs = make.run([chunk(NAME, 7, 200, 99.5)], state)
    assert [b.kind for b in make.boundaries(outputs)] == [BoundaryKind.SESSION_START]
    assert state.robots[NAME].missing == ((0, 7),)
    assert state.robots[NAME].born == 200


@pytest.mark.usefixtures("memory_of_a_minute")
def test_a_forgotten_robot_that_is_back_before_the_checkpoint_keeps_its_snapshot() -> None:
    state, _ = make.run([chunk(NAME, 0, 0)])
    state, _ = make.run(ticks(10, 1, 99), replace(state, checkpoint_ms=1 << 50))
    state, _ = make.run([chunk(NAME, 1, 200, 99)], state)
    assert NAME in state.robots
    _, snapshots = checkpointed(state)
    assert all(output.value for output in snapshots)
