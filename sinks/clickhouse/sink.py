"""The ClickHouse sink: blocks are inserted, episodes counted where they lie, then committed.

Why nothing is lost or doubled, wherever the process ends:

- before an insert is acknowledged, nothing of the block is committed: it is read again;
- after it, before the commit: the block is read and inserted again, cut elsewhere, and every row
  replaces its equal by the table's sorting key (the token only spares the work where the same
  block is sent twice);
- `stored` says how many frames ClickHouse itself counts with FINAL, behind the insert that held
  the episode's end and before the commit; sent twice it has the same key and, as long as nobody
  mends the episode, the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schemas.canonical import Boundary
from schemas.events import EpisodeEvent, EventKind
from sinks.announce import Announcer
from sinks.clickhouse.block import Block
from sinks.clickhouse.client import clickhouse_may_recover
from sinks.foreign import ForeignRecordError
from sinks.measure import DELAY_SECONDS, FRAMES, WRITE_SECONDS
from sinks.patience import Patience
from sinks.record import Place, Record

NAME = "clickhouse"
MAX_AGE_S = 1.0

_COUNT = """
SELECT robot, episode, processing_id, sum(frames)
FROM frames FINAL
WHERE robot IN {robots:Array(String)} AND session IN {sessions:Array(String)}
    AND episode IN {episodes:Array(String)}
GROUP BY robot, episode, processing_id
"""

Counts = Mapping[tuple[str, str, str], int]
"""Frames by robot, episode and processing."""


class ClickHouseSink:
    """Gathers records into a block and inserts it when it is full or a second old."""

    def __init__(self, client: Client, announcer: Announcer, patience: Patience) -> None:
        self._client = client
        self._announcer = announcer
        self._patience = patience
        self._block = Block()
        self._begun = 0.0
        self._at_rest: dict[Place, int] = {}

    def take(self, record: Record) -> None:
        """Add a record to the block; a full one is inserted at once."""
        if not self._block.spans:
            self._begun = time.monotonic()
        foreign = self._block.add(record)
        if self._block.is_full:
            self._flush()
        if foreign:
            raise ForeignRecordError(str(foreign))

    def settle(self, final: bool) -> Mapping[Place, int]:
        """Insert the block if it is due; what was inserted is at rest."""
        due = final or time.monotonic() - self._begun >= MAX_AGE_S
        if self._block.spans and due:
            self._flush()
        return self._at_rest

    def oldest_ms(self) -> int | None:
        """When the block's oldest record was appended."""
        return self._block.oldest_ms

    def reset(self) -> None:
        """Drop the block."""
        self._block = Block()
        self._at_rest = {}

    def _flush(self) -> None:
        block = self._block
        token = block.token()
        for name, table in block.tables().items():
            self._insert(name, table, token)
        self._tell_delay(block)
        ended = block.ended_episodes()
        if ended:
            counts = self._count([boundary for _, boundary in ended])
            self._announcer.send(
                [(partition, stored(boundary, counts)) for partition, boundary in ended]
            )
        self._at_rest |= {place: after for place, (_, after) in block.spans.items()}
        FRAMES.labels(NAME).inc(block.frames)
        self._block = Block()

    def _tell_delay(self, block: Block) -> None:
        now_s = time.time()
        delay = DELAY_SECONDS.labels(NAME)
        for chunk in block.chunks:
            delay.observe(max(now_s - chunk.published_ns * 1e-9, 0.0))

    def _insert(self, name: str, table: pa.Table, token: str) -> None:
        # Replacing rows is the merges' and FINAL's work; a block holds each chunk once anyway.
        settings = {"insert_deduplication_token": f"{name}-{token}", "optimize_on_insert": 0}
        with WRITE_SECONDS.labels(NAME).time():
            self._patience.attempt(
                f"ClickHouse, {table.num_rows} rows of {name}",
                lambda: self._client.insert_arrow(name, table, settings=settings),
                clickhouse_may_recover,
            )

    def _count(self, ended: list[Boundary]) -> Counts:
        parameters = {
            "robots": sorted({b.robot for b in ended}),
            "sessions": sorted({b.session for b in ended}),
            "episodes": sorted({b.episode or "" for b in ended}),
        }
        result = self._patience.attempt(
            "ClickHouse, counting episodes",
            lambda: self._client.query(_COUNT, parameters=parameters),
            clickhouse_may_recover,
        )
        return {(str(r), str(e), str(p)): int(n) for r, e, p, n in result.result_rows}


def stored(boundary: Boundary, counts: Counts) -> EpisodeEvent:
    """What ClickHouse holds of an episode that has ended."""
    episode = boundary.episode or ""
    return EpisodeEvent(
        episode=episode,
        processing_id=boundary.processing_id,
        kind=EventKind.STORED,
        robot=boundary.robot,
        session=boundary.session,
        log_ms=boundary.log_ms,
        frames=counts.get((boundary.robot, episode, boundary.processing_id), 0),
    )
