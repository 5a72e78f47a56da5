"""Sessions and episodes of one robot: marks and frames in sequence become boundaries and events."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.canonical import BoundaryKind, CanonicalChunk, Cause
from schemas.embodiment import Embodiment
from schemas.envelope import Envelope
from schemas.events import EventKind, Finding
from schemas.marks import Mark, MarkKind, episode_id
from streams.facts import boundary_at, event_of, on_canonical, told_by
from streams.order import count
from streams.records import Output, RawRecord
from streams.state import EpisodeState, RobotState
from streams.verdict import judge


def new_robot(
    envelope: Envelope, record: RawRecord, heard_ms: int, processing_id: str
) -> RobotState:
    """A robot at the first record of a session, before anything of it is counted."""
    return RobotState(
        robot=envelope.robot,
        topic=record.topic,
        offset=record.offset,
        heard_ms=heard_ms,
        profile=envelope.profile,
        processing_id=processing_id,
        session=envelope.session,
        session_open=False,
        first_sequence=0,
        next_sequence=0,
        missing=(),
        first_frame=envelope.first_frame,
        next_frame=envelope.first_frame,
        frames=0,
        clock_offset_ns=None,
        episode=None,
        checks=None,
        motion=None,
    )


def open_session(
    state: RobotState, cause: Cause, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """Begin a session, or go on with one that had fallen silent."""
    state = state._replace(session_open=True)
    kind = BoundaryKind.SESSION_START
    boundary = boundary_at(state, kind, cause, None, record)
    return state, [on_canonical(boundary, record)]


def close_session(
    state: RobotState, cause: Cause, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """End a session, and its open episode before it."""
    state, outputs = close_episode(state, cause, None, record)
    kind = BoundaryKind.SESSION_END
    boundary = boundary_at(state, kind, cause, None, record)
    return state._replace(session_open=False), [*outputs, on_canonical(boundary, record)]


def open_episode(
    state: RobotState,
    mark: Mark,
    sequence: int,
    embodiment: Embodiment,
    record: RawRecord,
) -> tuple[RobotState, list[Output]]:
    """Begin an episode at its start mark; one still open ends there."""
    state, outputs = close_episode(state, Cause.NEW_EPISODE, None, record)
    episode = EpisodeState(
        episode=episode_id(state.session, sequence),
        start_sequence=sequence,
        first_frame=state.next_frame,
        frames=0,
        error_frames=0,
        missing=count(state.missing),
        t_first_ns=None,
        t_last_ns=None,
        mark=mark,
        findings={},
    )
    state = state._replace(episode=episode)
    kind = BoundaryKind.EPISODE_START
    boundary = boundary_at(state, kind, Cause.MARK, episode, record)
    opened = event_of(
        state,
        episode.episode,
        EventKind.OPENED,
        record,
        **told_by(mark),
        profile=state.profile,
        embodiment=embodiment.id,
        embodiment_hash=embodiment.hash,
        first_frame=episode.first_frame,
        first_sequence=sequence,
    )
    return state, [*outputs, on_canonical(boundary, record), opened]


def close_episode(
    state: RobotState, cause: Cause, mark: Mark | None, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """End the open episode, if there is one: its boundary, what is known of it, its verdict."""
    episode = state.episode
    if episode is None:
        return state, []
    kind = BoundaryKind.EPISODE_END
    boundary = boundary_at(state, kind, cause, episode, record)
    aborted = mark.aborted if mark else False
    closed = event_of(
        state,
        episode.episode,
        EventKind.CLOSED,
        record,
        success=mark.success if mark else None,
        aborted=aborted,
        cause=cause.value,
        first_frame=episode.first_frame,
        last_frame=state.next_frame,
        frames=episode.frames,
        first_sequence=episode.start_sequence,
        last_sequence=boundary.last_sequence,
        missing=boundary.missing,
        t_first_ns=episode.t_first_ns,
        t_last_ns=episode.t_last_ns,
    )
    judged = judge(episode, boundary.missing, aborted)
    verdict = event_of(
        state,
        episode.episode,
        EventKind.VERDICT,
        record,
        verdict=judged.verdict,
        score=judged.score,
        reasons=judged.reasons,
        findings=episode.findings,
    )
    return state._replace(episode=None), [on_canonical(boundary, record), closed, verdict]


def refuse_end(state: RobotState, sequence: int, record: RawRecord) -> Output:
    """An end mark with no episode open: said on `episodes`, so that nobody waits for it."""
    return event_of(
        state,
        episode_id(state.session, sequence),
        EventKind.REFUSED,
        record,
        reasons=["An episode's end came, but none was open."],
    )


def apply_mark(
    state: RobotState,
    mark: Mark,
    sequence: int,
    embodiment: Embodiment,
    record: RawRecord,
) -> tuple[RobotState, list[Output]]:
    """What a mark does to its robot."""
    match mark.mark:
        case MarkKind.SESSION_START:
            return state, []
        case MarkKind.SESSION_END:
            return close_session(state, Cause.SESSION_END, record)
        case MarkKind.EPISODE_START:
            return open_episode(state, mark, sequence, embodiment, record)
        case MarkKind.EPISODE_END:
            if state.episode is None:
                return state, [refuse_end(state, sequence, record)]
            return close_episode(state, Cause.MARK, mark, record)


def count_frames(
    state: RobotState, chunk: CanonicalChunk, findings: Iterable[Finding], error_frames: int
) -> RobotState:
    """A robot after a canonical chunk."""
    state = state._replace(
        frames=state.frames + chunk.frames,
        next_frame=max(state.next_frame, chunk.first_frame + chunk.frames),
    )
    episode = state.episode
    if episode is None or chunk.episode is None:
        return state
    counts = episode.findings
    found = {finding.check: finding.frames for finding in findings}
    if found:
        counts = {key: counts.get(key, 0) + found.get(key, 0) for key in {**counts, **found}}
    first, last = int(chunk.t_ns[0]), int(chunk.t_ns[-1])
    return state._replace(
        episode=episode._replace(
            frames=episode.frames + chunk.frames,
            error_frames=episode.error_frames + error_frames,
            t_first_ns=first if episode.t_first_ns is None else episode.t_first_ns,
            t_last_ns=last,
            findings=counts,
        )
    )
