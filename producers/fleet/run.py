"""Runs a fleet: one process, one producer, a session for every robot."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from producers.fleet.motion import Span, build_motion
from producers.fleet.plan import FleetPlan, RobotPlan
from producers.fleet.robot import Chunk, EpisodeStart, Event, robot_events
from producers.fleet.vary import varied
from producers.fleet.vendor_form import VendorLoop, chunk_value, vendor_loop
from producers.sdk.form import Form
from producers.sdk.link import Link
from producers.sdk.session import Session
from producers.sdk.way import WaySettings, open_way
from schemas.blocks import Block, block_fields, is_block_record
from schemas.marks import Mode

MEMORY_BYTES = 1024**2
"""What a robot without a spool may have under way."""

LINGER_MS = 20.0
CLOSE_SECONDS = 30.0
WAKE_SECONDS = 0.005
"""Chunks that are due within this time are sent together: waking up costs as much as a chunk."""


@dataclass(slots=True)
class VendorCounts:
    """What one vendor's robots sent, and what of it Kafka has acknowledged."""

    robots: int = 0
    frames: int = 0
    chunks: int = 0
    episodes: int = 0
    acknowledged_frames: int = 0
    acknowledged_records: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """What a fleet sent.

    Attributes:
        vendors: by vendor.
        seconds: how long it ran, opening and closing included.
        behind_s: how late the latest chunk was sent; large when the machine is too slow.
    """

    vendors: dict[str, VendorCounts]
    seconds: float
    behind_s: float


@dataclass(slots=True)
class _Running:
    plan: RobotPlan
    loop: VendorLoop
    events: Iterator[Event]
    session: Session
    blocks: Mapping[str, Block]
    episodes: int = 0
    is_open: bool = False


def run_fleet(
    plan: FleetPlan,
    bootstrap: str,
    stop_event: threading.Event,
    *,
    spool: Path | None = None,
    profiles: Path | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> FleetCounts:
    """Let a fleet move until its time is up or it is stopped; all its sessions end orderly.

    Args:
        plan: the robots.
        bootstrap: Kafka's address.
        stop_event: set by whoever wants it to end.
        spool: a folder for the robots' spools; without one, what waits is kept in memory.
        profiles: a folder with profiles besides the packaged ones.
        on_ready: called when all sessions are open, before the first frame.
    """
    opened = time.monotonic()
    # Rows of floats do not compress by LZ4 (1.03 times); JSON and records do.
    blocks = all(is_block_record(robot.vendor.schema) for robot in plan.robots)
    compression = "none" if blocks else "lz4"
    link = Link(bootstrap, linger_ms=LINGER_MS, compression=compression)
    try:
        robots = _open_robots(plan, link, spool)
        on_ready()
        behind_s = _move(robots, plan.seconds, stop_event)
        for robot in robots:
            if robot.is_open:
                robot.session.episode_end(aborted=True, timeout=CLOSE_SECONDS)
            robot.session.end(timeout=CLOSE_SECONDS)
        for robot in robots:
            robot.session.close(CLOSE_SECONDS)
    finally:
        link.close()
    return FleetCounts(_count(robots), time.monotonic() - opened, behind_s)


def _open_robots(plan: FleetPlan, link: Link, spool: Path | None) -> list[_Running]:
    loops: dict[tuple[str, int, float, int], tuple[VendorLoop, tuple[Span, ...]]] = {}
    robots = []
    for robot in plan.robots:
        key = (robot.vendor.profile.id, robot.seed, robot.rate_hz, robot.chunk_frames)
        if key not in loops:
            motion = build_motion(robot.vendor, robot.seed, robot.rate_hz, robot.chunk_frames)
            loops[key] = (vendor_loop(robot.vendor, motion, robot.seed), motion.spans)
        loop, spans = loops[key]
        own_spool = None if spool is None else spool / robot.robot.replace("/", "-")
        form = Form(robot.vendor.profile, robot.vendor.schema)
        settings = WaySettings(memory_bytes=MEMORY_BYTES, sync_seconds=None)
        way = open_way(
            robot.robot, form.profile.id, settings,
            bootstrap=None, link=link, spool=own_spool, fresh=True,
        )  # fmt: skip
        robots.append(
            _Running(
                robot,
                loop,
                robot_events(loop.frames, spans, robot),
                Session(form, way),
                block_fields(robot.vendor.schema.document),
            )
        )
    return robots


def _move(robots: list[_Running], seconds: float | None, stop_event: threading.Event) -> float:
    """Send every robot's chunks when they are due. Returns how late the latest was."""
    started, started_ns = time.monotonic(), time.time_ns()
    # Robots begin spread over one chunk's time, so that they do not all send at once.
    offsets = [
        number / len(robots) * robot.plan.chunk_frames / robot.plan.rate_hz
        for number, robot in enumerate(robots)
    ]
    # A plain tuple of when, whose and which: the queue is compared some ten times a chunk.
    queue: list[tuple[float, int, Chunk]] = []
    for number, robot in enumerate(robots):
        chunk = _marks_then_chunk(robot)
        queue.append((offsets[number] + chunk.due_s, number, chunk))
    heapq.heapify(queue)
    behind_s = 0.0
    while not stop_event.is_set():
        due_s, number, chunk = queue[0]
        if seconds is not None and due_s > seconds:
            break
        wait_s = due_s - (time.monotonic() - started)
        if wait_s > 0:
            stop_event.wait(max(wait_s, WAKE_SECONDS))
            continue
        behind_s = max(behind_s, -wait_s)
        robot = robots[number]
        value = chunk_value(
            robot.loop, chunk.start, chunk.stop, chunk.first_frame,
            started_ns + int(offsets[number] * 1e9),
        )  # fmt: skip
        rounds = chunk.first_frame // robot.loop.frames
        if rounds:
            value = varied(value, robot.plan.vendor.profile, robot.blocks, rounds)
        robot.session.send_chunk(value, chunk.stop - chunk.start, timeout=CLOSE_SECONDS)
        following = _marks_then_chunk(robot)
        heapq.heapreplace(queue, (offsets[number] + following.due_s, number, following))
    return behind_s


def _marks_then_chunk(robot: _Running) -> Chunk:
    """Send the marks that come before a robot's next chunk; returns the chunk."""
    for event in robot.events:
        if isinstance(event, Chunk):
            return event
        if isinstance(event, EpisodeStart):
            robot.session.episode_start(
                event.span.skill.task,
                skill=event.span.name,
                scene=event.span.skill.scene,
                operator=robot.plan.operator,
                station=robot.plan.station,
                mode=Mode.TELEOPERATED,
                timeout=CLOSE_SECONDS,
            )
            robot.is_open = True
        else:
            robot.session.episode_end(event.success, timeout=CLOSE_SECONDS)
            robot.is_open = False
            robot.episodes += 1
    raise AssertionError("a robot's events never end")


def _count(robots: list[_Running]) -> dict[str, VendorCounts]:
    counts: dict[str, VendorCounts] = {}
    for robot in robots:
        own = counts.setdefault(robot.plan.vendor.profile.vendor, VendorCounts())
        progress = robot.session.progress
        own.robots += 1
        own.frames += progress.frames
        own.records += progress.records
        own.chunks += robot.session.chunks
        own.episodes += robot.episodes + robot.is_open
        own.acknowledged_frames += progress.acknowledged_frames
        own.acknowledged_records += progress.acknowledged_records
    return counts
