"""One robot as the dashboard knows it: its newest chunk, its episode, what the checks found."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.canonical import CanonicalChunk
from schemas.checks import BY_ID, Severity
from schemas.events import EpisodeEvent, EventKind, Finding, QualityReport

WINDOW_S = 60
"""The running score covers so many seconds of log time."""

RATE_OVER_MS = 2_000
SHOWN_MS = 10_000
"""How long a finding stays on a robot's tile."""

MAX_SHOWN = 24
"""Findings kept for a tile, the newest of each check and joint."""


@dataclass(slots=True)
class Window:
    """Frames and error frames by second of log time, for the running score."""

    seconds: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=WINDOW_S + 1))

    def add(self, at_ms: int, frames: int, errors: int) -> None:
        """Count frames, or errors among frames that are counted elsewhere."""
        second = at_ms // 1_000
        if self.seconds and self.seconds[-1][0] >= second:
            last = self.seconds[-1]
            self.seconds[-1] = (last[0], last[1] + frames, last[2] + errors)
        else:
            self.seconds.append((second, frames, errors))

    def score(self) -> float | None:
        """Share of the window's frames without an error finding, 0 … 1; None without frames."""
        if not self.seconds:
            return None
        since = self.seconds[-1][0] - WINDOW_S
        frames = sum(n for second, n, _ in self.seconds if second > since)
        errors = sum(n for second, _, n in self.seconds if second > since)
        return None if frames == 0 else max(0.0, 1.0 - errors / frames)


@dataclass(slots=True)
class Refusal:
    """The newest refused record that names this robot."""

    at_ms: int
    reason: str
    detail: str


@dataclass(slots=True)
class Robot:
    """What is known of one robot; every container in it is bounded.

    Attributes:
        name: `<vendor>/<serial>`, as the log's key says.
        value: its newest chunk, still encoded: it is read when it is shown.
        appended_ms: when that chunk was appended to the canonical topic, Unix ms.
        chunk: the newest chunk that was read.
        steps: (log ms, frame index behind it) of chunks read lately: their slope is the rate.
        delay_ms: publisher's clock to the canonical topic, of the chunk read last.
        window: for the running score.
        shown: by check and joint: the finding told last, and its log time.
        events: the newest fact of each kind about its episodes.
        refusal: its newest refused record.
    """

    name: str
    value: bytes | None = None
    appended_ms: int = 0
    chunk: CanonicalChunk | None = None
    steps: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=16))
    delay_ms: float | None = None
    window: Window = field(default_factory=Window)
    shown: dict[tuple[str, str | None], tuple[int, Finding]] = field(default_factory=dict)
    events: dict[EventKind, EpisodeEvent] = field(default_factory=dict)
    refusal: Refusal | None = None


def take_chunk(robot: Robot, chunk: CanonicalChunk, appended_ms: int) -> None:
    """Its newest chunk; chunks between this one and the last read count by their frame index."""
    before, behind = robot.chunk, chunk.first_frame + chunk.frames
    if before is None or before.session != chunk.session or behind < before.first_frame:
        robot.steps.clear()
        frames = chunk.frames
    else:
        frames = behind - (before.first_frame + before.frames)
    robot.chunk = chunk
    robot.delay_ms = appended_ms - chunk.published_ns / 1e6
    robot.steps.append((chunk.log_ms, behind))
    if frames > 0:
        robot.window.add(chunk.log_ms, frames, 0)


def take_report(robot: Robot, report: QualityReport) -> None:
    """What the checks found in one chunk."""
    errors = max((f.frames for f in report.findings if _is_frame_error(f)), default=0)
    if errors:
        robot.window.add(report.log_ms, 0, errors)
    for finding in report.findings:
        robot.shown[finding.check, finding.channel] = (report.log_ms, finding)
    while len(robot.shown) > MAX_SHOWN:
        del robot.shown[min(robot.shown, key=lambda key: robot.shown[key][0])]


def _is_frame_error(finding: Finding) -> bool:
    check = BY_ID.get(finding.check)
    return finding.severity == Severity.ERROR and check is not None and check.scope == "frame"


def take_event(robot: Robot, event: EpisodeEvent) -> None:
    """A fact about an episode of it; episodes follow one another, so the newest of a kind stays."""
    before = robot.events.get(event.kind)
    if before is None or event.log_ms >= before.log_ms:
        robot.events[event.kind] = event


def last_heard_ms(robot: Robot) -> int:
    """The newest log time of anything of it, Unix ms."""
    refused_ms = robot.refusal.at_ms if robot.refusal else 0
    told_ms = max((event.log_ms for event in robot.events.values()), default=0)
    return max(robot.appended_ms, refused_ms, told_ms)


def rate_hz(robot: Robot) -> float | None:
    """Frames a second over the last two seconds of log time; None before there are two chunks."""
    if len(robot.steps) < 2:
        return None
    last_ms, last = robot.steps[-1]
    first_ms, first = next(
        (step for step in robot.steps if step[0] >= last_ms - RATE_OVER_MS), robot.steps[0]
    )
    if last_ms <= first_ms:
        first_ms, first = robot.steps[0]
    return None if last_ms <= first_ms else (last - first) * 1e3 / (last_ms - first_ms)


def fresh_findings(robot: Robot, now_ms: int) -> list[Finding]:
    """What was found within the last seconds, worst first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    found: Iterable[Finding] = (
        finding for at_ms, finding in robot.shown.values() if at_ms >= now_ms - SHOWN_MS
    )
    return sorted(found, key=lambda f: (rank.get(f.severity, 3), f.check, f.channel or ""))
