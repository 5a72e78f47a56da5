"""The whole way of the data, as data: who reads what, does what, and writes what."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.topics import (
    CANONICAL_FRAMES,
    DEAD_LETTER_PREFIX,
    EPISODE_LABELS,
    EPISODES,
    QUALITY_REPORTS,
    RAW_PREFIX,
    STREAMS_STATE,
)

RAW = RAW_PREFIX + "<vendor>"
DEAD_LETTERS = DEAD_LETTER_PREFIX + "<vendor>"


@dataclass(frozen=True)
class Edge:
    """One step: `module.function` turns records of `reads` into records of `writes`."""

    reads: str
    step: str
    does: str
    writes: tuple[str, ...]


TOPOLOGY: tuple[Edge, ...] = (
    Edge(RAW, "schemas.envelope.parse_envelope", "who sent it, and its place", (DEAD_LETTERS,)),
    Edge(RAW, "streams.order.place", "new, late, or a duplicate", ()),
    Edge(RAW, "streams.decode.decode_chunk", "vendor's bytes to SI arrays", (DEAD_LETTERS,)),
    Edge(RAW, "streams.canonicalise.move", "native joints onto the canonical body", ()),
    Edge(RAW, "streams.check.check_chunk", "flags and findings", (QUALITY_REPORTS,)),
    Edge(RAW, "streams.chunk.process_chunk", "the canonical chunk", (CANONICAL_FRAMES,)),
    Edge(RAW, "streams.track.apply_mark", "sessions and episodes", (CANONICAL_FRAMES, EPISODES)),
    Edge(RAW, "streams.verdict.judge", "the verdict on an episode", (EPISODES,)),
    Edge(RAW, "streams.process.process_fold", "all of the above, and state", (STREAMS_STATE,)),
    Edge(CANONICAL_FRAMES, "sinks.clickhouse", "rows in ClickHouse, then `stored`", (EPISODES,)),
    Edge(CANONICAL_FRAMES, "sinks.lake", "segments, manifest, then `sealed`", (EPISODES,)),
    Edge(EPISODE_LABELS, "sinks.clickhouse", "revisions of labels in ClickHouse", ()),
    Edge(QUALITY_REPORTS, "sinks.clickhouse", "findings in ClickHouse", ()),
    Edge(RAW, "sinks.archive", "raw records at rest, bit-exact", ()),
)
