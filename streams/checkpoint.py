"""When a partition's state is written, and what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from schemas.topics import STREAMS_STATE
from streams.records import Output
from streams.state import PartitionClock, RobotState, clock_key, encode_clock, encode_state

CHECKPOINT_MS = 3_000
CHECKPOINT_RECORDS = 4_000


@dataclass(frozen=True)
class PartitionState:
    """One raw partition: its clock, its robots, and what changed since the last checkpoint.

    Of `partitions` that its topic has. `written` gives for each robot the clock's offset in its
    last snapshot; `forgotten` are robots whose snapshots are to be taken back.
    """

    clock: PartitionClock
    partitions: int = 1
    robots: Mapping[str, RobotState] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()
    forgotten: frozenset[str] = frozenset()
    checkpoint_ms: int = 0
    since_checkpoint: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """Snapshots to write once every output before them is acknowledged; then commit `offset`."""

    offset: int
    snapshots: tuple[Output, ...]


@dataclass(frozen=True)
class Folded:
    """What a fold gives: outputs now, and perhaps a checkpoint behind them."""

    outputs: list[Output]
    checkpoint: Checkpoint | None
    counts: Mapping[str, int]
    frames: int = 0
    """Frames made canonical."""


def empty_partition(topic: str, partition: int, partitions: int = 1) -> PartitionState:
    """The state of a partition, of so many of its topic, that nobody has read yet."""
    return PartitionState(PartitionClock(topic, partition, -1, 0, 0), partitions)


def is_due(state: PartitionState) -> bool:
    """Whether enough log time or records have passed since the last checkpoint."""
    waited_ms = state.clock.clock_ms - state.checkpoint_ms
    return waited_ms >= CHECKPOINT_MS or state.since_checkpoint >= CHECKPOINT_RECORDS


def checkpointed(state: PartitionState) -> tuple[PartitionState, tuple[Output, ...]]:
    """Snapshots of the robots touched, behind them that of the partition's clock.

    Snapshots of robots that are forgotten are taken back behind it: whoever misses them knows by
    the clock that they were.
    """
    clock, robots = state.clock, state.robots
    written = {**state.written, **dict.fromkeys(state.touched, clock.offset)}
    written = {name: offset for name, offset in written.items() if name in robots}
    values = {name.encode(): encode_state(robots[name], clock) for name in sorted(state.touched)}
    values[clock_key(clock.topic, clock.partition)] = encode_clock(clock, written)
    values.update({name.encode(): b"" for name in sorted(state.forgotten - robots.keys())})
    state = replace(
        state,
        written=written,
        touched=frozenset(),
        forgotten=frozenset(),
        checkpoint_ms=clock.clock_ms,
        since_checkpoint=0,
    )
    partition = clock.partition
    return state, tuple(Output(STREAMS_STATE, partition, key, v) for key, v in values.items())
