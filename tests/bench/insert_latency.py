"""How long inserts into the embedded ClickHouse take while a long query runs on it.

    python tests/bench/insert_latency.py [seconds of the query, 60 by default]

Prints JSON: seconds of an insert of 20,000 frames and of `SELECT 1` beside it; the server's memory.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import clickhouse_connect
import numpy as np
import psutil
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.clickhouse.service import prepare_clickhouse
from deploy.service import running

CHUNKS, FRAMES, JOINTS = 400, 50, 40
EVERY_S = 0.2
TABLE = """CREATE TABLE default.chunks (
    robot String, sequence UInt64,
    position_rad Array(Float32) CODEC(Delta(4), ZSTD(1)),
    velocity_rad_s Array(Float32) CODEC(Delta(4), ZSTD(1))
) ENGINE = ReplacingMergeTree ORDER BY (robot, sequence)"""
LONG_QUERY = "SELECT count() FROM numbers(1e15) WHERE NOT ignore(sipHash64(number))"


def block(seed: int) -> pa.Table:
    """One insert's rows."""
    values = np.random.default_rng(seed).standard_normal(CHUNKS * FRAMES * JOINTS, np.float32)
    offsets = np.arange(0, values.size + 1, FRAMES * JOINTS, dtype=np.int32)
    joints = pa.ListArray.from_arrays(offsets, pa.array(values))
    return pa.table(
        {
            "robot": [f"robot-{n % 7}" for n in range(CHUNKS)],
            "sequence": pa.array(np.arange(CHUNKS, dtype=np.uint64) + seed * CHUNKS),
            "position_rad": joints,
            "velocity_rad_s": joints,
        }
    )


def ask(client: Client, seconds: int) -> None:
    """A query that only its time limit ends."""
    with suppress(DatabaseError):
        client.query(LONG_QUERY, settings={"max_execution_time": seconds})


def measure(url: str, server: psutil.Process, seconds: int) -> dict[str, object]:
    """Insert at a steady rate for as long as the query runs."""
    client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)
    client.command(TABLE)
    blocks = [block(seed) for seed in range(5)]
    asking = threading.Thread(target=ask, args=(client, seconds))
    asking.start()
    time.sleep(0.5)
    inserts, selects, resident = [], [], 0
    while asking.is_alive():
        begun = time.perf_counter()
        client.insert_arrow("default.chunks", blocks[len(inserts) % 5])
        inserts.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        client.query("SELECT 1")
        selects.append(time.perf_counter() - begun)
        resident = max(resident, server.memory_info().rss)
        time.sleep(max(0.0, EVERY_S - inserts[-1] - selects[-1]))
    return {
        "python": platform.python_version(),
        "query_s": seconds,
        "inserts": len(inserts),
        "frames_per_insert": CHUNKS * FRAMES,
        "insert_s": quantiles(inserts),
        "select_1_s": quantiles(selects),
        "server_rss_max_mb": resident >> 20,
    }


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum."""
    p50, p99, most = np.quantile(seconds, (0.5, 0.99, 1.0))
    return {"p50": round(p50, 4), "p99": round(p99, 4), "max": round(most, 4)}


def main() -> None:
    """Measure on a server of its own and print the figures."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        clickhouse = prepare_clickhouse(Path(folder))
        with running(clickhouse.service) as process:
            figures = measure(clickhouse.url, psutil.Process(process.pid), seconds)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
