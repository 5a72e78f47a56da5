"""ClickHouse as far as its sink goes: sorting keys from the migrations, tokens, FINAL."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from types import SimpleNamespace
from typing import Any

from sinks.clickhouse.migrate import migrations

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_ENGINE = re.compile(r"ENGINE = ReplacingMergeTree(?:\((\w+)\))?\s+ORDER BY \(([^)]*)\)")


@cache
def sorting_keys() -> dict[str, tuple[tuple[str, ...], str | None]]:
    """Sorting key and version of every table, as the migrations say."""
    keys = {}
    for migration in migrations():
        for statement in migration.statements:
            table, engine = _TABLE.search(statement), _ENGINE.search(statement)
            if table and engine:
                columns = tuple(part.strip() for part in engine[2].split(","))
                keys[table[1]] = (columns, engine[1])
    return keys


KEPT = {
    "frames": ("robot", "session", "sequence", "processing_id", "episode", "frames",
               "first_frame", "source_topic", "source_partition", "source_offset"),
    "episode_events": ("episode", "processing_id", "kind", "robot", "session", "frames", "missing",
                       "cause", "event_offset", "manifest"),
    "dead_letters": ("source_topic", "source_partition", "source_offset", "attempt", "outcome",
                     "letter_offset"),
}  # fmt: skip


class Tables:
    """Rows by sorting key; of two of one key the later, or the one of the higher version."""

    def __init__(self, outside: Any) -> None:
        self._outside = outside
        self._tokens: set[str] = set()
        self.rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = defaultdict(dict)

    def insert_arrow(self, name: str, table: Any, settings: Any) -> None:
        self._outside.step()
        token = settings["insert_deduplication_token"]
        if token not in self._tokens and name in KEPT:
            self._tokens.add(token)
            self._replace(name, table)
        self._outside.step()

    def _replace(self, name: str, table: Any) -> None:
        columns, version = sorting_keys()[name]
        names = [n for n in dict.fromkeys((*KEPT[name], *columns)) if n in table.column_names]
        values = [table[n].to_pylist() for n in names]
        held = self.rows[name]
        for row in zip(*values, strict=True):
            told = dict(zip(names, row, strict=True))
            key = tuple(told[column] for column in columns)
            known = held.get(key)
            if known is None or rank(told, version) >= rank(known, version):
                held[key] = told

    def query(self, _query: str, parameters: Any) -> Any:
        counts: dict[tuple[str, str, str], int] = defaultdict(int)
        wanted = set(parameters["episodes"])
        for row in self.rows["frames"].values():
            if row["episode"] in wanted:
                counts[row["robot"], row["episode"], row["processing_id"]] += row["frames"]

        return SimpleNamespace(result_rows=[(*key, n) for key, n in counts.items()])


def rank(row: dict[str, Any], version: str | None) -> int:
    """Of two rows of one key the higher one is kept, of equal ones the later."""
    if version is None:
        return 0
    return -int(row["source_offset"]) if version == "precedence" else int(row[version])
