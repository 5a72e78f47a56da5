"""Episodes of one robot: marks and frames in sequence become boundaries and events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from schemas.canonical import BoundaryKind, CanonicalChunk, Cause
from schemas.checks import BY_ID
from schemas.embodiment import Embodiment
from schemas.events import EventKind, Finding
from schemas.marks import Mark, MarkKind, episode_id
from streams.evidence import begin_take, timing_of
from streams.facts import boundary_at, event_of, on_canonical, report_at, told_by
from streams.history import known_again, print_of, remember
from streams.idleness import idleness
from streams.records import Output, RawRecord
from streams.state import JOINT_MARK, EpisodeState, RobotState
from streams.throttle import told_off
from streams.verdict import judge, whole_findings

NO_EPISODE = "An episode's end came, but none was open."
PLACE_PASSED = "Its place in the sequence has passed: later records are out. A backfill applies it."


def open_episode(
    state: RobotState,
    mark: Mark,
    sequence: int,
    first_frame: int,
    embodiment: Embodiment,
    record: RawRecord,
    *,
    cause: Cause = Cause.MARK,
    moved_ns: int | None = None,
) -> tuple[RobotState, list[Output]]:
    """Begin an episode; one still open ends there.

    Args:
        state: the robot.
        mark: what is told of the episode.
        sequence: of its start mark; of its first chunk where no mark in sequence begins it.
        first_frame: index of its first frame.
        embodiment: the robot's.
        record: the record that begins it.
        cause: a mark, or a gap.
        moved_ns: for an episode by gap, when the robot last moved.
    """
    state, outputs = close_episode(state, Cause.NEW_EPISODE, None, record)
    episode = EpisodeState(
        episode=episode_id(state.session, sequence),
        start_sequence=sequence,
        first_frame=first_frame,
        frames=0,
        error_frames=0,
        t_first_ns=None,
        t_last_ns=None,
        moved_ns=moved_ns,
        mark=mark,
        findings={},
        limits={},
    )
    checks = begin_take(state.checks) if state.checks else None
    state = state._replace(episode=episode, checks=checks)
    boundary = boundary_at(state, BoundaryKind.EPISODE_START, cause, episode, record)
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
    boundary = boundary_at(state, BoundaryKind.EPISODE_END, cause, episode, record)
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
    idle = idleness(state.checks.session) if state.checks else None
    success = mark.success if mark else None
    whole = whole_findings(episode, idle, success, state.next_frame)
    state, again = _known_again(state, episode)
    whole += again
    judged = judge(episode, boundary.missing, aborted, whole)
    verdict = event_of(
        state,
        episode.episode,
        EventKind.VERDICT,
        record,
        verdict=judged.verdict,
        score=judged.score,
        reasons=judged.reasons,
        timing=timing_of(state.checks) if state.checks else None,
        findings={key: n for key, n in episode.findings.items() if JOINT_MARK not in key}
        | {finding.check: finding.frames for finding in whole},
    )
    outputs = [on_canonical(boundary, record), closed, verdict]
    # A mark has a sequence of its own; elsewhere the last chunk's report stands at this one.
    if cause in (Cause.MARK, Cause.SESSION_END, Cause.NEW_EPISODE):
        state, rest = _told_off(state)
        if whole or rest:
            outputs.append(report_at(state, episode, whole + rest, record))
    return state._replace(episode=None), outputs


def _known_again(state: RobotState, episode: EpisodeState) -> tuple[RobotState, list[Finding]]:
    """The robot with the episode in its history; whether it was there already."""
    new = print_of(state.checks, episode) if state.checks else None
    if new is None:
        return state, []
    known = known_again(state.history, new, episode.limits)
    state = state._replace(history=remember(state.history, new))
    if known is None:
        return state, []
    check, value = BY_ID[known[0]], known[1]
    limit = episode.limits.get(check.id, check.threshold)
    found = Finding(
        check.id, check.severity.value, None, episode.first_frame, state.next_frame,
        episode.frames, value, limit,
    )  # fmt: skip
    return state, [found]


def _told_off(state: RobotState) -> tuple[RobotState, list[Finding]]:
    """What the session's findings that go on have not told yet."""
    checks = state.checks
    if checks is None or not checks.going_on:
        return state, []
    going_on, rest = told_off(checks.going_on)
    return state._replace(checks=checks._replace(going_on=going_on)), rest


def _refuse(state: RobotState, sequence: int, reason: str, record: RawRecord) -> Output:
    """A mark that changes nothing: said on `episodes`, so that nobody waits for it."""
    name = episode_id(state.session, sequence)
    return event_of(state, name, EventKind.REFUSED, record, reasons=[reason])


def apply_mark(
    state: RobotState,
    mark: Mark,
    sequence: int,
    first_frame: int,
    embodiment: Embodiment,
    record: RawRecord,
    *,
    late: bool,
) -> tuple[RobotState, list[Output]]:
    """What a mark of an episode does to its robot.

    A late one cannot be applied at its place: frames behind it are out. A start is refused; an end
    closes its episode where it stands, with a cause that tells.
    """
    state = state._replace(marked=True)
    if mark.mark is MarkKind.EPISODE_START:
        if late:
            return state, [_refuse(state, sequence, PLACE_PASSED, record)]
        first_frame = max(first_frame, state.next_frame)
        return open_episode(state, mark, sequence, first_frame, embodiment, record)
    if state.episode is None:
        return state, [_refuse(state, sequence, NO_EPISODE, record)]
    if not late:
        return close_episode(state, Cause.MARK, mark, record)
    if sequence < state.episode.start_sequence:
        return state, [_refuse(state, sequence, PLACE_PASSED, record)]
    return close_episode(state, Cause.LATE_MARK, mark, record)


def count_frames(
    state: RobotState, chunk: CanonicalChunk, findings: Iterable[Finding], error_frames: int
) -> RobotState:
    """A robot after a canonical chunk."""
    end = chunk.first_frame + chunk.frames
    is_last = end > state.next_frame
    state = state._replace(
        frames=state.frames + chunk.frames, next_frame=max(state.next_frame, end)
    )
    episode = state.episode
    if episode is None or chunk.episode is None:
        return state
    counts = episode.findings
    found = _frames_found(chunk, findings)
    if found:
        counts = {key: counts.get(key, 0) + found.get(key, 0) for key in {**counts, **found}}
    t_first_ns, t_last_ns = episode.t_first_ns, episode.t_last_ns
    if t_first_ns is None or chunk.first_frame <= episode.first_frame:
        t_first_ns = int(chunk.t_ns[0])
    if t_last_ns is None or is_last:
        t_last_ns = int(chunk.t_ns[-1])
    return state._replace(
        episode=episode._replace(
            frames=episode.frames + chunk.frames,
            error_frames=episode.error_frames + error_frames,
            t_first_ns=t_first_ns,
            t_last_ns=t_last_ns,
            findings=counts,
        )
    )


def _frames_found(chunk: CanonicalChunk, findings: Iterable[Finding]) -> dict[str, int]:
    """Flagged frames of a chunk by check, and by check and joint."""
    found: dict[str, int] = {}
    for finding in findings:
        mask = BY_ID[finding.check].mask
        flagged = int(np.count_nonzero(chunk.flags & np.uint64(mask))) if mask else finding.frames
        found[finding.check] = flagged
        if finding.channel is not None:
            found[finding.check + JOINT_MARK + finding.channel] = finding.frames
    return found
