"""How fast sealed episodes become a LeRobot v3 data set: frames per CPU second, and peak memory.

    python -m tests.bench.export_speed [--frames 120000] [--profile] [--as unitree_h1]

40 joints with position, velocity, effort, command and IMU at 250 Hz, in episodes of 3,000 frames,
exported at 250 steps a second in the robot's own joints. CPU time is that of all threads.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import platform
import pstats
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from obstore.store import LocalStore

from producers.fleet.bench_vendors import EMBODIMENT, RATE_HZ, bench_joints
from producers.fleet.made_vendors import write_vendor
from schemas.embodiment import load_embodiment
from sinks.datasets.export import Format, export
from sinks.datasets.plan import Choice
from sinks.objects import list_keys
from streams.retarget_plan import compile_target
from tests import make
from tests.lake_make import seal, simulated

JOINTS = 40
EPISODE_FRAMES = 3_000
EPISODES_A_ROBOT = 5


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=120_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", type=Format, default=Format.LEROBOT_V3)
    parser.add_argument("--as", dest="target")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinebus-export-bench-") as folder:
        print(json.dumps(measure(Path(folder), asked), indent=2))


def measure(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Seal episodes, export them some times over; the best round counts."""
    make.PROFILES = folder / "profiles"
    make.PROFILES.mkdir()
    joints = bench_joints(load_embodiment(EMBODIMENT), JOINTS)
    write_vendor(make.PROFILES, "bench", "Benchmark", EMBODIMENT, joints, RATE_HZ, commands=True)
    robots = max(asked.frames // (EPISODE_FRAMES * EPISODES_A_ROBOT), 1)
    store = LocalStore(folder / "lake", mkdir=True)
    episodes = [
        one
        for robot in range(robots)
        for one in seal(store, [simulated("bench", robot, EPISODE_FRAMES, EPISODES_A_ROBOT)])
    ]
    target = compile_target(load_embodiment(asked.target)) if asked.target else None
    choice = Choice("bench", target=target)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rounds, frames = [], 0
    for number in range(asked.rounds):
        with cProfile.Profile() as profile:
            if not asked.profile:
                profile.disable()
            cpu, wall = time.process_time(), time.perf_counter()
            done = export(choice, asked.format, str(folder / f"out-{number}"), "all", episodes,
                          store, make.vendors(), lambda *_: None)  # fmt: skip
            rounds.append((time.process_time() - cpu, time.perf_counter() - wall))
        frames = done.frames
        if asked.profile and number == asked.rounds - 1:
            pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    cpu_s, wall_s = min(rounds)
    return {
        "frames_per_cpu_second": round(frames / cpu_s),
        "frames_per_second": round(frames / wall_s),
        "frames": frames,
        "episodes": len(episodes),
        "joints": JOINTS,
        "format": asked.format.value,
        "as": asked.target,
        "bytes_read_a_frame": round(sum(size for _, size in list_keys(store, "")) / frames),
        "rounds_cpu_s": [round(cpu, 3) for cpu, _ in rounds],
        "peak_mb_before_export": round(before_mb),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
