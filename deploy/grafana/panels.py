"""What the dashboards show, as data: every panel with its question to Prometheus or ClickHouse."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import metrics as m


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, in Grafana's unit, and its question.

    Attributes:
        title: what it shows.
        tells: what to look for.
        unit: Grafana's name of the unit.
        query: PromQL, or SQL of ClickHouse.
        legend: of each series, in Prometheus' labels; of no use to a table.
    """

    title: str
    tells: str
    unit: str
    query: str
    legend: str = ""


@dataclass(frozen=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


def _p99(histogram: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile(0.99, sum by ({labels}) (rate({histogram}_bucket[1m])))"


FLOW = (
    Row("Flow", (
        Panel("Frames made canonical", "each vendor's robots that work", "suffix:frames/s",
              f"sum by (vendor) (rate({m.WORKER_FRAMES}[1m]))", "{{vendor}}"),
        Panel("Frames at rest", "both lines follow the frames made", "suffix:frames/s",
              f"sum by (sink) (rate({m.SINK_FRAMES}[1m]))", "{{sink}}"),
        Panel("Raw records by outcome", "dead letters and duplicates stand out", "suffix:records/s",
              f"sum by (outcome) (rate({m.WORKER_RECORDS}[1m]))", "{{outcome}}"),
        Panel("Records put at rest", "what each sink took from each topic", "suffix:records/s",
              f"sum by (sink, topic) (rate({m.SINK_RECORDS}[1m]))", "{{sink}} {{topic}}"),
    )),
    Row("Delay", (
        Panel("Nothing older waits for the worker", "a second when all is well; it grows while a"
              " worker stands still", "s",
              f"max by (topic) ({m.WORKER_OLDEST})", "{{topic}}"),
        Panel("Log to canonical, p99", "0.1 s at half load", "s", _p99(m.WORKER_DELAY), "p99"),
        Panel("Oldest record not at rest", "the lake's is as old as its oldest open segment", "s",
              f"max by (sink) ({m.SINK_LAG_SECONDS})", "{{sink}}"),
        Panel("Published to queryable, ended to sealed, p99", "2 s and 5 s", "s",
              _p99(m.SINK_DELAY, "sink"), "{{sink}}"),
        Panel("One insert or put, p99", "the store is slow, or the disk", "s",
              _p99(m.SINK_WRITE_SECONDS, "sink"), "{{sink}}"),
    )),
    Row("Worker", (
        Panel("Records in a fold, p99", "bulk when it catches up", "short",
              _p99(m.WORKER_FOLD_RECORDS), "p99"),
        Panel("Polls in flight", "16 is the most: the broker is slow to acknowledge", "short",
              f"max by (process) ({m.WORKER_IN_FLIGHT})", "{{process}}"),
        Panel("Robots", "whose state a worker holds", "short",
              f"sum by (process) ({m.WORKER_ROBOTS})", "{{process}}"),
        Panel("Vendors that rest", "too many of their records were refused", "short",
              f"max by (topic) ({m.WORKER_PAUSED})", "{{topic}}"),
    )),
    Row("Nothing lost", (
        Panel("Audit: what must not be", "zero", "short",
              f"sum by (kind) ({m.AUDIT_PROBLEMS})", "{{kind}}"),
        Panel("Audit: age of what is not judged", "it catches up after the load", "s",
              m.AUDIT_AGE_SECONDS, "age"),
        Panel("Audit: records judged", "by what became of them", "suffix:records/s",
              f"sum by (outcome) (rate({m.AUDIT_RECORDS}[5m]))", "{{outcome}}"),
        Panel("Audit: records on their way", "when it last looked", "short",
              m.AUDIT_IN_FLIGHT, "records"),
        Panel("Retention not archived", "alert at 0.5", "percentunit",
              f"max by (topic) ({m.ARCHIVE_RETENTION_USED})", "{{topic}}"),
        Panel("Offsets stepped over", "zero: batches that no client can open", "short",
              f"sum by (topic) (increase({m.WORKER_OFFSETS_SKIPPED}[10m]))"
              f" or sum by (sink, topic) (increase({m.SINK_OFFSETS_SKIPPED}[10m]))",
              "{{sink}} {{topic}}"),
        Panel("Records of another kind", "zero: somebody else writes to our topics", "short",
              f"sum by (sink, topic) (increase({m.SINK_FOREIGN}[10m]))", "{{sink}} {{topic}}"),
        Panel("Chunks that came again", "after a restart, never twice at rest",
              "suffix:chunks/s",
              f"sum by (sink) (rate({m.SINK_DUPLICATES}[1m]))", "{{sink}}"),
        Panel("Sinks that wait", "for their store or the broker; 2 = no room", "short",
              f"max by (sink) ({m.SINK_WAITING}) + max by (sink) ({m.SINK_DISK_FULL})", "{{sink}}"),
    )),
    Row("Processes", (
        Panel("CPU", "cores", "short",
              "sum by (process) (rate(process_cpu_seconds_total[1m]))", "{{process}}"),
        Panel("Memory", "resident", "bytes",
              "max by (process) (process_resident_memory_bytes)", "{{process}}"),
        Panel("Restarts", "by the supervisor", "short",
              f"sum by (exported_process) (increase({m.PROCESS_RESTARTS}[10m]))",
              "{{exported_process}}"),
        Panel("CPU of the audit", "5 % of a core at most", "percentunit",
              f"rate({m.AUDIT_CPU_SECONDS}[5m])", "audit"),
        Panel("Ticks", "a second, times the raw partitions", "suffix:ticks/s",
              f"rate({m.TICKS}[30s])", "ticks"),
        Panel("ClickHouse: requests", "by kind and outcome", "reqps",
              f"sum by (kind, outcome) (rate({m.CLICKHOUSE_REQUESTS}[1m]))",
              "{{kind}} {{outcome}}"),
        Panel("ClickHouse: a request, p99", "by kind", "s",
              _p99(m.CLICKHOUSE_SECONDS, "kind"), "{{kind}}"),
        Panel("Live dashboard: pages", "that somebody looks at", "short",
              f"sum({m.DASHBOARD_PAGES})", "pages"),
        Panel("Live dashboard: robots", "that it holds, of 2,000 at most", "short",
              f"sum({m.DASHBOARD_ROBOTS})", "robots"),
        Panel("Live dashboard: left out", "zero: it fell behind, or could not read", "short",
              f"sum(increase({m.DASHBOARD_SKIPS}[10m]) + increase({m.DASHBOARD_UNREADABLE}[10m]))",
              "times"),
        Panel("ClickHouse: parts", "merges keep them in the tens", "short",
              f"max by (table) ({m.CLICKHOUSE_PARTS})", "{{table}}"),
    )),
)  # fmt: skip
"""For whoever is on call: asked of Prometheus."""

_OPENED = "fromUnixTimestamp64Milli(opened_ms) BETWEEN $__fromTime AND $__toTime"
_LOGGED = "fromUnixTimestamp64Milli(log_ms) BETWEEN $__fromTime AND $__toTime"
_MAKER = "splitByChar('/', robot)[1]"

EPISODES = (
    Row("Episodes", (
        Panel("Episodes by state", "what is not complete, and why", "short",
              f"SELECT {_MAKER} AS maker, state, count() AS episodes FROM episode_states"
              f" WHERE {_OPENED} GROUP BY maker, state ORDER BY maker, state"),
        Panel("Complete episodes an hour", "the day's work", "short",
              "SELECT toStartOfHour(fromUnixTimestamp64Milli(assumeNotNull(closed_ms))) AS time,"
              f" count() AS episodes FROM episodes WHERE {_OPENED} GROUP BY time ORDER BY time"),
        Panel("Verdicts by task", "tasks that go wrong", "short",
              "SELECT task, verdict, count() AS episodes, avg(score) AS score FROM episodes"
              f" WHERE {_OPENED} GROUP BY task, verdict ORDER BY episodes DESC"),
        Panel("Hours of frames by robot", "who worked", "short",
              "SELECT robot, sum(t_last_ns - t_first_ns) / 3.6e12 AS hours, sum(frames) AS frames"
              f" FROM episodes WHERE {_OPENED} GROUP BY robot ORDER BY hours DESC LIMIT 100"),
    )),
    Row("Quality", (
        Panel("Findings by check", "what the checks find most", "short",
              "SELECT check, severity, count() AS findings, uniqExact(robot) AS robots"
              f" FROM findings FINAL WHERE {_LOGGED} GROUP BY check, severity"
              " ORDER BY findings DESC"),
        Panel("Joints with findings", "a robot to look at", "short",
              "SELECT robot, channel, check, count() AS findings FROM findings FINAL"
              f" WHERE {_LOGGED} AND channel != '' GROUP BY robot, channel, check"
              " ORDER BY findings DESC LIMIT 100"),
        Panel("Refused records", "by vendor and reason; what was redriven counts by its outcome",
              "short",
              "SELECT source_topic, reason, outcome, count() AS records FROM dead_letters FINAL"
              f" WHERE {_LOGGED} GROUP BY source_topic, reason, outcome ORDER BY records DESC"),
        Panel("Bytes at rest", "native signals and what is derived", "bytes",
              "SELECT table, sum(data_compressed_bytes) AS bytes,"
              " sum(data_uncompressed_bytes) AS raw, sum(rows) AS chunks"
              " FROM system.parts WHERE active AND database = currentDatabase()"
              " GROUP BY table ORDER BY bytes DESC"),
    )),
)  # fmt: skip
"""For whoever looks at the takes: asked of ClickHouse."""
