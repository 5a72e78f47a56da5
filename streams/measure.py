"""What a stream worker tells Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas import metrics
from schemas.topics import vendor_of
from streams.checkpoint import Folded


class Standing(NamedTuple):
    """One raw topic in a worker: the log time before which all is out, and its robots."""

    delivered_ms: int | None
    robots: int


class StandingCollector(Collector):
    """Asks the worker how far it has come whenever Prometheus asks."""

    def __init__(self) -> None:
        self.standing: Callable[[], Mapping[str, Standing]] = dict

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Age and robots of each topic."""
        oldest = GaugeMetricFamily(
            metrics.WORKER_OLDEST, "No older record is without its outputs.", labels=["topic"]
        )
        robots = 0
        for topic, standing in self.standing().items():
            robots += standing.robots
            if standing.delivered_ms is not None:
                age_s = max(time.time() - standing.delivered_ms / 1000.0, 0.0)
                oldest.add_metric([topic], age_s)
        yield oldest
        yield GaugeMetricFamily(metrics.WORKER_ROBOTS, "Robots held.", value=robots)


class Measure:
    """The worker's metrics; names are those of `schemas.metrics`."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._records = Counter(
            metrics.WORKER_RECORDS, "Raw records processed.", ["topic", "outcome"]
        )
        self._frames = Counter(metrics.WORKER_FRAMES, "Frames made canonical.", ["vendor"])
        self._fold_records = Histogram(
            metrics.WORKER_FOLD_RECORDS, "Records in one fold.", buckets=(1, 3, 10, 30, 100, 300)
        )
        self._in_flight = Gauge(metrics.WORKER_IN_FLIGHT, "Polls not acknowledged.")
        self._delay = Histogram(
            metrics.WORKER_DELAY,
            "Raw record's log time to its acknowledged outputs.",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
        )
        self._paused = Gauge(
            metrics.WORKER_PAUSED, "1 while a vendor rests after too many refusals.", ["topic"]
        )
        self._skipped = Counter(
            metrics.WORKER_OFFSETS_SKIPPED, "Offsets in batches no client can open.", ["topic"]
        )
        self._standing = StandingCollector()
        REGISTRY.register(self._standing)
        if port:
            start_http_server(port, host)

    def watch(self, standing: Callable[[], Mapping[str, Standing]]) -> None:
        """Where to ask how far the worker has come."""
        self._standing.standing = standing

    def folded(self, topic: str, folded: Folded, in_flight: int) -> None:
        """A fold was processed."""
        for outcome, count in folded.counts.items():
            self._records.labels(topic, outcome).inc(count)
        if folded.frames:
            self._frames.labels(vendor_of(topic)).inc(folded.frames)
        self._fold_records.observe(sum(folded.counts.values()))
        self._in_flight.set(in_flight)

    def delivered(self, logged_ns: int, in_flight: int) -> None:
        """A fold's outputs are acknowledged; `logged_ns` is its last record's log time."""
        self._delay.observe(max(time.time_ns() - logged_ns, 0) * 1e-9)
        self._in_flight.set(in_flight)

    def paused(self, topic: str, *, now: bool) -> None:
        """A vendor's partitions rest, or no longer do."""
        self._paused.labels(topic).set(int(now))

    def skipped(self, topic: str, offsets: int) -> None:
        """A batch was stepped over."""
        self._skipped.labels(topic).inc(offsets)
