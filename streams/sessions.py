"""Sessions of one robot: begun, ended, gone on with, and what is kept of those that are over."""

from __future__ import annotations

from schemas.canonical import BoundaryKind, Cause
from schemas.envelope import Envelope
from streams.facts import boundary_at, on_canonical, refuse_outside
from streams.history import NO_HISTORY, after_session
from streams.late import goes_on
from streams.records import Output, RawRecord
from streams.state import History, LateFrames, PastSession, PendingMark, RobotState
from streams.track import close_episode

MAX_PAST = 16
"""Sessions that are remembered behind the current one."""


def new_robot(
    envelope: Envelope,
    record: RawRecord,
    heard_ms: int,
    processing_id: str,
    past: tuple[PastSession, ...] = (),
    late: tuple[LateFrames, ...] = (),
    born: int | None = None,
    history: History = NO_HISTORY,
    score: float = 1.0,
) -> RobotState:
    """A robot at the first record of a session, before anything of it is counted.

    What follows `past` is what is known of the robot from before.
    """
    return RobotState(
        robot=envelope.robot,
        topic=record.topic,
        offset=record.offset,
        born=record.offset if born is None else born,
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
        marked=False,
        pending=(),
        past=past,
        late=late,
        score=score,
        told_score=score,
        history=history,
        episode=None,
        checks=None,
        motion=None,
    )


def open_session(
    state: RobotState, cause: Cause, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """Begin a session, or go on with one that had fallen silent."""
    state = goes_on(state)._replace(session_open=True)
    boundary = boundary_at(state, BoundaryKind.SESSION_START, cause, None, record)
    return state, [on_canonical(boundary, record)]


def close_session(
    state: RobotState, cause: Cause, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """End a session, and its open episode before it."""
    state, outputs = close_episode(state, cause, None, record)
    outputs += [_never_came(state, waiting, record) for waiting in state.pending]
    state = state._replace(pending=())
    boundary = boundary_at(state, BoundaryKind.SESSION_END, cause, None, record)
    return state._replace(session_open=False), [*outputs, on_canonical(boundary, record)]


def _never_came(state: RobotState, waiting: PendingMark, record: RawRecord) -> Output:
    """A mark whose frame or time never came."""
    mark = waiting.mark
    place = f"frame {mark.at_frame}" if mark.at_ns is None else f"time {mark.at_ns} ns"
    reason = f"The session ended before it: {mark.mark.value} named {place}."
    return refuse_outside(state, waiting.offset, reason, record)


def leave(
    state: RobotState, record: RawRecord
) -> tuple[tuple[PastSession, ...], History, list[Output]]:
    """End a robot's session because another one begins; gives what that one knows of before."""
    outputs: list[Output] = []
    if state.session_open:
        state, outputs = close_session(state, Cause.NEW_SESSION, record)
    over = PastSession(state.session, state.next_sequence, state.missing, state.clock_offset_ns)
    history = after_session(state.history, state.checks)
    return (*state.past, over)[-MAX_PAST:], history, outputs


def renew(
    state: RobotState, profile: str, processing_id: str, record: RawRecord
) -> tuple[RobotState, list[Output]]:
    """Go on in the same session under another processing id: what was open under the old ends.

    A worker of a newer version took over, or the profile changed. The take that was being recorded
    is cut; a backfill makes it whole under the new id.
    """
    outputs: list[Output] = []
    was_open = state.session_open
    if was_open:
        state, outputs = close_session(state, Cause.NEW_PROCESSING, record)
    state = state._replace(
        profile=profile,
        processing_id=processing_id,
        first_sequence=state.next_sequence,
        first_frame=state.next_frame,
        frames=0,
    )
    if was_open:
        state, opened = open_session(state, Cause.NEW_PROCESSING, record)
        outputs = outputs + opened
    return state, outputs


def past_session(state: RobotState, session: str) -> PastSession | None:
    """What is kept of an earlier session of this robot."""
    return next((past for past in state.past if past.session == session), None)


def is_forgotten(state: RobotState, session: str) -> bool:
    """Whether a session may be one that was over so long ago that nothing is kept of it.

    Names of sessions rise with the robot's wall clock; one that lies before all that are
    remembered, when memory is full, cannot be told from a new one of a robot whose clock was reset.
    """
    return len(state.past) == MAX_PAST and session < min(past.session for past in state.past)


def keep_past(state: RobotState, over: PastSession) -> RobotState:
    """A robot with what is newly known of an earlier session."""
    past = tuple(over if each.session == over.session else each for each in state.past)
    return state._replace(past=past)
