"""How the pipeline's cost grows: with robots, their rate, their joints, and stream workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from deploy.bench.pipeline import Load, bench_pipeline
from producers.recordings.recording import CHUNK_SECONDS, frames_per_chunk

Say = Callable[[str], None]

HZ = 50.0
"""What most robots send."""

MANY_JOINTS = "iit_ergocub_sn002"
"""The shipped body with the most motors, 57."""


class Axis(StrEnum):
    """What is varied."""

    ROBOTS = "robots"
    RATE = "rate"
    JOINTS = "joints"
    WORKERS = "workers"


VALUES: dict[Axis, tuple[int, ...]] = {
    Axis.ROBOTS: (10, 100, 300, 1_000),
    Axis.RATE: (50, 100, 250, 500, 1_000),
    Axis.JOINTS: (20, 40, 57),
    Axis.WORKERS: (1, 2),
}


def load_at(axis: Axis, value: int, seconds: float) -> Load:
    """The load of one point: chunks of 100 ms (64 frames at most), as the SDK makes them."""
    if axis is Axis.ROBOTS:
        return _load(value, HZ, seconds)
    if axis is Axis.RATE:
        return _load(20, float(value), seconds)
    if axis is Axis.JOINTS:
        return replace(_load(40, 250.0, seconds), channels=value, embodiment=MANY_JOINTS)
    return replace(_load(48, 500.0, seconds), workers=value)


def bench_growth(axis: Axis, values: Sequence[int], seconds: float, say: Say) -> dict[str, Any]:
    """One pipeline after the other along an axis; the figures that grow.

    Raises:
        NoRoomError: the disk has less room than a load may take.
    """
    points = {}
    for value in values:
        load = load_at(axis, value, seconds)
        say(f"{axis} {value}: {load.frames_per_second:,.0f} frames/s")
        result = bench_pipeline(load, say)
        points[str(value)] = {
            "frames_per_second": result["frames_per_second"],
            "chunks_per_second": round(result["frames_per_second"] / load.chunk_frames),
            "sustained": result["settled"] and result["delay_ms"]["p99"] < seconds * 500.0,
            "delay_ms": result["delay_ms"],
            "rest_s": result["rest_s"],
            "drain_s": result["drain_s"],
            "cores": result["cores"],
            "audit_ok": result["audit"]["ok"],
            "cpu_s_per_million_frames": result["cpu_s_per_million_frames"],
            "processes": result["processes"],
        }
    return {"axis": axis.value, "seconds": seconds, "chunk_s": CHUNK_SECONDS, "points": points}


def _load(robots: int, rate_hz: float, seconds: float) -> Load:
    chunk = frames_per_chunk(rate_hz)
    return Load(robots * rate_hz, seconds, robots, chunk, warm_up_s=max(10.0, seconds / 2))
