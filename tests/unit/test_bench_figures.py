"""The benchmarks' own arithmetic: quantiles over a window, loads, the step that runners share."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from prometheus_client import CollectorRegistry, Histogram, start_http_server

from deploy.bench.growth import VALUES, Axis, load_at
from deploy.bench.histogram import quantile, read_buckets
from deploy.bench.plot import plot_growth
from deploy.bench.rest import raw_records, simulated
from deploy.bench.step_programs.work import FULL, TRIVIAL, Asked, Work
from deploy.ports import free_port
from producers.fleet.bench_vendors import write_bench_vendors
from schemas.topics import CANONICAL_FRAMES
from schemas.vendors import load_vendors

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


@pytest.mark.parametrize("axis", list(Axis))
def test_a_point_of_growth_is_a_load_of_that_size(axis: Axis) -> None:
    loads = [load_at(axis, value, 20.0) for value in VALUES[axis]]
    field = {Axis.ROBOTS: "robots", Axis.JOINTS: "channels", Axis.WORKERS: "workers"}.get(axis)
    told = [load.frames_per_second / load.robots if field is None else getattr(load, field)
            for load in loads]  # fmt: skip
    assert told == list(VALUES[axis])
    for load in loads:
        rate_hz = load.frames_per_second / load.robots
        assert load.chunk_frames == min(64, round(rate_hz / 10))


def test_both_steps_give_an_output_a_chunk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vendors = write_bench_vendors(tmp_path, vendors=1, rate_hz=250.0)
    monkeypatch.setenv("KINEBUS_PROFILES", str(tmp_path))
    monkeypatch.setenv("KINEBUS_VENDORS", ",".join(vendors))
    monkeypatch.setenv("KINEBUS_PARTITIONS", "1")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "nowhere:1")
    raw = list(raw_records(simulated(load_vendors(tmp_path), 250)))
    mark = replace(raw[0], value=b"{}", headers=[("kind", b"mark"), ("frames", b"0")])
    for step in (FULL, TRIVIAL):
        work = Work(Asked(step, "earliest", 10**9, 10**9, "group"))
        topics = Counter(output.topic for output in work([*raw, mark]) if output.value)
        assert topics[CANONICAL_FRAMES] >= len(raw) == 10
        letters = sum(n for topic, n in topics.items() if topic.startswith("dead-letter"))
        assert letters == (1 if step == FULL else 0), "the made mark has no envelope"


def test_a_bar_is_as_tall_as_its_parts(tmp_path: Path) -> None:
    file = tmp_path / "growth.svg"
    processes = [{"worker-0": 0.5, "kafka": 0.25}, {"worker-0": 1.0, "kafka": 0.5, "a < b": 0.5}]
    points = {
        str(number): {"processes": {name: {"cores": cores} for name, cores in told.items()}}
        for number, told in zip((10, 20), processes, strict=True)
    }
    plot_growth({"axis": "robots", "points": points}, file)
    drawn = ElementTree.fromstring(file.read_text())
    boxes = [box for box in drawn.iter("{http://www.w3.org/2000/svg}rect") if len(box)]
    tall = {box[0].text: float(box.get("height", "0")) for box in boxes}
    assert tall["worker-0 1"] == pytest.approx(2 * tall["worker-0 0.5"], rel=0.01)
    assert tall["a < b 0.5"] == pytest.approx(tall["kafka 0.5"])
    assert sum(tall[name] for name in ("worker-0 1", "kafka 0.5", "a < b 0.5")) == pytest.approx(
        270, abs=0.5
    )
