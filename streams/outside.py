"""Marks from outside the sequence: a station's software names a frame or a time of a session.

A mark waits until the frame or time it names comes, and is then applied there; one whose place has
passed is refused, because the frames behind it are out. Whole chunks are cut: a start takes the
chunk that holds its frame, an end leaves the first chunk that lies behind it.
"""

from __future__ import annotations

from schemas.canonical import Cause
from schemas.embodiment import Embodiment
from schemas.envelope import Envelope
from schemas.marks import Mark, MarkKind
from schemas.rejected import Reason, Rejected
from streams.facts import refuse_outside
from streams.records import Output, RawRecord
from streams.state import PendingMark, RobotState
from streams.track import NO_EPISODE, close_episode, open_episode

MAX_PENDING = 4
ALREADY_BEGUN = "Another mark begins an episode with the same chunk."


def take_mark(
    state: RobotState | None, mark: Mark, session: str, record: RawRecord
) -> tuple[RobotState, list[Output]] | Rejected:
    """Keep a mark for the frame or time it names; an end right here is applied at once."""
    problem = _problem(state, mark, session)
    if problem is not None or state is None:
        return Rejected(Reason.BAD_MARK, problem or "")
    state = state._replace(marked=True)
    if mark.mark is MarkKind.EPISODE_END and mark.at_frame == state.next_frame:
        if state.episode is None:
            return state, [refuse_outside(state, record.offset, NO_EPISODE, record)]
        return close_episode(state, Cause.MARK, mark, record)
    waiting = PendingMark(mark, record.offset)
    return state._replace(pending=(*state.pending, waiting)), []


def _problem(state: RobotState | None, mark: Mark, session: str) -> str | None:
    if mark.mark not in (MarkKind.EPISODE_START, MarkKind.EPISODE_END):
        return "only the robot's own connection begins and ends a session"
    if (mark.at_frame is None) == (mark.at_ns is None):
        return "a mark from outside the sequence names at_frame or at_ns, one of them"
    if state is None or state.session != session or not state.session_open:
        return f"session {session} of this robot is not open"
    if len(state.pending) >= MAX_PENDING:
        return f"{MAX_PENDING} marks already wait for their frames"
    reached_ns = state.motion.t_ns if state.motion is not None else 0
    if mark.at_frame is not None and mark.at_frame < state.next_frame:
        return f"frame {mark.at_frame} is out already, up to {state.next_frame - 1}; name one ahead"
    if mark.at_ns is not None and mark.at_ns <= reached_ns:
        return f"frames up to {reached_ns} ns are out already; name a time ahead of {mark.at_ns}"
    return None


def apply_due(
    state: RobotState,
    envelope: Envelope,
    first_ns: int,
    last_ns: int,
    embodiment: Embodiment,
    record: RawRecord,
) -> tuple[RobotState, list[Output]]:
    """Apply the marks whose place is before this chunk, frames of which are first_ns … last_ns."""
    outputs: list[Output] = []
    if not state.pending:
        return state, outputs
    waiting: list[PendingMark] = []
    begun = False
    for held in state.pending:
        mark, offset = held
        if not _is_due(mark, envelope, first_ns, last_ns):
            waiting.append(held)
            continue
        starts = mark.mark is MarkKind.EPISODE_START
        if starts and begun:
            made = [refuse_outside(state, offset, ALREADY_BEGUN, record)]
        elif starts:
            begun = True
            state, made = open_episode(
                state, mark, envelope.sequence, envelope.first_frame, embodiment, record
            )
        elif state.episode is None:
            made = [refuse_outside(state, offset, NO_EPISODE, record)]
        else:
            state, made = close_episode(state, Cause.MARK, mark, record)
        outputs += made
    return state._replace(pending=tuple(waiting)), outputs


def _is_due(mark: Mark, envelope: Envelope, first_ns: int, last_ns: int) -> bool:
    last_frame = envelope.first_frame + envelope.frames - 1
    starts = mark.mark is MarkKind.EPISODE_START
    if mark.at_frame is not None:
        return mark.at_frame <= (last_frame if starts else envelope.first_frame)
    assert mark.at_ns is not None
    return mark.at_ns <= (last_ns if starts else first_ns)
