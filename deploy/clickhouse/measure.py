"""What the embedded ClickHouse tells Prometheus, on its own port under /metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from deploy.clickhouse.engine import Engine
from deploy.clickhouse.statement import Options
from schemas.metrics import CLICKHOUSE_PARTS, CLICKHOUSE_REQUESTS, CLICKHOUSE_SECONDS

PATH = "/metrics"
_PARTS = """
SELECT table, count() AS parts FROM system.parts
WHERE active AND database NOT IN ('system', 'INFORMATION_SCHEMA') GROUP BY table
"""


class PartsCollector(Collector):
    """Counts the parts of each table whenever it is asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One sample a table."""
        family = GaugeMetricFamily(CLICKHOUSE_PARTS, "Active parts.", labels=["table"])
        outcome = self._engine.run(_PARTS, Options(format="JSONEachRow"), read_only=True)
        body = outcome.body if isinstance(outcome.body, bytes) else outcome.body.read()
        for line in body.splitlines():
            row = json.loads(line)
            family.add_metric([row["table"]], int(row["parts"]))
        yield family


class ServerMeasure:
    """Requests by kind and outcome, their time, and the parts of each table."""

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            CLICKHOUSE_REQUESTS, "Requests.", ["kind", "outcome"], registry=self._registry
        )
        self._seconds = Histogram(
            CLICKHOUSE_SECONDS,
            "Time of a request.",
            ["kind"],
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60),
            registry=self._registry,
        )
        self._registry.register(PartsCollector(engine))

    def answered(self, kind: str, outcome: str, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(kind, outcome).inc()
        self._seconds.labels(kind).observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
