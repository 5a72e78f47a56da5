"""Quantiles of a Prometheus histogram over a window, from what a process tells before and after."""

from __future__ import annotations

import math
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Buckets = Mapping[float, float]
"""Observations at or below each bound, summed over all other labels."""


def read_buckets(port: int, histogram: str) -> Buckets:
    """A histogram of the process that answers on a loopback port; empty where it has none."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found: dict[float, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{histogram}_bucket":
                bound = float(sample.labels["le"])
                found[bound] = found.get(bound, 0.0) + sample.value
    return found


def quantile(before: Buckets, after: Buckets, share: float) -> float:
    """The value below which a share of the observations between two readings lies.

    Taken as even within a bucket, as Prometheus does; NaN without an observation, and the last
    finite bound where it lies beyond that.
    """
    bounds = sorted(after)
    counts = [after[bound] - before.get(bound, 0.0) for bound in bounds]
    if not counts or not counts[-1]:
        return math.nan
    wanted, lower, seen = share * counts[-1], 0.0, 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if count >= wanted:
            if math.isinf(bound):
                return lower
            inside = count - seen
            return bound if not inside else lower + (bound - lower) * (wanted - seen) / inside
        lower, seen = bound, count
    return lower
