"""Which robots a partition knows: those that live here, only so many, and none for ever."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.envelope import Envelope
from schemas.partition import partition_of
from schemas.rejected import Reason, Rejected
from streams.records import RawRecord
from streams.sessions import past_session
from streams.state import PartitionClock, RobotState

MAX_ROBOTS = 1_024
"""Of a raw partition: what a worker holds in memory, and reads before it goes on, stays bounded."""
FORGET_MS = 30 * 24 * 3_600_000
"""A robot of which nothing was heard for so long is forgotten; it may come back as a new one."""

Robots = Mapping[str, RobotState]


def recall(robots: Robots, name: str, clock: PartitionClock) -> RobotState | None:
    """What is known of a robot; nothing where it was not heard for long, in memory or not."""
    state = robots.get(name)
    return None if state is None or is_past(state, clock) else state


def is_past(state: RobotState, clock: PartitionClock) -> bool:
    """Whether a robot is to be forgotten."""
    quiet = not state.session_open and not state.late
    return quiet and clock.clock_ms - state.heard_ms >= FORGET_MS


def stranger(
    state: RobotState | None,
    robots: Robots,
    partitions: int,
    clock: PartitionClock,
    record: RawRecord,
    envelope: Envelope,
) -> Rejected | None:
    """Why a robot cannot begin here, if it cannot; one whose session is known goes on.

    Two partitions would each count a session's records from the first one on, and what stands in
    both under one number would be there twice. A session that began when there were fewer
    partitions is known where it began.
    """
    home = partition_of(envelope.robot, partitions)
    if home != record.partition and not _knows(state, envelope.session):
        detail = (
            f"robot {envelope.robot} lives in partition {home} of {partitions}, this record came "
            f"in {record.partition}: partition by murmur2 of the robot's name, as the SDK does"
        )
        return Rejected(Reason.WRONG_PARTITION, detail, envelope.frames)
    if state is None and _is_full(robots, clock, record):
        detail = (
            f"{MAX_ROBOTS} robots are known in {record.topic}/{record.partition}, and "
            f"{envelope.robot} is none of them: are serial numbers made anew again and again? "
            "Robots are forgotten after 30 days of silence; more partitions hold more robots"
        )
        return Rejected(Reason.TOO_MANY_ROBOTS, detail, envelope.frames)
    return None


def _knows(state: RobotState | None, session: str) -> bool:
    return state is not None and (
        state.session == session or past_session(state, session) is not None
    )


def _is_full(robots: Robots, clock: PartitionClock, record: RawRecord) -> bool:
    """Counted as of this record, whatever a restored worker already knows of later ones."""
    if len(robots) < MAX_ROBOTS:
        return False
    known = (s for s in robots.values() if s.born < record.offset and not is_past(s, clock))
    return sum(1 for _ in known) >= MAX_ROBOTS
