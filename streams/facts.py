"""What the tracker says aloud: boundaries among the frames, facts about episodes."""

from __future__ import annotations

from typing import Any

from schemas.canonical import Boundary, BoundaryKind, Cause, encode_boundary
from schemas.events import (
    EpisodeEvent,
    EventKind,
    Finding,
    QualityReport,
    encode_event,
    encode_report,
)
from schemas.marks import Mark, outside_id
from schemas.topics import CANONICAL_FRAMES, EPISODES, QUALITY_REPORTS
from streams.order import count
from streams.records import Output, RawRecord
from streams.state import EpisodeState, RobotState


def boundary_at(
    state: RobotState,
    kind: BoundaryKind,
    cause: Cause,
    episode: EpisodeState | None,
    record: RawRecord,
) -> Boundary:
    """Where a session (without `episode`) or an episode stands at this record."""
    ends = kind in (BoundaryKind.SESSION_END, BoundaryKind.EPISODE_END)
    held = episode.frames if episode else state.frames
    lost = count(state.missing, episode.start_sequence if episode else state.first_sequence)
    return Boundary(
        robot=state.robot,
        session=state.session,
        sequence=state.next_sequence - 1,
        kind=kind,
        cause=cause,
        episode=episode.episode if episode else None,
        processing_id=state.processing_id,
        first_frame=episode.first_frame if episode else state.first_frame,
        frames=held if ends else 0,
        last_frame=state.next_frame,
        first_sequence=episode.start_sequence if episode else state.first_sequence,
        last_sequence=state.next_sequence - 1,
        missing=lost if ends else 0,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        log_ms=record.timestamp,
    )


def event_of(
    state: RobotState,
    episode: str,
    kind: EventKind,
    record: RawRecord,
    **facts: Any,
) -> Output:
    """A fact about an episode of this robot, as a record on `episodes`."""
    event = EpisodeEvent(
        episode=episode,
        processing_id=state.processing_id,
        kind=kind,
        robot=state.robot,
        session=state.session,
        log_ms=record.timestamp,
        **facts,
    )
    return Output(EPISODES, record.partition, event.key, encode_event(event))


def refuse_outside(state: RobotState, offset: int, reason: str, record: RawRecord) -> Output:
    """A mark from outside the sequence that changes nothing: said, so that nobody waits for it.

    Args:
        state: the robot.
        offset: of the mark in the raw topic.
        reason: why.
        record: the record at which that is known.
    """
    name = outside_id(state.session, offset)
    return event_of(state, name, EventKind.REFUSED, record, reasons=[reason])


def told_by(mark: Mark) -> dict[str, str | None]:
    """What a start mark tells of its episode."""
    mode = mark.mode.value if mark.mode else None
    names = ("task", "skill", "scene", "operator", "station")
    return {**{name: getattr(mark, name) for name in names}, "mode": mode}


def on_canonical(boundary: Boundary, record: RawRecord) -> Output:
    """A boundary as a record on `canonical.frames`, in order among the chunks."""
    value = encode_boundary(boundary)
    return Output(CANONICAL_FRAMES, record.partition, boundary.robot.encode(), value)


def report_at(
    state: RobotState, episode: EpisodeState, findings: list[Finding], record: RawRecord
) -> Output:
    """What is wrong with an episode as a whole, on `quality.reports`, at the mark that ends it."""
    report = QualityReport(
        robot=state.robot,
        session=state.session,
        sequence=state.next_sequence - 1,
        first_frame=episode.first_frame,
        frames=episode.frames,
        episode=episode.episode,
        processing_id=state.processing_id,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        log_ms=record.timestamp,
        findings=findings,
        score=state.score,
        whole=True,
    )
    key = state.robot.encode()
    return Output(QUALITY_REPORTS, record.partition, key, encode_report(report))
