"""What of a chunk's findings is told on `quality.reports`, and the robot's running score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from schemas.canonical import CanonicalChunk
from schemas.checks import CATALOGUE, FRAME_CHECKS, Severity
from schemas.events import Finding, QualityReport
from streams.check import CheckPlan
from streams.history import zero_jumps
from streams.state import RobotState
from streams.throttle import QUIET_S, throttled

U64 = npt.NDArray[np.uint64]

ERROR_MASK = np.uint64(
    sum(check.mask for check in FRAME_CHECKS if check.severity is Severity.ERROR)
)
SCORE_S = 120.0
"""Frames older than this count for a third of the newest in a robot's score."""

SCORE_STEP = 0.01
"""A score that has moved so far is told."""

EPISODE_CHECKS = tuple(check.id for check in CATALOGUE if check.scope == "episode")


def count_errors(flags: U64, findings: Sequence[Finding]) -> int:
    """Frames of a chunk with an error; what a session's check says holds for all of them."""
    of_session = any(f.severity == "error" and f.check not in _FLAGGED for f in findings)
    return len(flags) if of_session else int(np.count_nonzero(flags & ERROR_MASK))


_FLAGGED = frozenset(check.id for check in FRAME_CHECKS)


def scored(score: float, errors: int, frames: int, rate_hz: float) -> float:
    """A robot's score behind a chunk."""
    weight = min(frames / (SCORE_S * rate_hz), 1.0)
    return score + weight * (1.0 - errors / frames - score)


def tell(
    plan: CheckPlan, state: RobotState, chunk: CanonicalChunk, findings: list[Finding], errors: int
) -> tuple[RobotState, list[Finding], QualityReport | None]:
    """Decide what is told of a chunk that came in its turn.

    Args:
        plan: of the robot's checks.
        state: with the checks' state behind the chunk.
        chunk: the chunk.
        findings: of its checks.
        errors: frames of it with an error.

    Returns:
        The robot, all findings, and the report; None where there is nothing new.
    """
    checks, history = state.checks, state.history
    assert checks is not None
    stop, rate_hz = chunk.first_frame + chunk.frames, 1e9 / plan.period_ns
    if len(history.bias):
        limit = plan.limits.usual.of("zero_jump")
        history, jumps = zero_jumps(history, checks, plan.names, limit, state.first_frame, stop)
        findings = findings + jumps
    told = findings
    if findings or checks.going_on:
        going_on, told = throttled(checks.going_on, findings, stop, round(QUIET_S * rate_hz))
        checks = checks._replace(going_on=going_on)
    score = scored(state.score, errors, chunk.frames, rate_hz)
    moved = abs(score - state.told_score) >= SCORE_STEP
    state = state._replace(
        checks=checks,
        history=history,
        score=score,
        told_score=score if told or moved else state.told_score,
    )
    return state, findings, report_of(chunk, told, score) if told or moved else None


def report_of(chunk: CanonicalChunk, findings: list[Finding], score: float | None) -> QualityReport:
    """A chunk's record on `quality.reports`."""
    return QualityReport(
        robot=chunk.robot,
        session=chunk.session,
        sequence=chunk.sequence,
        first_frame=chunk.first_frame,
        frames=chunk.frames,
        episode=chunk.episode,
        processing_id=chunk.processing_id,
        source_topic=chunk.source_topic,
        source_partition=chunk.source_partition,
        source_offset=chunk.source_offset,
        log_ms=chunk.log_ms,
        findings=findings,
        score=score,
    )


def episode_limits(plan: CheckPlan, task: str | None) -> Mapping[str, float]:
    """Thresholds of the checks of whole episodes at a task."""
    limits = plan.limits.at(task)
    return {check: limits.of(check) for check in EPISODE_CHECKS}
