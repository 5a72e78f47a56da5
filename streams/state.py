"""What a worker remembers: per robot and per raw partition; immutable, and small on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.codec import decode, encode
from schemas.marks import Mark
from schemas.registry import packaged
from streams.suspects import Suspects

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

STATE_VERSION = 3
QUATERNIONS = 5
"""Hands (2), feet (2), base: their signs are carried from chunk to chunk."""


class SessionState(NamedTuple):
    """What the checks of a whole session carry.

    Attributes:
        start_ns: stamp of the session's first frame.
        published_ns: when the first chunk was sent that says so.
        figures: [N] running figures of `streams.kernels.session_checks`.
        clock: [8] sums of the clock's regression.
    """

    start_ns: int | None
    published_ns: int | None
    figures: F64
    clock: F64


class CheckState(NamedTuple):
    """What the per-frame checks carry; C native channels.

    Attributes:
        stamp_ns: the last stamp, None at a session's start.
        figures: [N] running figures of `streams.kernels.frame_checks`.
        seen_ns: [C] stamp of the last number each joint reported.
        session: what takes longer than a chunk to prove.
    """

    stamp_ns: int | None
    figures: F64
    seen_ns: I64
    session: SessionState


class MotionState(NamedTuple):
    """What velocities and quaternion signs carry from the last frame.

    Attributes:
        t_ns: its time.
        angle: [44] its canonical angles.
        quaternions: [5, 4] left hand, right hand, left foot, right foot, base; wxyz.
    """

    t_ns: int
    angle: F32
    quaternions: F32


JOINT_MARK = "/"
"""Between check and joint in an episode's counts."""


class EpisodeState(NamedTuple):
    """An open episode.

    Attributes:
        start_sequence: of its start mark; of its first chunk where no mark in sequence began it.
        moved_ns: of an episode that no mark began: when its robot last moved; else None.
        findings: flagged frames by check, and by check and joint.
    """

    episode: str
    start_sequence: int
    first_frame: int
    frames: int
    error_frames: int
    t_first_ns: int | None
    t_last_ns: int | None
    moved_ns: int | None
    mark: Mark
    findings: dict[str, int]


class PastSession(NamedTuple):
    """What is kept of a session that a newer one has ended: its late records are still placed."""

    session: str
    next_sequence: int
    missing: tuple[tuple[int, int], ...]
    clock_offset_ns: int | None


class LateFrames(NamedTuple):
    """Frames that came behind their session's end, by themselves, and of which more may come.

    Attributes:
        session, processing_id: whose they are.
        first_sequence, last_sequence: lowest and highest of their chunks.
        first_frame, last_frame: lowest index, and the one past the highest.
        frames: how many.
        heard_ms: the partition's clock when the last of them came.
    """

    session: str
    processing_id: str
    first_sequence: int
    last_sequence: int
    first_frame: int
    last_frame: int
    frames: int
    heard_ms: int


class RobotState(NamedTuple):
    """One robot.

    Attributes:
        offset: the last raw offset that went into it.
        born: the first one that did, of any session.
        marked: whether the session has had a mark of an episode: then gaps make none.
        pending: marks from outside the sequence whose frame or time has not come yet.
        past: earlier sessions, the newest last.
        late: frames behind the end of their session, the last heard last.
    """

    robot: str
    topic: str
    offset: int
    born: int
    heard_ms: int
    profile: str
    processing_id: str
    session: str
    session_open: bool
    first_sequence: int
    next_sequence: int
    missing: tuple[tuple[int, int], ...]
    first_frame: int
    next_frame: int
    frames: int
    clock_offset_ns: int | None
    marked: bool
    pending: tuple[Mark, ...]
    past: tuple[PastSession, ...]
    late: tuple[LateFrames, ...]
    episode: EpisodeState | None
    checks: CheckState | None
    motion: MotionState | None


class PartitionClock(NamedTuple):
    """Log time of one raw partition.

    `clock_ms` runs with the records' timestamps, but a jump counts as 5 s at most: after a broker's
    outage nobody is taken for silent before they could speak again.
    """

    topic: str
    partition: int
    offset: int
    clock_ms: int
    last_ms: int


LONGEST_STEP_MS = 5_000


def advance(clock: PartitionClock, offset: int, timestamp_ms: int) -> PartitionClock:
    """The clock after one more record of its partition."""
    if offset <= clock.offset:
        return clock
    step = min(max(timestamp_ms - clock.last_ms, 0), LONGEST_STEP_MS) if clock.last_ms else 0
    return clock._replace(
        offset=offset,
        clock_ms=clock.clock_ms + step,
        last_ms=max(timestamp_ms, clock.last_ms),
    )


def clock_key(topic: str, partition: int) -> bytes:
    """The key of a partition's clock on `streams.state`."""
    return f"@{topic}/{partition}".encode()


