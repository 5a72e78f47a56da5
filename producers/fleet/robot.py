"""One simulated robot: which chunk or mark comes next, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from producers.fleet.motion import Span
from producers.fleet.plan import RobotPlan


@dataclass(frozen=True, slots=True)
class EpisodeStart:
    """An episode begins with the next chunk."""

    span: Span


@dataclass(frozen=True, slots=True)
class EpisodeEnd:
    """The episode ended with the last chunk."""

    success: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Frames [start, stop) of the loop are due `due_s` after the session's frame 0."""

    start: int
    stop: int
    first_frame: int
    due_s: float


Event = EpisodeStart | EpisodeEnd | Chunk

FAILS_EVERY = 7
"""Every so many episodes one is marked as failed, so that both kinds occur."""


def robot_events(frames: int, spans: Sequence[Span], plan: RobotPlan) -> Iterator[Event]:
    """What a robot sends, for ever: chunks, with marks between them where episodes begin and end.

    Frame 0 of the session is wherever in the loop the plan's phase says; if that lies within an
    episode, its start is never seen, nor is its end told.

    Args:
        frames: L, of the loop.
        spans: episodes in the loop; they begin and end between chunks.
        plan: the robot.
    """
    size = plan.chunk_frames
    starts = {span.start: span for span in spans}
    stops = {span.stop for span in spans}
    at = round(plan.phase * frames / size) * size % frames
    first_frame, episodes, is_open = 0, 0, False
    while True:
        if is_open and (at or frames) in stops:
            episodes += 1
            is_open = False
            yield EpisodeEnd(success=episodes % FAILS_EVERY != 0)
        if at in starts:
            is_open = True
            yield EpisodeStart(starts[at])
        stop = min(at + size, frames)
        yield Chunk(at, stop, first_frame, (first_frame + stop - at) / plan.rate_hz)
        first_frame += stop - at
        at = stop % frames
