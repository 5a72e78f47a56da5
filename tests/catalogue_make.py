"""Fills a catalogue without a broker: facts of sealed episodes, and as many others as wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schemas.events import EpisodeEvent, EventKind
from sinks.clickhouse.fact_tables import At, events_table, processings_table
from sinks.record import Place

TASKS = ("fold the towel", "pour water", "open the drawer", "sort parcels", "wipe the table")
VERDICTS = ("accept", "accept", "accept", "review", "reject")
DAYS = 14
DAY_NS = 86_400 * 10**9


def fill(client: Client, facts: Sequence[EpisodeEvent]) -> None:
    """Put facts in, as the ClickHouse sink does, with what it would say itself."""
    client.insert_arrow("episode_events", _table(with_stored(facts)))
    processings = sorted({fact.processing_id for fact in facts})
    client.insert_arrow("processings", processings_table([(one, 0) for one in processings]))


def with_stored(facts: Sequence[EpisodeEvent]) -> list[EpisodeEvent]:
    """Facts, and what the ClickHouse sink would say of the same episodes."""
    stored = [
        replace(fact, kind=EventKind.STORED, manifest=None, manifest_sha256=None)
        for fact in facts
        if fact.kind is EventKind.SEALED
    ]
    return [*facts, *stored]


@dataclass(frozen=True)
class Copies:
    """What was put in: by column a value an episode, times and lengths.

    Attributes:
        told: episode, robot, maker, task, station, operator, verdict.
        t_first_ns, t_last_ns: [E].
    """

    told: Mapping[str, npt.NDArray[np.str_]]
    t_first_ns: npt.NDArray[np.int64]
    t_last_ns: npt.NDArray[np.int64]

    @property
    def hours(self) -> npt.NDArray[np.float64]:
        """[E]."""
        return (self.t_last_ns - self.t_first_ns) / 3.6e12


def fill_with_copies(
    client: Client, facts: Sequence[EpisodeEvent], count: int, start: int = 0
) -> Copies:
    """Put `count` more episodes in: one's facts under other names, of two weeks and 12 makers.

    Args:
        client: of the database.
        facts: what is told of one episode.
        count: of copies.
        start: number of the first; copies of a number have one name and one story.
    """
    table = _table(facts)
    number = np.arange(start, start + count)
    told = _stories(number, facts[0].session)
    # Every seventh robot has been idle since day eight.
    days = np.where(number % 301 % 7 == 0, 8 + number % 6, number % DAYS)
    closed = next((fact for fact in facts if fact.kind is EventKind.CLOSED), None)
    first_ns = ((closed.t_first_ns if closed else None) or 0) - days * DAY_NS
    last_ns = first_ns + (2 + number % 60) * 10**9
    each = np.repeat(np.arange(count), table.num_rows)
    copies = table.take(pa.array(np.tile(np.arange(table.num_rows), count)))
    for name in ("episode", "robot", "task", "station", "operator", "verdict"):
        copies = _set(copies, name, pa.array(told[name][each]))
    for name, values in (("t_first_ns", first_ns), ("t_last_ns", last_ns)):
        copies = _set(copies, name, pa.array(values[each]))
    client.insert_arrow("episode_events", copies)
    return Copies(told, first_ns, last_ns)


def _stories(number: npt.NDArray[np.int64], session: str) -> dict[str, npt.NDArray[np.str_]]:
    """What distinguishes copies, the same of the same number."""
    maker = np.char.add("maker", (number % 12).astype(str))
    return {
        "episode": np.char.add(f"{session}-9", np.char.zfill(number.astype(str), 9)),
        "maker": maker,
        "robot": np.char.add(np.char.add(maker, "/unit-"), (number % 301).astype(str)),
        "task": np.array(TASKS)[number * 7919 % 101 % len(TASKS)],
        "station": np.char.add("s-", (number * 31 % 97 % 40).astype(str)),
        "operator": np.char.add("op-", (number % 60).astype(str)),
        "verdict": np.array(VERDICTS)[number * 104_729 % 997 % len(VERDICTS)],
    }


def _table(facts: Sequence[EpisodeEvent]) -> pa.Table:
    place = Place("episodes", 0)
    return events_table([At(place, offset, fact) for offset, fact in enumerate(facts)])


def _set(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
