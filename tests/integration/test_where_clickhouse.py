"""A condition says the same of a row in ClickHouse and of one on a stream."""

from __future__ import annotations

import random

from sinks.clickhouse.client import connect
from sinks.where.match import meets
from sinks.where.read import read_where
from sinks.where.sql import parse_where

ROW = {"robot": "pollen/r2", "vendor": "pollen", "task": "fold 50% of it_", "operator": None,
       "success": True, "score": 0.5, "frames": 12}  # fmt: skip
TABLE = (
    "SELECT 'pollen/r2' AS robot, toNullable('fold 50% of it_') AS task, "
    "CAST(NULL AS Nullable(String)) AS operator, toNullable(true) AS success, "
    "toNullable(0.5) AS score, toNullable(toInt64(12)) AS frames"
)
PREDICATES = (
    "vendor = 'pollen'", "robot like '%/r_'", "task like 'fold 50\\% of it\\_'", "success",
    "task like 'fold%'", "task not like '%it'", "operator = 'op'", "operator is null", "score < 1",
    "operator in ('a', 'b')", "task in ('x')", "frames between 3 and 12",
    "frames not between 3 and 4", "operator not like '%'", "score >= 0.5", "task is not null",
    "success = false", "frames != 12",
)  # fmt: skip


def test_the_same_of_a_row_in_a_table_and_on_a_stream(clickhouse: str) -> None:
    rng = random.Random(1)
    client = connect(clickhouse, None)

    def made(depth: int) -> str:
        if depth == 0 or rng.random() < 0.3:
            return rng.choice(PREDICATES)
        if rng.random() < 0.3:
            return f"not ({made(depth - 1)})"
        word = rng.choice((" and ", " or "))
        return f"({made(depth - 1)}{word}{made(depth - 1)})"

    conditions = [*PREDICATES, *(made(3) for _ in range(60))]
    for text in conditions:
        found = parse_where(text)
        rows = client.query(
            f"SELECT 1 FROM ({TABLE}) WHERE {found.sql}", parameters=dict(found.parameters)
        ).result_rows
        assert bool(rows) is meets(read_where(text), ROW), text
    client.close()
