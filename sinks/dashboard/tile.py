"""What the fleet wall shows of a robot: one flat row of plain values, and what changed in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from schemas.checks import BY_ID
from schemas.events import EpisodeEvent, EventKind
from sinks.dashboard.robot import Robot, fresh_findings, rate_hz

LATE_AFTER_MS = 2_000
GONE_AFTER_MS = 30_000
"""The tracker closes a session that is silent for so long."""

REFUSED_FOR_MS = 60_000
MAX_FINDINGS = 3
MAX_TEXT = 200
"""Longer texts of a robot's own are cut: a tile shows a line."""

Row = dict[str, Any]


def tile(robot: Robot, now_ms: int, nominal_hz: Mapping[str, float]) -> Row:
    """The robot's row.

    Numbers are rounded to what a person can tell apart, so that a row changes seldom.

    Args:
        robot: what is known of it.
        now_ms: the clock, Unix ms.
        nominal_hz: frames a second by profile id.
    """
    chunk = robot.chunk
    opened, closed, verdict = (
        robot.events.get(kind) for kind in (EventKind.OPENED, EventKind.CLOSED, EventKind.VERDICT)
    )
    score = robot.window.score()
    found = fresh_findings(robot, now_ms)
    delay_ms = robot.delay_ms
    return {
        "state": _state(robot, now_ms),
        "rate": _rounded(rate_hz(robot), 1),
        "nominal": nominal_hz.get(chunk.profile) if chunk else None,
        "delay": None if delay_ms is None else round(delay_ms, -1),
        "seen": robot.appended_ms // 1_000,
        "score": None if score is None else math.floor(score * 1_000) / 1_000,
        "profile": chunk.profile if chunk else None,
        "known": chunk is None or chunk.profile in nominal_hz,
        "episode": _episode(opened, closed),
        "verdict": _verdict(verdict),
        "findings": [
            [f.severity, f.check, f.channel, _label(f.check)] for f in found[:MAX_FINDINGS]
        ],
        "more": max(len(found) - MAX_FINDINGS, 0),
        "refused": _refused(robot, now_ms),
    }


def changed(before: Mapping[str, Any] | None, after: Row) -> Row:
    """The fields that are not what they were."""
    if before is None:
        return after
    return {name: value for name, value in after.items() if before[name] != value}


def clipped(text: str | None) -> str | None:
    """A text of a robot's own, as far as a line holds."""
    return text if text is None or len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _state(robot: Robot, now_ms: int) -> str:
    if robot.appended_ms == 0:
        return "refused" if robot.refusal else "unheard"
    age = now_ms - robot.appended_ms
    if robot.refusal and robot.refusal.at_ms > robot.appended_ms and age > LATE_AFTER_MS:
        return "refused"
    if age > GONE_AFTER_MS:
        return "gone"
    return "late" if age > LATE_AFTER_MS else "live"


def _episode(opened: EpisodeEvent | None, closed: EpisodeEvent | None) -> list[Any] | None:
    """Task, operator, station, mode, begin (log ms) of the episode under way."""
    if opened is None or (closed is not None and closed.episode == opened.episode):
        return None
    told = (opened.task, opened.operator, opened.station, opened.mode)
    return [*(clipped(text) for text in told), opened.log_ms]


def _verdict(event: EpisodeEvent | None) -> list[Any] | None:
    """Verdict, score, reasons, task, log ms of the episode judged last."""
    if event is None:
        return None
    reasons = [clipped(reason) for reason in event.reasons or []]
    return [event.verdict, event.score, reasons, event.episode, event.log_ms]


def _refused(robot: Robot, now_ms: int) -> list[Any] | None:
    refusal = robot.refusal
    if refusal is None or refusal.at_ms < now_ms - REFUSED_FOR_MS:
        return None
    return [refusal.reason, clipped(refusal.detail)]


def _label(check: str) -> str:
    known = BY_ID.get(check)
    return known.meaning if known else check


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
