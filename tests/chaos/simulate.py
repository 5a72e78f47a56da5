"""`python -m tests.chaos.simulate --seeds A:B`: seeded chaos over a log and stores of our own.

A seed that fails is repeated by the command that its line shows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from tests.chaos.sim.play import Played, play

SLICE = 50


def repeat_command(seed: int) -> str:
    """What plays one seed again."""
    return f".venv/bin/python -m tests.chaos.simulate --seeds {seed}:{seed + 1}"


def run(first: int, stop: int, jobs: int, fail_fast: bool = False) -> Iterator[Played]:
    """Play seeds first … stop - 1, in `jobs` processes."""
    if jobs == 1:
        for played in play(range(first, stop)):
            yield played
            if fail_fast and played.wrong:
                return
        return
    slices = [range(at, min(at + SLICE, stop)) for at in range(first, stop, SLICE)]
    # Not by fork: whoever plays seeds may have threads, a broker's client among them.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for results in pool.map(_played, slices):
            yield from results


def _played(seeds: range) -> list[Played]:
    return list(play(seeds))


def main() -> int:
    """Play, print, and exit with 1 when an invariant did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.simulate", description=__doc__)
    parser.add_argument("--seeds", default="0:2000", help="first:stop")
    parser.add_argument("--jobs", type=int, default=1, help=f"processes; {os.cpu_count()} cores")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first that fails")
    told = parser.parse_args()
    first, stop = map(int, told.seeds.split(":"))
    began, cpu = time.monotonic(), time.process_time()
    results = []
    for played in run(first, stop, told.jobs, told.fail_fast):
        results.append(played)
        if played.wrong and not told.json:
            print(f"seed {played.seed}: {played.wrong}\n  again: {repeat_command(played.seed)}")
    failed = [played for played in results if played.wrong]
    summary = {
        "seeds": len(results),
        "failed": len(failed),
        "records": sum(played.records for played in results),
        "frames": sum(played.frames for played in results),
        "crashes": sum(played.crashes for played in results),
        "rebalances": sum(played.rebalances for played in results),
        "least_records": min(played.records for played in results),
        "least_crashes": min(played.crashes for played in results),
        "least_rebalances": min(played.rebalances for played in results),
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }
    if told.json:
        again = [{**asdict(p), "again": repeat_command(p.seed)} for p in failed]
        print(json.dumps({**summary, "failures": again}, indent=1))
    else:
        print(", ".join(f"{name} {value}" for name, value in summary.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
