"""One processing step on several runners: the Faust worker, a plain loop, Bytewax, Quix Streams.

All read the same topics of one broker, one runner after the other. At the set rate each has a fleet
of its own behind it; in bulk each reads the log that those fleets left behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client.parser import text_string_to_metric_families

from deploy.bench.peers import Peer, PeerError, environment_of
from deploy.bench.step_programs.work import FULL, TRIVIAL
from deploy.programs import WORKER, environment, program_service
from deploy.service import running
from deploy.stack import Stack, running_stack
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.metrics import WORKER_FRAMES
from schemas.settings import Settings

Say = Callable[[str], None]

_SAME: Final = ("numba", "numpy", "fastavro", "cramjam", "structlog")
_PINS: Final = tuple(f"{name}=={version(name)}" for name in _SAME)
_NEEDS: Final = (
    *_PINS,
    "orjson",
    "pydantic",
    "pydantic-settings",
    "python-ulid",
    "confluent-kafka",
)
PEERS: Final = {
    "bytewax": Peer("step-bytewax", ("bytewax==0.21.1", *_NEEDS), "bytewax_flow"),
    "quix": Peer("step-quix", ("quixstreams==3.28.1", *_NEEDS), "quix_flow"),
}
FAUST, PLAIN = "faust worker", "plain loop"
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
_CLOCK_TICK_S: Final = 0.2
_WARM_S: Final = 8.0
_WITHIN_S: Final = 150.0


@dataclass(frozen=True)
class StepLoad:
    """What the runners are measured on, in chunks of `chunk_frames` of twelve vendors' robots."""

    frames_per_second: float = 25_000.0
    seconds: float = 15.0
    robots: int = 48
    chunk_frames: int = 25
    bulk_frames: int = 400_000
    peers: bool = True


@dataclass(frozen=True)
class Runner:
    """One of them: its name in the result, its step, how its process is started (None: Faust)."""

    name: str
    step: str
    command: tuple[str, ...] | None


def bench_step(load: StepLoad, say: Say) -> dict[str, Any]:
    """CPU seconds per million frames of every runner, and the ratios to the plain loops.

    Raises:
        PeerError: another project's runner could not be installed or ended.
    """
    runners = list(_runners(load.peers, say))
    with tempfile.TemporaryDirectory(prefix="kinebus-bench-") as folder:
        profiles = Path(folder, "profiles")
        vendors = write_bench_vendors(profiles, rate_hz=load.frames_per_second / load.robots)
        own = {
            "home": Path(folder, "home"),
            "profiles_dir": profiles,
            "vendors": ",".join(vendors),
        }
        settings = Settings().model_copy(update=own)
        with running_stack(settings, workers=0, sinks=False, say=say) as stack:
            at_rate, bulk = dict[str, float](), dict[str, float]()
            for runner in runners:
                say(f"{runner.name} at {load.frames_per_second:,.0f} frames/s")
                with _fleet(stack, load):
                    frames = int(load.frames_per_second * load.seconds)
                    at_rate[runner.name] = _cost(runner, stack, "latest", load, frames)
            for runner in runners:
                say(f"{runner.name} in bulk")
                bulk[runner.name] = _cost(runner, stack, "earliest", load, load.bulk_frames)
    return {
        "conditions": {**asdict(load), "vendors": len(vendors), "cores": os.cpu_count()},
        "at_set_rate": _judged(at_rate),
        "in_bulk": _judged(bulk),
    }


def _runners(peers: bool, say: Say) -> Iterator[Runner]:
    yield Runner(FAUST, FULL, None)
    pythons = {PLAIN: (sys.executable, "plain")}
    if peers:
        pythons |= {n: (str(environment_of(peer, say)), peer.program) for n, peer in PEERS.items()}
    for name, (python, program) in pythons.items():
        command = (python, "-m", f"deploy.bench.step_programs.{program}")
        yield Runner(name, FULL, command)
        yield Runner(f"{name}, trivial work", TRIVIAL, command)


def _judged(cost: Mapping[str, float]) -> dict[str, Any]:
    """Each cost with its ratio to the plain loop of the same step and of trivial work."""
    full, trivial = cost[PLAIN], cost[f"{PLAIN}, trivial work"]
    return {
        name: {
            "cpu_s_per_million_frames": round(used, 2),
            "times_plain_loop": round(used / full, 2),
            "times_plain_trivial": round(used / trivial, 2),
        }
        for name, used in cost.items()
    }


def _cost(runner: Runner, stack: Stack, start: str, load: StepLoad, frames: int) -> float:
    """CPU seconds per million frames of one runner, behind its warming up."""
    if runner.command is None:
        warm = load.frames_per_second * _WARM_S if start == "latest" else frames // 4
        return _worker_cost(stack, int(warm), frames)
    warm = load.frames_per_second * _WARM_S if start == "latest" else frames // 4
    group = f"bench-{runner.name}-{start}".replace(" ", "-").replace(",", "")
    command = [*runner.command, runner.step, start, str(int(warm)), str(frames), group]
    root = str(Path(__file__).parents[2])
    env = {**os.environ, **environment(stack.settings), **_ONE_THREAD, "PYTHONPATH": root}
    done = subprocess.run(
        command, env=env, cwd=root, capture_output=True, timeout=_WITHIN_S, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(b"{")]
    if not lines:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise PeerError(f"{runner.name} ended: {' '.join(said)}")
    told = orjson.loads(lines[-1])
    return float(told["cpu_s"] / told["frames"] * 1e6)


def _worker_cost(stack: Stack, warm_frames: int, frames: int) -> float:
    """The real worker's, by what it tells of itself: its CPU and its frames, read together."""
    service = program_service(WORKER, stack.settings, stack.settings.home / "logs")
    with running(service):
        port = int(service.env["KINEBUS_METRICS_PORT"])
        first = _until(port, warm_frames)
        last = _until(port, int(first[1]) + frames)
    return (last[0] - first[0]) / (last[1] - first[1]) * 1e6


def _until(port: int, frames: int) -> tuple[float, float]:
    """CPU seconds and frames of a worker, once it has made so many canonical."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        time.sleep(_CLOCK_TICK_S)
        told = _read(port)
        if told is not None and told[1] >= frames:
            return told
    raise PeerError(f"the worker did not make {frames:,} frames within {_WITHIN_S:.0f} s")


def _read(port: int) -> tuple[float, float] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    cpu_s = frames = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            cpu_s += sample.value if sample.name == "process_cpu_seconds_total" else 0.0
            frames += sample.value if sample.name == WORKER_FRAMES else 0.0
    return cpu_s, frames


@contextmanager
def _fleet(stack: Stack, load: StepLoad) -> Iterator[None]:
    """A fleet at the set rate until the block ends."""
    command = [
        sys.executable, "-m", "producers.fleet", "--robots", str(load.robots),
        "--seconds", str(_WITHIN_S), "--chunk-frames", str(load.chunk_frames),
        "--frames-per-second", str(load.frames_per_second),
        *(word for name in stack.vendors.names for word in ("--vendor", name)),
    ]  # fmt: skip
    env = {**os.environ, **environment(stack.settings)}
    fleet = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        fleet.terminate()
        fleet.wait()
