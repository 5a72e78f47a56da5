"""Exports of sealed episodes as tests run them, and what they hold."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from obstore.store import MemoryStore

from sinks.catalogue import Episode
from sinks.datasets.export import Exported, Format, export
from sinks.datasets.plan import Choice
from sinks.lake.columns import by_component
from sinks.objects import read_object
from tests import make
from tests.lake_make import seal, simulated

STORE = MemoryStore()


def folding() -> list[Episode]:
    """Three episodes of two robots of one type."""
    return seal(STORE, [simulated("unitree", 1, 90), simulated("unitree", 2, 120, episodes=2)])


def run(
    out: Path, episodes: list[Episode], form: Format = Format.LEROBOT_V3, **choice: object
) -> Exported:
    return export(
        Choice("set", **choice),  # type: ignore[arg-type]
        form,
        str(out),
        "all",
        episodes,
        STORE,
        make.vendors(),
        lambda what, done, total: None,
        "cc-by-4.0",
    )


def stored(episode: Episode, columns: list[str]) -> dict[str, np.ndarray]:
    """Columns of an episode as they lie in the lake, by time."""
    manifest = json.loads(read_object(STORE, episode.manifest or ""))
    tables = [
        by_component(pq.read_table(io.BytesIO(read_object(STORE, segment["key"]))))
        for segment in manifest["segments"]
    ]
    names = ["t_ns", *columns]
    held = {name: np.concatenate([table[name].to_numpy() for table in tables]) for name in names}
    order = np.argsort(held["t_ns"], kind="stable")
    return {name: values[order] for name, values in held.items()}


def data(out: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(out / "data")
    return {name: np.array(table[name].to_pylist()) for name in table.column_names}


def info(out: Path) -> dict:
    return json.loads((out / "meta/info.json").read_text())


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
