"""The metrics all sinks serve, by the sink's name."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from schemas.metrics import (
    SINK_DELAY,
    SINK_DISK_FULL,
    SINK_DUPLICATES,
    SINK_FOREIGN,
    SINK_FRAMES,
    SINK_LAG_SECONDS,
    SINK_OFFSETS_SKIPPED,
    SINK_RECORDS,
    SINK_WAITING,
    SINK_WRITE_SECONDS,
)

RECORDS = Counter(SINK_RECORDS, "Records put at rest", ["sink", "topic"])
FRAMES = Counter(SINK_FRAMES, "Frames put at rest", ["sink"])
WRITE_SECONDS = Histogram(SINK_WRITE_SECONDS, "Time of one insert or put", ["sink"])
DELAY_SECONDS = Histogram(
    SINK_DELAY,
    "From a chunk's publishing, or an episode's end, to rest",
    ["sink"],
    buckets=(0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 5, 7.5, 10, 20, 60, 300),
)
OLDEST_SECONDS = Gauge(SINK_LAG_SECONDS, "Age of the oldest record not at rest", ["sink"])
WAITING = Gauge(SINK_WAITING, "1 while a sink waits for its store or broker", ["sink"])
DISK_FULL = Gauge(SINK_DISK_FULL, "1 while a sink waits for room in its store", ["sink"])
SKIPPED = Counter(SINK_OFFSETS_SKIPPED, "Offsets the broker never gave", ["sink", "topic"])
FOREIGN = Counter(SINK_FOREIGN, "Records not of their topic's kind", ["sink", "topic"])
DUPLICATES = Counter(SINK_DUPLICATES, "Chunks that came again and were left out", ["sink"])
