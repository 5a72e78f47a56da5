"""Quantiles of histograms over a window, as the pipeline's benchmark reads them."""

from __future__ import annotations

import math
import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, start_http_server

from deploy.bench.histogram import quantile, read_buckets
from deploy.ports import free_port

BOUNDS = (0.1, 0.2, 0.5, 1.0, 2.0)


def test_only_what_came_in_between_counts() -> None:
    registry, port = CollectorRegistry(), free_port()
    told = Histogram("told_seconds", "Told.", ["sink"], registry=registry, buckets=BOUNDS)
    server, thread = start_http_server(port, "127.0.0.1", registry)
    try:
        assert read_buckets(port, "told_seconds") == {}
        for _ in range(50):
            told.labels("old").observe(1.9)
        before = read_buckets(port, "told_seconds")
        rng = random.Random(7)
        values = sorted(rng.uniform(0.0, 1.0) for _ in range(4_000))
        for number, value in enumerate(values):
            told.labels(f"sink-{number % 2}").observe(value)
        after = read_buckets(port, "told_seconds")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert quantile(before, after, 0.5) == pytest.approx(values[2_000], abs=0.02)
    assert quantile(before, after, 0.99) == pytest.approx(values[3_960], abs=0.02)
    assert quantile({}, after, 0.999) > 1.0
    assert math.isnan(quantile(after, after, 0.5))


def test_what_lies_beyond_the_last_bound_is_said_to_be_there() -> None:
    assert quantile({}, {1.0: 0.0, 2.0: 1.0, math.inf: 100.0}, 0.99) == 2.0
