"""How soon frames flow again after a kill: p50, p99 and worst of many kills of each process.

`python -m tests.bench.recovery --kills 40`: a stack of its own under a simulated fleet; SIGKILL to
one process after the other, each left to itself until everything flows again. From the kill until

- worker, broker: a chunk that a robot published after the kill stands in `canonical.frames`, by
  the broker's own append time;
- ClickHouse sink, ClickHouse: such a chunk lies in ClickHouse;
- lake sink: its successor has put frames at rest;
- archive sink: its successor holds records again (a range is put only when it is full).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
import numpy as np
from confluent_kafka import Consumer, TopicPartition

from deploy.programs import environment
from deploy.settle import wait_until_following, wait_until_settled
from deploy.stack import Stack, running_stack
from schemas.canonical import CanonicalChunk, decode_canonical
from schemas.metrics import SINK_FRAMES, SINK_LAG_SECONDS
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, MAX_RECORD_BYTES

WITHIN_S = 90.0
BOUNDS_S = {
    "worker-0": 5.0, "sink-clickhouse": 5.0, "sink-lake": 5.0, "sink-archive": 5.0, "kafka": 15.0,
}  # fmt: skip
"""What is promised; ClickHouse itself is told without a bound."""

Flows = Callable[[float], float | None]
"""From the time of a kill (Unix s) to when frames flowed again, None while they do not."""


class Canonical:
    """Follows `canonical.frames`; remembers when what was published when was appended."""

    def __init__(self, stack: Stack) -> None:
        self._lock = threading.Lock()
        self._seen: list[tuple[float, float]] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": stack.bootstrap,
                "group.id": "recovery",
                "enable.auto.commit": False,
                "fetch.message.max.bytes": MAX_RECORD_BYTES,
                "reconnect.backoff.max.ms": 500,
            }
        )
        places = [TopicPartition(CANONICAL_FRAMES, p) for p in range(stack.settings.partitions)]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=20)[1]
        self._consumer.assign(places)
        threading.Thread(target=self._follow, daemon=True).start()

    def flows(self, killed_s: float) -> float | None:
        """When the first chunk published after this was appended."""
        with self._lock:
            fresh = [appended for published, appended in self._seen if published > killed_s]
            self._seen.clear()
        return min(fresh, default=None)

    def _follow(self) -> None:
        while True:
            message = self._consumer.poll(1.0)
            if message is None or message.error():
                continue
            made = decode_canonical(message.value())
            if isinstance(made, CanonicalChunk):
                with self._lock:
                    self._seen.append((made.published_ns / 1e9, message.timestamp()[1] / 1e3))


def in_clickhouse(stack: Stack) -> Flows:
    """Asks ClickHouse for the newest chunk's publication."""

    def flows(killed_s: float) -> float | None:
        try:
            client = clickhouse_connect.get_client(
                dsn=stack.clickhouse_url,
                database=stack.settings.clickhouse_database,
                connect_timeout=1,
            )
            with client:
                newest = client.query("SELECT max(published_ns) FROM frames").result_rows[0][0]
        except Exception:
            return None
        return time.time() if newest / 1e9 > killed_s else None

    return flows


def metric(stack: Stack, name: str, metric_name: str) -> Flows:
    """Asks a process for a metric that is zero until it has begun anew."""
    process = next(p for p in stack.record().processes if p.name == name)
    url = f"http://127.0.0.1:{process.metrics_port}/metrics"

    def flows(_killed_s: float) -> float | None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(metric_name)]
        return time.time() if any(values) else None

    return flows


def measure(stack: Stack, kills: int, seed: int) -> dict[str, list[float]]:
    """Seconds from kill to flow, by process."""
    canonical = Canonical(stack)
    stored = in_clickhouse(stack)
    flows: dict[str, Flows] = {
        "worker-0": canonical.flows,
        "kafka": canonical.flows,
        "sink-clickhouse": stored,
        "clickhouse": stored,
        "sink-lake": metric(stack, "sink-lake", SINK_FRAMES),
        "sink-archive": metric(stack, "sink-archive", SINK_LAG_SECONDS),
    }
    dice = random.Random(seed)
    order = [name for name in flows for _ in range(kills)]
    dice.shuffle(order)
    found: dict[str, list[float]] = {name: [] for name in flows}
    for number, name in enumerate(order, 1):
        pid = stack.pid(name)
        assert pid is not None
        killed = time.time()
        os.kill(pid, signal.SIGKILL)
        again = None
        while again is None:
            if time.time() - killed > WITHIN_S:
                raise TimeoutError(f"{name}: nothing flowed for {WITHIN_S:.0f} s after a kill")
            time.sleep(0.02)
            again = flows[name](killed)
        found[name].append(again - killed)
        _say(f"{number}/{len(order)} {name}: {again - killed:.2f} s")
        _until_all_flow(canonical.flows, stored)
        time.sleep(dice.uniform(1.0, 3.0))
    return found


def _until_all_flow(*flows: Flows) -> None:
    begun = time.time()
    for one in flows:
        while one(begun) is None:
            if time.time() - begun > WITHIN_S:
                raise TimeoutError("nothing flows")
            time.sleep(0.1)


@contextmanager
def _fleet(stack: Stack, rate: float, robots: int, spool: Path) -> Iterator[None]:
    command = [
        sys.executable, "-m", "producers.fleet",
        "--robots", str(robots),
        "--frames-per-second", str(rate),
        "--spool", str(spool),
    ]  # fmt: skip
    env = {**os.environ, **environment(stack.settings)}
    fleet = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        fleet.terminate()
        fleet.wait()


def summary(found: dict[str, list[float]]) -> dict[str, Any]:
    """Percentiles by process, and beside them what is promised."""
    return {
        name: {
            "kills": len(took),
            **{f"p{q}_s": round(float(np.percentile(took, q)), 2) for q in (50, 90, 99)},
            "worst_s": round(max(took), 2),
            "bound_s": BOUNDS_S.get(name),
        }
        for name, took in found.items()
        if took
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Measure and print; exit 1 when a p99 is over its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recovery", description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--robots", type=int, default=12)
    parser.add_argument("--frames-per-second", type=float, default=1_500.0)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinebus-recovery-") as folder:
        settings = Settings().model_copy(update={"home": Path(folder, "home")})
        with running_stack(settings, say=_say) as stack:
            wait_until_following(stack.settings, stack.vendors.names, 120.0)
            spool = Path(folder, "spool")
            with _fleet(stack, told.frames_per_second, told.robots, spool):
                time.sleep(15.0)
                result = summary(measure(stack, told.kills, told.seed))
            wait_until_settled(stack.settings, stack.vendors.names, 180.0, _say)
    print(json.dumps(result, indent=2))
    late = [n for n, told in result.items() if told["bound_s"] and told["p99_s"] > told["bound_s"]]
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
