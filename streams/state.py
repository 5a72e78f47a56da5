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

STATE_VERSION = 4
QUATERNIONS = 5
"""Hands (2), feet (2), base: their signs are carried from chunk to chunk."""


class SessionState(NamedTuple):
    """What the checks of a whole session carry.

    Attributes:
        start_ns: stamp of the session's first frame.
        published_ns: when the first chunk was sent that says so.
        figures: [N] running figures of `streams.kernels.session_checks`.
        take: [1 + 3 W] what the open episode is known by, of `streams.kernels.take_checks`.
        clock: [8] sums of the clock's regression.
    """

    start_ns: int | None
    published_ns: int | None
    figures: F64
    take: F64
    clock: F64


class OpenFinding(NamedTuple):
    """A session's finding that goes on: what of it was not told yet.

    Attributes:
        told_to: frame up to which it was told.
        last_frame: frame past the last in which it was found.
        frames: found since `told_to`.
        value: the worst since.
    """

    told_to: int
    last_frame: int
    frames: int
    value: float


class CheckState(NamedTuple):
    """What the per-frame checks carry; C native channels.

    Attributes:
        stamp_ns: the last stamp, None at a session's start.
        figures: [N] running figures of `streams.kernels.frame_checks`.
        seen_ns: [C] stamp of the last number each joint reported.
        session: what takes longer than a chunk to prove.
        going_on: findings of the session that go on, by check and channel.
    """

    stamp_ns: int | None
    figures: F64
    seen_ns: I64
    session: SessionState
    going_on: Mapping[str, OpenFinding]


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
        limits: thresholds of the checks of episodes; empty before its first chunk.
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
    limits: dict[str, float]


class EpisodePrint(NamedTuple):
    """What an episode is known by again.

    Attributes:
        digest: of all its positions.
        place: [2 W] mean of each watched joint, then its spread.
    """

    episode: str
    frames: int
    digest: int
    place: F32


class History(NamedTuple):
    """What is kept of a robot from session to session.

    Attributes:
        bias: [C] how far each joint stayed beside its command in the last session, NaN = unknown;
            empty where there was none, or once this session was compared with it.
        episodes: the last ones.
    """

    bias: F32
    episodes: tuple[EpisodePrint, ...]


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


class PendingMark(NamedTuple):
    """A mark from outside the sequence, and its offset in the raw topic."""

    mark: Mark
    offset: int


class RobotState(NamedTuple):
    """One robot.

    Attributes:
        offset: the last raw offset that went into it.
        born: the first one that did, of any session.
        marked: whether the session has had a mark of an episode: then gaps make none.
        pending: marks from outside the sequence whose frame or time has not come yet.
        past: earlier sessions, the newest last.
        late: frames behind the end of their session, the last heard last.
        score: share of frames without an error, the latest counting most; told_score: as last told.
        history: of earlier sessions and episodes.
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
    pending: tuple[PendingMark, ...]
    past: tuple[PastSession, ...]
    late: tuple[LateFrames, ...]
    score: float
    told_score: float
    history: History
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
    record["pending"] = [waiting.mark.to_json().decode() for waiting in state.pending]
    record["pending_offsets"] = [waiting.offset for waiting in state.pending]
    record["past"] = [{**past._asdict(), "missing": _bounds(past.missing)} for past in state.past]
    record["late"] = [late._asdict() for late in state.late]
    record["history"] = {
        "bias": state.history.bias.tobytes(),
        "episodes": [
            {**known._asdict(), "place": known.place.tobytes()} for known in state.history.episodes
        ],
    }
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
                "take": checks.session.take.tobytes(),
                "clock": checks.session.clock.tobytes(),
            },
            "going_on": {key: own._asdict() for key, own in checks.going_on.items()},
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
    marks, offsets = record["pending"], record.pop("pending_offsets")
    record["pending"] = tuple(
        PendingMark(Mark.model_validate_json(mark), offset)
        for mark, offset in zip(marks, offsets, strict=True)
    )
    record["past"] = tuple(
        PastSession(**{**past, "missing": _ranges(past["missing"])}) for past in record["past"]
    )
    record["late"] = tuple(LateFrames(**late) for late in record["late"])
    history = record["history"]
    record["history"] = History(
        np.frombuffer(history["bias"], np.float32).copy(),
        tuple(
            EpisodePrint(**{**known, "place": np.frombuffer(known["place"], np.float32).copy()})
            for known in history["episodes"]
        ),
    )
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
                np.frombuffer(session["take"], np.float64).copy(),
                np.frombuffer(session["clock"], np.float64).copy(),
            ),
            {key: OpenFinding(**own) for key, own in checks["going_on"].items()},
        )
    motion = record["motion"]
    if motion is not None:
        record["motion"] = MotionState(
            motion["t_ns"],
            np.frombuffer(motion["angle"], np.float32).copy(),
            np.frombuffer(motion["quaternions"], np.float32).reshape(QUATERNIONS, 4).copy(),
        )
    return RobotSnapshot(RobotState(**record), clock)
