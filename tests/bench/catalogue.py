"""A catalogue of 20,000 episodes: how soon a filtered list is there, and an export of 1,000.

python -m tests.bench.catalogue [--episodes 20000] [--export 1000]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from clickhouse_connect.driver.client import Client
from obstore.store import LocalStore

from deploy.clickhouse.service import running_clickhouse
from sinks.catalogue import list_episodes
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.migrate import migrate
from sinks.datasets.export import Format, export
from sinks.datasets.plan import Choice
from sinks.where.sql import parse_where
from tests import make
from tests.catalogue_make import fill, fill_with_copies, with_stored
from tests.lake_make import seal_facts, simulated

FRAMES = 45
EPISODES_A_ROBOT = 100
CONDITIONS = (
    "task = 'pour water' and verdict = 'accept' and station in ('s-1', 's-2', 's-3')",
    "robot like 'maker3/%' and seconds > 1",
    "vendor = 'maker7' and started >= '2023-11-10' and score > 0.9",
)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--export", type=int, default=1_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinebus-catalogue-") as folder:
        place = Path(folder)
        with running_clickhouse(place / "clickhouse") as url:
            print(json.dumps(measure(connect_created(url, "bench"), place, asked), indent=2))


def measure(client: Client, place: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Fill, list, export."""
    migrate(client)
    store = LocalStore(place / "lake", mkdir=True)
    facts = []
    for robot in range(max(asked.export // EPISODES_A_ROBOT, 1)):
        facts += seal_facts(store, [simulated("unitree", robot, FRAMES, EPISODES_A_ROBOT)])
    fill(client, facts)
    one = [fact for fact in facts if fact.episode == facts[0].episode]
    others = asked.episodes - len({fact.episode for fact in facts})
    fill_with_copies(client, with_stored(one), others)
    lists = {condition: _list_ms(client, condition) for condition in CONDITIONS}
    began = time.perf_counter()
    chosen = list_episodes(client, where=parse_where("vendor = 'unitree'"), limit=asked.export)
    done = export(Choice("thousand"), Format.LEROBOT_V3, str(place / "out"), "all", chosen, store,
                  make.vendors(), lambda *_: None)  # fmt: skip
    return {
        "episodes_in_catalogue": len(list_episodes(client, limit=1_000_000)),
        "list_ms": lists,
        "exported_episodes": len(done.plan.episodes),
        "exported_frames": done.frames,
        "export_s": round(time.perf_counter() - began, 2),
    }


def _list_ms(client: Client, condition: str) -> dict[str, float]:
    where = parse_where(condition)
    times = []
    for _ in range(12):
        began = time.perf_counter()
        found = list_episodes(client, where=where, limit=50)
        times.append((time.perf_counter() - began) * 1000)
    return {"found": len(found), "p50": round(float(np.median(times)), 1),
            "max": round(max(times), 1)}  # fmt: skip


if __name__ == "__main__":
    main()
