"""Frames that come behind the end of their session: kept, and ended where no more of them come.

No end of theirs is ahead: without one a sink would hold them open until its partition goes on.
"""

from __future__ import annotations

from schemas.canonical import Boundary, BoundaryKind, Cause
from schemas.envelope import Envelope
from streams.facts import on_canonical
from streams.records import Output, RawRecord
from streams.state import LateFrames, RobotState

MAX_LATE = 16
"""Sessions of a robot with late frames at a time; past these the oldest one ends at once."""


def note_late(
    state: RobotState, envelope: Envelope, processing_id: str, clock_ms: int, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """A robot after one more late chunk."""
    first_frame, last_frame = envelope.first_frame, envelope.first_frame + envelope.frames
    sequence = envelope.sequence
    frames = LateFrames(
        envelope.session, processing_id, sequence, sequence, first_frame, last_frame,
        envelope.frames, clock_ms,
    )  # fmt: skip
    others = []
    for late in state.late:
        if late[:2] == frames[:2]:
            frames = _together(late, frames)
        else:
            others.append(late)
    excess = max(len(others) + 1 - MAX_LATE, 0)
    outputs = [_end(state, late, record) for late in others[:excess]]
    return state._replace(late=(*others[excess:], frames)), outputs


def end_late(
    state: RobotState, until_ms: int, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """End what was last heard at this time of the partition's clock, or before."""
    outputs = [_end(state, late, record) for late in state.late if late.heard_ms <= until_ms]
    return state._replace(late=state.late[len(outputs) :]), outputs


def goes_on(state: RobotState) -> RobotState:
    """A robot whose session begins again: the session's end will be that of late frames, too."""
    own = (state.session, state.processing_id)
    return state._replace(late=tuple(late for late in state.late if late[:2] != own))


def _together(late: LateFrames, more: LateFrames) -> LateFrames:
    return more._replace(
        first_sequence=min(late.first_sequence, more.first_sequence),
        last_sequence=max(late.last_sequence, more.last_sequence),
        first_frame=min(late.first_frame, more.first_frame),
        last_frame=max(late.last_frame, more.last_frame),
        frames=late.frames + more.frames,
    )


def _end(state: RobotState, late: LateFrames, record: RawRecord) -> Output:
    boundary = Boundary(
        robot=state.robot,
        session=late.session,
        sequence=late.last_sequence,
        kind=BoundaryKind.LATE_END,
        cause=Cause.SILENCE,
        episode=None,
        processing_id=late.processing_id,
        first_frame=late.first_frame,
        frames=late.frames,
        last_frame=late.last_frame,
        first_sequence=late.first_sequence,
        last_sequence=late.last_sequence,
        missing=0,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        log_ms=record.timestamp,
    )
    return on_canonical(boundary, record)
