"""What takes seconds to prove: clocks, and an orientation read in the wrong order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.bench.quality import check_raw
from deploy.quality import check_take
from producers.faults.inject import inject
from producers.faults.simulated import STARTED_NS, simulated_take
from producers.fleet.made_vendors import write_robots
from schemas.vendors import load_vendors
from tests.make import vendor, vendors

MINUTES = 10
JITTER_S = 0.01


def test_a_clock_s_drift_is_found_within_one_percent() -> None:
    """100 ppm over 600 s, each message sent up to 10 ms late."""
    ppm = 100.0
    robot = vendor("fourier")
    take = simulated_take(robot, 60.0 * MINUTES)
    rng = np.random.default_rng(7)
    stamps = take.stamp_ns
    drifted = take.with_stamps(stamps + np.rint((stamps - stamps[0]) * ppm * 1e-6).astype(int))
    size = 2
    last = stamps[size - 1 :: size] - stamps[0] + STARTED_NS
    sent = (last + rng.uniform(0.0, JITTER_S, len(last)) * 1e9).astype(np.int64)
    result = check_take(
        vendors(), robot, drifted.chunks(size), robot="fourier/a", published_ns=sent.tolist()
    )
    found = [f for f in result.findings if f.check == "clock_drift"]
    evidence = result.verdict.timing
    assert found
    assert evidence["drift_ppm"] == pytest.approx(ppm, rel=0.01)
    assert evidence["drift_ci_ppm"] < 0.01 * abs(ppm)


def test_a_clock_that_is_right_or_unknown_is_not_blamed() -> None:
    take = simulated_take(vendor("kscale"), 80.0)
    stamps = take.stamp_ns[1::2]
    args = (vendors(), vendor("kscale"))
    live = check_take(*args, take.chunks(2), robot="kscale/a", published_ns=stamps.tolist())
    offline = check_take(*args, take.chunks(2), robot="kscale/a")
    for result in (live, offline):
        assert not {f.check for f in result.findings} & {"clock_drift", "clock_offset"}
    assert "drift_ppm" in live.verdict.timing
    assert "drift_ppm" not in offline.verdict.timing
    assert offline.answers["clock_drift"] == "not_applicable"


def test_an_orientation_in_the_wrong_order_stands_on_its_head(tmp_path: Path) -> None:
    (name,) = write_robots(tmp_path, ["unitree_h1"], 50.0)
    path = tmp_path / f"{name}.toml"
    path.write_text(path.read_text().replace('order = "wxyz"', 'order = "xyzw"'))
    known = load_vendors(tmp_path)
    take = simulated_take(known.newest(name), 24.0)
    assert not [f for f in check_raw(known, take).findings if f.severity == "error"]
    struck = inject(take, "wrong_quaternion_order")
    found = [
        f for f in check_raw(known, struck.take).findings if f.check == "wrong_quaternion_order"
    ]
    assert found
    assert found[0].first_frame >= struck.frames[0]


def test_a_foot_that_slides_is_told_from_one_that_walks() -> None:
    """The base moves on at 0.6 m/s for two seconds; the legs know nothing of it."""
    take = simulated_take(vendor("iit"), 24.0)
    assert "foot_skate" not in {f.check for f in check_raw(vendors(), take).findings}
    struck = inject(take, "sliding")
    found = [f for f in check_raw(vendors(), struck.take).findings if f.check == "foot_skate"]
    assert {f.channel for f in found} <= {"left_foot", "right_foot"}
    covered = {frame for f in found for frame in range(f.first_frame, f.last_frame)}
    assert len(covered & set(struck.frames.tolist())) >= 0.85 * len(struck.frames)
    assert max(f.value for f in found) == pytest.approx(0.6, abs=0.1)


def test_a_base_that_jumps_slides_no_foot() -> None:
    """An estimator that starts anew half a metre away."""
    take = simulated_take(vendor("iit"), 12.0)
    source = take.vendor.profile.base.position
    places = take.field(source)
    places[600:, 1] += 0.5
    found = check_raw(vendors(), take.with_field(source, places)).findings
    assert "foot_skate" not in {f.check for f in found}
