"""The Faust worker beside the plain confluent-kafka loop: the same step, topics and load.

    python tests/bench/faust_or_plain.py [FRAMES_PER_SECOND] [SECONDS]

Each runs alone on a fresh stack without sinks, under a fleet of twelve vendors; both are asked for
the same outputs, snapshots and commits. Prints CPU seconds per million frames, and their ratio.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from deploy.delays import delays_ms
from deploy.programs import environment
from deploy.settle import wait_until_following
from deploy.stack import running_stack
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.settings import Settings

WARM_UP_S = 25.0
ROOT = Path(__file__).parents[2]


def measure(plain: bool, frames_per_second: float, seconds: float) -> dict[str, float]:
    """Run one of the two; CPU seconds per million frames over the measured window."""
    with tempfile.TemporaryDirectory(prefix="kinebus-bench-") as folder:
        vendors = write_bench_vendors(Path(folder, "profiles"))
        own = {
            "home": Path(folder, "home"),
            "profiles_dir": Path(folder, "profiles"),
            "vendors": ",".join(vendors),
        }
        settings = Settings().model_copy(update=own)
        with running_stack(settings, workers=0 if plain else 1, sinks=False) as stack:
            env = {**os.environ, **environment(stack.settings), "PYTHONPATH": str(ROOT)}
            total = WARM_UP_S + seconds
            worker = None
            if plain:
                loop = Path(__file__).with_name("plain_loop.py")
                command = [sys.executable, str(loop), str(total + 20)]
                worker = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
                assert worker.stdout is not None
                worker.stdout.readline()  # ready
                pid = worker.pid
            else:
                wait_until_following(stack.settings, vendors, 90.0)
                found = stack.pid("worker-0")
                assert found is not None
                pid = found
            fleet = subprocess.Popen(
                [
                    sys.executable, "-m", "producers.fleet", "--robots", "48",
                    "--seconds", str(total), "--chunk-frames", "25",
                    "--frames-per-second", str(frames_per_second),
                    *(word for name in vendors for word in ("--vendor", name)),
                ],
                env=env,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
            time.sleep(WARM_UP_S)
            before, began = cpu_s(pid), time.monotonic()
            time.sleep(seconds)
            used, window = cpu_s(pid) - before, time.monotonic() - began
            newest = int(frames_per_second * seconds / 25) // 8
            delays = delays_ms(stack.bootstrap, stack.settings.partitions, newest)
            fleet.wait()
            if worker is not None:
                worker.terminate()
                worker.wait()
    return {
        "cpu_s_per_million_frames": round(used / (frames_per_second * window) * 1e6, 2),
        "delay_p50_ms": min(d["p50"] for d in delays.values()),
        "delay_p99_ms": max(d["p99"] for d in delays.values()),
    }


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure both and print them."""
    frames_per_second = float(sys.argv[1]) if len(sys.argv) > 1 else 25_000.0
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    faust = measure(False, frames_per_second, seconds)
    plain = measure(True, frames_per_second, seconds)
    ratio = faust["cpu_s_per_million_frames"] / plain["cpu_s_per_million_frames"]
    print(json.dumps({"faust": faust, "plain": plain, "ratio": round(ratio, 2)}, indent=2))


if __name__ == "__main__":
    main()
