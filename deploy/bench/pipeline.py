"""The whole pipeline at a set rate: what is sustained, how late it is, what each process costs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from deploy.audit import run_audit
from deploy.bench import meter
from deploy.bench.histogram import Buckets, quantile, read_buckets
from deploy.delays import delays_ms, percentiles
from deploy.programs import environment
from deploy.settle import NotSettledError, wait_until_following, wait_until_settled
from deploy.stack import Stack, running_stack
from producers.fleet.bench_vendors import CHANNELS, EMBODIMENT, write_bench_vendors
from schemas.metrics import SINK_DELAY
from schemas.settings import Settings

Say = Callable[[str], None]

BYTES_PER_FRAME = 3_000
"""Upper bound of what a frame takes on this machine's disk: two topics, archive, lake, tables."""


@dataclass(frozen=True)
class Load:
    """What the pipeline is put under.

    `seconds` are measured, behind `warm_up_s` in which Java compiles what it runs often. At
    25,000 frames/s these 48 robots move at 520 Hz, so that 50 frames last 96 ms, about what the SDK
    gathers into a chunk.
    """

    frames_per_second: float = 25_000.0
    seconds: float = 60.0
    robots: int = 48
    chunk_frames: int = 50
    workers: int = 1
    warm_up_s: float = 20.0
    drain_within_s: float = 90.0
    channels: int = CHANNELS
    embodiment: str = EMBODIMENT


class NoRoomError(RuntimeError):
    """The disk has not the room that the benchmark needs."""


def bench_pipeline(load: Load, say: Say) -> dict[str, Any]:
    """Run a stack of its own under a load of twelve vendors' 40-joint robots.

    Raises:
        NoRoomError: the disk has less room than the load may take.
    """
    with tempfile.TemporaryDirectory(prefix="kinebus-bench-") as folder:
        _require_room(Path(folder), load)
        profiles = Path(folder, "profiles")
        vendors = write_bench_vendors(
            profiles,
            channels=load.channels,
            rate_hz=load.frames_per_second / load.robots,
            embodiment=load.embodiment,
        )
        own = {
            "home": Path(folder, "home"),
            "profiles_dir": profiles,
            "vendors": ",".join(vendors),
        }
        settings = Settings().model_copy(update=own)
        with running_stack(settings, workers=load.workers, say=say) as stack:
            wait_until_following(stack.settings, stack.vendors.names, 90.0)
            return _measure(stack, load, say)


def _measure(stack: Stack, load: Load, say: Say) -> dict[str, Any]:
    with _fleet(stack, load) as fleet:
        pids = {s.name: s.pid for s in stack.processes() if s.pid is not None}
        pids |= {"fleet": fleet.pid, "supervisor": os.getpid()}
        say(f"warming up for {load.warm_up_s:.0f} s")
        time.sleep(load.warm_up_s)
        say(f"measuring for {load.seconds:.0f} s")
        before, rest_before = meter.read(pids), _at_rest(stack)
        time.sleep(load.seconds)
        after, rest_after = meter.read(pids), _at_rest(stack)
        say("waiting for the fleet to end")
        counts = orjson.loads(fleet.communicate(timeout=120)[0])
    ended = time.monotonic()
    settled, why = True, ""
    try:
        wait_until_settled(stack.settings, stack.vendors.names, load.drain_within_s, say)
    except NotSettledError as error:
        settled, why = False, str(error)
    drain_s = time.monotonic() - ended
    frames = sum(vendor["acknowledged_frames"] for vendor in counts["vendors"].values())
    rate = frames / (load.seconds + load.warm_up_s)
    processes = meter.used(before, after, rate * (after.at - before.at))
    newest = int(load.frames_per_second * load.seconds / load.chunk_frames) // 4
    by_vendor = delays_ms(stack.bootstrap, stack.settings.partitions, newest)
    say("auditing")
    report = run_audit(stack.settings)
    return {
        "conditions": _conditions(stack, load),
        "frames_per_second": round(rate),
        "frames": frames,
        "settled": settled,
        "not_settled_because": why,
        "drain_s": round(drain_s, 1),
        "fleet_behind_s": round(counts["behind_s"], 2),
        "delay_ms": {
            "p50": percentiles([d["p50"] for d in by_vendor.values()])["p50"],
            "p99": max(d["p99"] for d in by_vendor.values()),
        },
        "rest_s": _quantiles(rest_before, rest_after),
        "cores": round(sum(p["cores"] for p in processes.values()), 2),
        "cpu_s_per_million_frames": round(
            sum(p["cpu_s_per_million_frames"] for p in processes.values()), 1
        ),
        "processes": processes,
        "restarts": {s.name: s.restarts for s in stack.processes() if s.restarts},
        "audit": {
            "ok": report.ok,
            "problems": {problem.kind: problem.count for problem in report.problems},
            "complete_episodes": sum(v.episodes for v in report.vendors.values()),
        },
        "bytes_per_frame": _bytes_on_disk(stack, frames),
    }


def _at_rest(stack: Stack) -> dict[str, Buckets]:
    """How long things took to come to rest so far, by sink: chunks, and ended episodes."""
    ports = {p.name: p.metrics_port for p in stack.record().processes}
    return {
        name: read_buckets(ports[f"sink-{name}"], SINK_DELAY) for name in ("clickhouse", "lake")
    }


def _quantiles(
    before: Mapping[str, Buckets], after: Mapping[str, Buckets]
) -> dict[str, dict[str, float]]:
    told = {"clickhouse": "published_to_queryable", "lake": "episode_ended_to_sealed"}
    return {
        words: {
            f"p{share * 100:.0f}": round(quantile(before[sink], after[sink], share), 2)
            for share in (0.5, 0.99)
        }
        for sink, words in told.items()
    }


def _bytes_on_disk(stack: Stack, frames: int) -> dict[str, float]:
    """What each store's files take for every frame, all columns and topics together."""
    home = stack.settings.home
    folders = {
        "kafka": home / "kafka",
        "clickhouse": home / "clickhouse",
        "lake": home / "lake/episodes",
        "archive": home / "lake/raw",
    }
    return {name: round(_taken(folder) / frames, 1) for name, folder in folders.items()}


def _taken(folder: Path) -> int:
    """Bytes that a folder takes on the disk: Kafka's indexes are mostly holes."""
    return sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file())


@contextmanager
def _fleet(stack: Stack, load: Load) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        sys.executable, "-m", "producers.fleet",
        "--robots", str(load.robots),
        "--seconds", str(load.seconds + load.warm_up_s),
        "--frames-per-second", str(load.frames_per_second),
        "--chunk-frames", str(load.chunk_frames),
        *(word for name in stack.vendors.names for word in ("--vendor", name)),
    ]  # fmt: skip
    env = {**os.environ, **environment(stack.settings)}
    fleet = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
    try:
        yield fleet
    finally:
        fleet.terminate()
        fleet.wait()


def _require_room(folder: Path, load: Load) -> None:
    needed = load.frames_per_second * (load.seconds + load.warm_up_s) * BYTES_PER_FRAME
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    if needed > free * 0.8:
        raise NoRoomError(
            f"the benchmark may take {needed / 2**30:.0f} GiB in {folder.parent}, and "
            f"{free / 2**30:.0f} GiB are free: give it fewer --seconds, or set TMPDIR"
        )


def _conditions(stack: Stack, load: Load) -> dict[str, Any]:
    return {
        **asdict(load),
        "vendors": len(stack.vendors.names),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "interpreter": sys.executable,
        **stack.record().chosen,
    }
