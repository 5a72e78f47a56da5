"""Fills a catalogue without a broker: facts of sealed episodes, and as many others as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schemas.events import EpisodeEvent, EventKind
from sinks.clickhouse.fact_tables import At, events_table, processings_table
from sinks.record import Place

TASKS = ("fold the towel", "pour water", "open the drawer", "sort parcels", "wipe the table")
STATIONS = tuple(f"s-{number:02d}" for number in range(40))
VERDICTS = ("accept", "accept", "accept", "review", "reject")
DAY_NS = 86_400 * 10**9


def fill(client: Client, facts: Sequence[EpisodeEvent]) -> None:
    """Put facts in, as the ClickHouse sink does, with what it would say itself."""
    stored = [
        replace(fact, kind=EventKind.STORED, manifest=None, manifest_sha256=None)
        for fact in facts
        if fact.kind is EventKind.SEALED
    ]
    client.insert_arrow("episode_events", _table([*facts, *stored]))
    processings = sorted({fact.processing_id for fact in facts})
    client.insert_arrow("processings", processings_table([(one, 0) for one in processings]))


def fill_with_copies(client: Client, facts: Sequence[EpisodeEvent], count: int) -> None:
    """Put `count` more episodes in: the given one's facts under other names, tasks and days."""
    (opened,) = (fact for fact in facts if fact.kind is EventKind.OPENED)
    own = [fact for fact in facts if fact.episode == opened.episode]
    (sealed,) = (fact for fact in own if fact.kind is EventKind.SEALED)
    table = _table([*own, replace(sealed, kind=EventKind.STORED)])
    number = np.repeat(np.arange(count), table.num_rows)
    copies = table.take(pa.array(np.tile(np.arange(table.num_rows), count)))
    rng = np.random.default_rng(0)
    told = {
        "episode": [f"{opened.session}-{9_000_000_000 + i:010d}" for i in range(count)],
        "robot": [f"maker{i % 12}/unit-{i % 300:03d}" for i in range(count)],
        "task": rng.choice(TASKS, count).tolist(),
        "station": rng.choice(STATIONS, count).tolist(),
        "operator": [f"op-{i % 60}" for i in range(count)],
        "verdict": rng.choice(VERDICTS, count).tolist(),
    }
    for name, values in told.items():
        copies = _set(copies, name, pa.array(values).take(pa.array(number)))
    for name in ("t_first_ns", "t_last_ns"):
        moved = copies[name].to_numpy() - (number % 14) * float(DAY_NS)
        copies = _set(copies, name, pa.array(moved, from_pandas=True).cast(pa.int64(), safe=False))
    client.insert_arrow("episode_events", copies)


def _table(facts: Sequence[EpisodeEvent]) -> pa.Table:
    place = Place("episodes", 0)
    return events_table([At(place, offset, fact) for offset, fact in enumerate(facts)])


def _set(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
