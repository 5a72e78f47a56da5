"""Does memory level off? The whole pipeline at a set rate for half an hour, RSS of every process.

`python -m tests.bench.soak --minutes 30`: twelve vendors, 40 robots at their own 250 Hz, a stack of
its own. Each process is read every second; a line is fitted through the minima of whole minutes
after the warm-up (a minimum is free of what a collection is about to give back). Our Python
processes may grow by 5 MB an hour, broker and ClickHouse must stay below their caps. The minima are
printed, so that a slope can be fitted anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.bench import meter
from deploy.lag import measure_lag
from deploy.parts import StackOptions
from deploy.programs import environment
from deploy.settle import wait_until_following
from deploy.stack import Stack, running_stack
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.settings import Settings

BOUND_MB_PER_HOUR = 5.0
CAPS_MIB = {"kafka": 512 + 400, "clickhouse": 1_536}
"""Not Python's: Java's heap and what it takes beside it; chdb's caches and merges."""

ENOUGH = 20
"""Readings that make a minute a whole one: on a busy machine some are late."""
RETENTION_BYTES = 32 * 1024 * 1024
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Slope:
    """One process's memory over the minutes after the warm-up.

    Attributes:
        mb_per_hour: of the line through the minima of whole minutes.
        error: its standard error.
        first_mib, last_mib, peak_mib: minima of the first and last minute, and the highest of all.
    """

    mb_per_hour: float
    error: float
    first_mib: float
    last_mib: float
    peak_mib: float


def slope(minutes: Sequence[tuple[float, float]], peak_mib: float) -> Slope:
    """A line through (hours, MiB) by least squares."""
    hours = np.array([at for at, _ in minutes])
    mib = np.array([low for _, low in minutes])
    centred = hours - hours.mean()
    per_hour = float((centred @ mib) / (centred @ centred))
    rest = mib - mib.mean() - per_hour * centred
    error = float(np.sqrt((rest @ rest) / max(len(mib) - 2, 1) / (centred @ centred)))
    factor = _MIB / 1e6
    return Slope(
        round(per_hour * factor, 2), round(error * factor, 2),
        round(float(mib[0]), 1), round(float(mib[-1]), 1), round(peak_mib, 1),
    )  # fmt: skip


def minima(samples: Sequence[tuple[float, float]], after_s: float) -> list[tuple[float, float]]:
    """(hours, MiB) of each whole minute after the warm-up: its lowest reading."""
    by_minute: defaultdict[int, list[float]] = defaultdict(list)
    for at_s, mib in samples:
        if at_s >= after_s:
            by_minute[int((at_s - after_s) // 60)].append(mib)
    whole = [(minute, lows) for minute, lows in sorted(by_minute.items()) if len(lows) >= ENOUGH]
    return [(minute / 60, min(lows)) for minute, lows in whole]


def soak(minutes: float, warm_up_minutes: float, rate: float, robots: int) -> dict[str, Any]:
    """Run the pipeline and fit its memory."""
    with tempfile.TemporaryDirectory(prefix="kinebus-soak-") as folder:
        profiles = Path(folder, "profiles")
        vendors = write_bench_vendors(profiles)
        own = {
            "home": Path(folder, "home"),
            "profiles_dir": profiles,
            "vendors": ",".join(vendors),
        }
        settings = Settings().model_copy(update=own)
        options = StackOptions(retention_bytes=RETENTION_BYTES)
        with running_stack(settings, options=options, say=_say) as stack:
            wait_until_following(stack.settings, stack.vendors.names, 120.0)
            seconds = minutes * 60
            with _fleet(stack, seconds, rate, robots) as fleet:
                samples, lags = _watch(stack, fleet.pid, seconds)
                counts = json.loads(fleet.communicate(timeout=120)[0])
            restarts = {s.name: s.restarts for s in stack.processes() if s.restarts}
    frames = sum(vendor["acknowledged_frames"] for vendor in counts["vendors"].values())
    slopes = {
        name: slope(minima(own, warm_up_minutes * 60), max(mib for _, mib in own))
        for name, own in samples.items()
    }
    return {
        "minutes": minutes,
        "warm_up_minutes": warm_up_minutes,
        "frames": frames,
        "frames_per_second": round(frames / seconds),
        "fleet_behind_s": round(counts["behind_s"], 2),
        "restarts": restarts,
        "oldest_s": lags,
        "processes": {name: vars(fitted) for name, fitted in slopes.items()},
        "too_steep": sorted(
            name
            for name, fitted in slopes.items()
            if name not in CAPS_MIB and fitted.mb_per_hour > BOUND_MB_PER_HOUR
        ),
        "over_cap": sorted(n for n, cap in CAPS_MIB.items() if slopes[n].peak_mib > cap),
        "minima_mib": {
            name: [round(low, 1) for _, low in minima(own, 0.0)] for name, own in samples.items()
        },
    }


def _watch(
    stack: Stack, fleet: int, seconds: float
) -> tuple[Mapping[str, list[tuple[float, float]]], dict[str, float]]:
    """RSS of every process each second; how late each group was at its worst, each minute."""
    samples: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    worst: dict[str, float] = {}
    begun = time.monotonic()
    while (at := time.monotonic() - begun) < seconds:
        pids = {s.name: s.pid for s in stack.processes() if s.pid is not None}
        pids |= {"fleet": fleet, "supervisor": os.getpid()}
        for name, mib in meter.read(pids).rss_mib.items():
            samples[name].append((at, mib))
        if int(at) % 60 == 59:
            for lag in measure_lag(stack.bootstrap):
                worst[lag.group] = round(max(worst.get(lag.group, 0.0), lag.oldest_s), 1)
            _say(f"{at / 60:.0f} min; oldest, s: {worst}")
        time.sleep(max(0.0, begun + int(at) + 1 - time.monotonic()))
    return samples, worst


def _fleet(stack: Stack, seconds: float, rate: float, robots: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "producers.fleet",
        "--robots", str(robots),
        "--seconds", str(seconds),
        "--frames-per-second", str(rate),
        *(word for name in stack.vendors.names for word in ("--vendor", name)),
    ]  # fmt: skip
    env = {**os.environ, **environment(stack.settings)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Soak, print the figures, and exit 1 when a process grows too fast or passes its cap."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm-up-minutes", type=float, default=10.0)
    parser.add_argument("--frames-per-second", type=float, default=10_000.0)
    parser.add_argument("--robots", type=int, default=40)
    told = parser.parse_args()
    if told.minutes < told.warm_up_minutes + 3:
        parser.error("a line needs three minutes behind the warm-up")
    result = soak(told.minutes, told.warm_up_minutes, told.frames_per_second, told.robots)
    print(json.dumps(result, indent=2))
    return 1 if result["too_steep"] or result["over_cap"] or result["restarts"] else 0


if __name__ == "__main__":
    sys.exit(main())