class RobotSnapshot(NamedTuple):
    """A robot as of its partition's `clock`: no later record up to there is of this robot."""

    state: RobotState
    clock: PartitionClock


class ClockSnapshot(NamedTuple):
    """A partition's clock, and for each of its robots the clock's offset in its last snapshot.

    By these a reader finds out that a snapshot it has is not the last one: compaction keeps what
    was written last, and a worker that was stopped and wakes up writes old ones.
    """

    clock: PartitionClock
    robots: dict[str, int]


Snapshot = RobotSnapshot | ClockSnapshot | Suspects


def encode_clock(clock: PartitionClock, robots: Mapping[str, int]) -> bytes:
    """A snapshot of a partition's clock."""
    record = {"version": STATE_VERSION, **clock._asdict(), "robots": robots}
    return encode(packaged().named("partition_state"), record)


def encode_state(state: RobotState, clock: PartitionClock) -> bytes:
    """A snapshot of a robot."""
    record: dict[str, Any] = {"version": STATE_VERSION, **state._asdict()}
    record["clock"] = clock._asdict()
    record["missing"] = _bounds(state.missing)
    record["pending"] = [mark.to_json().decode() for mark in state.pending]
    record["past"] = [{**past._asdict(), "missing": _bounds(past.missing)} for past in state.past]
    record["late"] = [late._asdict() for late in state.late]
    if state.episode is not None:
        episode = state.episode._asdict()
        episode["mark"] = state.episode.mark.to_json().decode()
        record["episode"] = episode
    if state.checks is not None:
        checks = state.checks
        record["checks"] = {
            "stamp_ns": checks.stamp_ns,
            "figures": checks.figures.tobytes(),
            "seen_ns": checks.seen_ns.tobytes(),
            "session": {
                "start_ns": checks.session.start_ns,
                "published_ns": checks.session.published_ns,
                "figures": checks.session.figures.tobytes(),
                "clock": checks.session.clock.tobytes(),
            },
        }
    if state.motion is not None:
        record["motion"] = {
            "t_ns": state.motion.t_ns,
            "angle": state.motion.angle.tobytes(),
            "quaternions": state.motion.quaternions.tobytes(),
        }
    return encode(packaged().named("robot_state"), record)


def _bounds(ranges: tuple[tuple[int, int], ...]) -> list[int]:
    return [bound for pair in ranges for bound in pair]


def _ranges(bounds: list[int]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(bounds[::2], bounds[1::2], strict=True))


class StateVersionError(RuntimeError):
    """A snapshot that another version of the code wrote."""


def decode_snapshot(data: bytes) -> Snapshot:
    """Read a record of `streams.state`; raises StateVersionError for one of another version."""
    schema, record = decode(data, packaged())
    version = record.pop("version")
    if version != STATE_VERSION:
        raise StateVersionError(
            f"a snapshot has version {version}, this worker reads {STATE_VERSION}: "
            "run the worker that wrote it to the end of its sessions, or replay from raw"
        )
    if schema.name == "suspects":
        ends = dict(zip(record["offsets"], record["ends"], strict=True))
        return Suspects(record["topic"], record["partition"], ends)
    if schema.name == "partition_state":
        robots = record.pop("robots")
        return ClockSnapshot(PartitionClock(**record), robots)
    clock = PartitionClock(**record.pop("clock"))
    record["missing"] = _ranges(record["missing"])
    record["pending"] = tuple(Mark.model_validate_json(mark) for mark in record["pending"])
    record["past"] = tuple(
        PastSession(**{**past, "missing": _ranges(past["missing"])}) for past in record["past"]
    )
    record["late"] = tuple(LateFrames(**late) for late in record["late"])
    episode = record["episode"]
    if episode is not None:
        episode["mark"] = Mark.model_validate_json(episode["mark"])
        record["episode"] = EpisodeState(**episode)
    checks = record["checks"]
    if checks is not None:
        session = checks["session"]
        record["checks"] = CheckState(
            checks["stamp_ns"],
            np.frombuffer(checks["figures"], np.float64).copy(),
            np.frombuffer(checks["seen_ns"], np.int64).copy(),
            SessionState(
                session["start_ns"],
                session["published_ns"],
                np.frombuffer(session["figures"], np.float64).copy(),
                np.frombuffer(session["clock"], np.float64).copy(),
            ),
        )
    motion = record["motion"]
    if motion is not None:
        record["motion"] = MotionState(
            motion["t_ns"],
            np.frombuffer(motion["angle"], np.float32).copy(),
            np.frombuffer(motion["quaternions"], np.float32).reshape(QUATERNIONS, 4).copy(),
        )
    return RobotSnapshot(RobotState(**record), clock)
