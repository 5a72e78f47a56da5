"""Replays a recording as its robot would have sent it: one session, one episode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from producers.recordings.read import open_recording
from producers.recordings.recording import Recording
from producers.sdk.session import Session
from schemas.limits import MAX_ID_CHARS

Rate = Literal["real", "max"]
SEND_SECONDS = 60.0
"""How long a replay waits for room before it gives up: the broker is away."""


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """What a replay read, sent, and knows to be in Kafka."""

    robot: str
    session: str
    read_frames: int
    published_frames: int
    acknowledged_frames: int
    chunks: int


def wait_seconds(rate: Rate, end_s: float, passed_s: float) -> float:
    """How long to wait before a chunk is sent.

    Args:
        rate: `real` sends a chunk when its last frame is due, `max` at once.
        end_s: time of that frame since the recording's first.
        passed_s: time since the replay began.
    """
    return max(0.0, end_s - passed_s) if rate == "real" else 0.0


def replay(
    recording: Recording,
    open_session: Callable[[Recording], Session],
    rate: Rate = "max",
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ReplayCounts:
    """Publish a recording; returns when Kafka has all of it, or time is up.

    Args:
        recording: what to replay.
        open_session: gives the robot's session, which this closes.
        rate: as fast as it was recorded, or as fast as it goes.
        clock: seconds that only grow.
        sleep: waits for seconds.
    """
    with open_session(recording) as session:
        take = open_recording(recording, session.form)
        task = None if take.task is None else take.task[:MAX_ID_CHARS]
        session.episode_start(task=task, timeout=SEND_SECONDS)
        read = 0
        started = clock()
        for chunk in take.chunks:
            sleep(wait_seconds(rate, chunk.end_s, clock() - started))
            session.send_chunk(chunk.value, chunk.frames, timeout=SEND_SECONDS)
            read += chunk.frames
        session.episode_end(timeout=SEND_SECONDS)
        session.close(SEND_SECONDS)
        progress = session.progress
    return ReplayCounts(
        robot=recording.robot,
        session=session.id,
        read_frames=read,
        published_frames=progress.frames,
        acknowledged_frames=progress.acknowledged_frames,
        chunks=session.chunks,
    )
