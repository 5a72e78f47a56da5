"""CPU time and memory of a stack's processes over a window."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """CPU seconds that each process has used so far, and its memory."""

    at: float
    cpu_s: Mapping[str, float]
    rss_mib: Mapping[str, float]


def read(pids: Mapping[str, int]) -> Reading:
    """Read every process that is still there."""
    cpu: dict[str, float] = {}
    rss: dict[str, float] = {}
    for name, pid in pids.items():
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            cpu[name] = times.user + times.system
            rss[name] = process.memory_info().rss / _MIB
        except psutil.NoSuchProcess:
            continue
    return Reading(time.monotonic(), cpu, rss)


def used(before: Reading, after: Reading, frames: float) -> dict[str, dict[str, float]]:
    """What each process used between two readings, during which `frames` frames passed."""
    seconds = after.at - before.at
    return {
        name: {
            "cores": round((after.cpu_s[name] - cpu) / seconds, 3),
            "cpu_s_per_million_frames": round((after.cpu_s[name] - cpu) / frames * 1e6, 2),
            "rss_mib": round(after.rss_mib[name]),
        }
        for name, cpu in before.cpu_s.items()
        if name in after.cpu_s
    }
