"""Metric names that processes serve and dashboards read (Prometheus)."""

from __future__ import annotations

WORKER_RECORDS = "kinebus_worker_records_total"
"""Raw records processed, by topic and outcome.

Outcomes: chunk, mark, tick, dead_letter, duplicate, covered (before the restored state).
"""

WORKER_FRAMES = "kinebus_worker_frames_total"
"""Frames made canonical, by vendor."""

WORKER_DELAY = "kinebus_worker_delay_seconds"
"""From a raw record's log time to its acknowledged outputs."""

WORKER_OLDEST = "kinebus_worker_oldest_seconds"
"""No raw record older than this is without its acknowledged outputs, by topic: its worst partition.

It grows while the worker stands still, with or without records in its hands, for a tick a second
comes in every partition; without load it lies between 0 and about a second.
"""

WORKER_ROBOTS = "kinebus_worker_robots"
"""Robots whose state a worker holds."""

WORKER_FOLD_RECORDS = "kinebus_worker_fold_records"
"""Records in one fold."""

WORKER_IN_FLIGHT = "kinebus_worker_sweeps_in_flight"
"""Polls whose outputs are not all acknowledged."""

WORKER_PAUSED = "kinebus_worker_paused"
"""1 while a vendor's partitions rest after too many refusals, by topic."""

WORKER_OFFSETS_SKIPPED = "kinebus_worker_offsets_skipped_total"
"""Offsets in record batches that could not be opened, by topic."""

SINK_RECORDS = "kinebus_sink_records_total"
"""Records a sink has put at rest, by sink and topic."""

SINK_FRAMES = "kinebus_sink_frames_total"
"""Frames a sink has put at rest, by sink."""

SINK_WRITE_SECONDS = "kinebus_sink_write_seconds"
"""Time of one insert or put, by sink."""

SINK_DELAY = "kinebus_sink_delay_seconds"
"""By sink: clickhouse, from a chunk's publishing to the insert that makes it queryable; lake, from
the log time of an episode's end to its manifest."""

SINK_LAG_SECONDS = "kinebus_sink_oldest_seconds"
"""Age of the oldest record a sink has not put at rest, by sink."""

SINK_WAITING = "kinebus_sink_waiting"
"""1 while a sink waits for its store or broker, by sink."""

SINK_DISK_FULL = "kinebus_sink_disk_full"
"""1 while a sink waits because its store, or its own disk, has no room left, by sink."""

SINK_OFFSETS_SKIPPED = "kinebus_sink_offsets_skipped_total"
"""Offsets the broker never gave, by sink and topic."""

SINK_FOREIGN = "kinebus_sink_foreign_records_total"
"""Records that are not of their topic's kind and were stepped over, by sink and topic."""

SINK_DUPLICATES = "kinebus_sink_duplicates_total"
"""Chunks that came again and were left out, by sink."""

TICKS = "kinebus_ticker_ticks_total"
"""Ticks the broker has acknowledged; each raw partition gets one a second."""

CLICKHOUSE_REQUESTS = "kinebus_clickhouse_requests_total"
"""Requests to the embedded ClickHouse, by kind (insert, read, other) and outcome (ok, error)."""

CLICKHOUSE_SECONDS = "kinebus_clickhouse_request_seconds"
"""How long the embedded ClickHouse took to answer, by kind."""

CLICKHOUSE_PARTS = "kinebus_clickhouse_parts"
"""Active parts of each table of the embedded ClickHouse; inserts slow down at 1,000 of one."""

PROCESS_RESTARTS = "kinebus_process_restarts_total"
"""Restarts by the supervisor, by process."""

AUDIT_RECORDS = "kinebus_audit_records_total"
"""Raw records judged by the running audit, by outcome."""

AUDIT_PROBLEMS = "kinebus_audit_problems"
"""What must not be and was found since the last full audit that was ok, by kind."""

AUDIT_AGE_SECONDS = "kinebus_audit_age_seconds"
"""Age of the oldest raw record that is not judged yet."""

AUDIT_IN_FLIGHT = "kinebus_audit_in_flight"
"""Raw records on their way when the running audit last looked."""

AUDIT_CPU_SECONDS = "kinebus_audit_cpu_seconds_total"
"""CPU that the running audit has used."""

ARCHIVE_RETENTION_USED = "kinebus_archive_retention_used"
"""Share of retention that is not archived, by raw topic, its worst partition; alert at 0.5."""

DASHBOARD_PAGES = "kinebus_dashboard_pages"
"""Pages of the live dashboard that are open."""

DASHBOARD_ROBOTS = "kinebus_dashboard_robots"
"""Robots the live dashboard holds, at most 2,000."""

DASHBOARD_SKIPS = "kinebus_dashboard_skips_total"
"""Times the live dashboard fell behind and went on at the log's end."""

DASHBOARD_UNREADABLE = "kinebus_dashboard_unreadable_total"
"""Records the live dashboard could not read, and left out."""
