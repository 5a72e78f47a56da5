"""Chaos on a real Kafka: `python -m tests.chaos.run --seed 1 --kills 60`, and the verdict.

Every process of a whole system is killed and stopped, at random and at named points, while robots
publish through connections that break. Then all of it is left to settle, and the audit and an
undisturbed run over the same raw log say whether a frame was lost, doubled or changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.settle import wait_until_following, wait_until_settled
from tests.chaos.nemesis import Nemesis
from tests.chaos.plan import steps
from tests.chaos.robots import END as END_FILE
from tests.chaos.robots import ENDED, JOURNAL
from tests.chaos.system import Load, System, running_system
from tests.chaos.verify import verify

FOLLOWING_WITHIN_S = 300.0
ENDED_WITHIN_S = 400.0
SETTLED_WITHIN_S = 600.0


@dataclass(frozen=True)
class Run:
    """One run, all of it told by its seed and these sizes."""

    seed: int
    kills: int
    pace_s: float
    robots: int
    frames_per_second: float
    chunk_frames: int | None
    bench_vendors: int
    s3: bool

    @property
    def command(self) -> str:
        """The line that repeats it."""
        words = [
            f"python -m tests.chaos.run --seed {self.seed} --kills {self.kills}",
            f"--pace {self.pace_s} --robots {self.robots}",
            f"--frames-per-second {self.frames_per_second}",
            *([] if self.chunk_frames is None else [f"--chunk-frames {self.chunk_frames}"]),
            *([f"--bench-vendors {self.bench_vendors}"] if self.bench_vendors else []),
            *([] if self.s3 else ["--folder"]),
        ]
        return " ".join(words)


def run(what: Run, folder: Path) -> dict[str, Any]:
    """One run in an empty folder; the result says what was done and what was found."""
    begun = time.monotonic()
    load = Load(
        what.robots, what.frames_per_second, what.chunk_frames, what.seed, what.bench_vendors,
        what.s3,
    )  # fmt: skip
    with running_system(folder, load) as system:
        wait_until_following(system.direct, system.vendors, FOLLOWING_WITHIN_S)
        _await_flow(system)
        nemesis = Nemesis(system)
        disturbed = time.monotonic()
        nemesis.run(steps(what.seed, what.kills, what.pace_s, system.proxy.routes))
        disturbed = time.monotonic() - disturbed
        (system.robots / END_FILE).touch()
        _await(system.robots / ENDED)
        settling = time.monotonic()
        wait_until_settled(system.direct, system.vendors, SETTLED_WITHIN_S, _say)
        settling = time.monotonic() - settling
        _say("verifying")
        with system.frozen():
            verdict = verify(system)
    return {
        "ok": not verdict.problems,
        "problems": verdict.problems,
        "again": what.command,
        "seed": what.seed,
        "kills": nemesis.done.kills,
        **vars(nemesis.done),
        "disturbed_s": round(disturbed, 1),
        "settling_s": round(settling, 1),
        "seconds": round(time.monotonic() - begun, 1),
        **verdict.figures,
    }


def _await_flow(system: System) -> None:
    """Return once the robots send."""
    deadline = time.monotonic() + FOLLOWING_WITHIN_S
    while not any(path.stat().st_size for path in system.robots.glob(f"{JOURNAL}/*")):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no robot has sent anything in {FOLLOWING_WITHIN_S:.0f} s")
        time.sleep(0.1)


def _await(file: Path) -> None:
    deadline = time.monotonic() + ENDED_WITHIN_S
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the robots did not deliver everything in {ENDED_WITHIN_S:.0f} s")
        time.sleep(0.1)


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run seeds one after the other; exit 1 when one of them found a problem."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs")
    parser.add_argument("--kills", type=int, default=60, help="of a run")
    parser.add_argument("--pace", type=float, default=1.2, help="mean seconds between steps")
    parser.add_argument("--robots", type=int, default=12)
    parser.add_argument("--frames-per-second", type=float, default=1_500.0)
    parser.add_argument("--chunk-frames", type=int)
    parser.add_argument("--bench-vendors", type=int, default=0, help="instead of packaged ones")
    parser.add_argument("--folder", action="store_true", help="the lake is a folder, not S3")
    parser.add_argument("--log", type=Path, help="append each result here, a JSON line each")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a good run, too")
    told = parser.parse_args(arguments)
    failed = 0
    for seed in range(told.seed, told.seed + told.seeds):
        what = Run(
            seed, told.kills, told.pace, told.robots, told.frames_per_second, told.chunk_frames,
            told.bench_vendors, not told.folder,
        )  # fmt: skip
        folder = Path(tempfile.mkdtemp(prefix=f"kinebus-chaos-{seed}-"))
        _say(f"seed {seed}; to repeat it: {what.command}")
        try:
            result = run(what, folder)
        except Exception as error:
            result = {"ok": False, "problems": [f"{type(error).__name__}: {error}"], "seed": seed}
        print(json.dumps(result, indent=2), flush=True)
        if told.log:
            with told.log.open("a") as log:
                log.write(json.dumps(result) + "\n")
        if result["ok"] and not told.keep:
            shutil.rmtree(folder)
        else:
            _say(f"its data and logs are in {folder}; to repeat it: {what.command}")
        failed += not result["ok"]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
