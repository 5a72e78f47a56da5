"""Every defect that can be proved is found and named where it was put; nothing else claims it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from deploy.bench.quality import FOUND, NOT_PROVABLE, check_raw, detect
from producers.faults.inject import FAULTS, inject
from producers.faults.simulated import simulated_take
from producers.faults.take import RawTake
from schemas.defects import DEFECT, DEFECTS
from tests.make import vendor, vendors

# Blocks without commands' lack, and JSON in degrees; all vendors: `kinebus bench quality`.
ROBOTS = ("fourier", "pollen")
SECONDS = 48.0


@cache
def take(name: str) -> RawTake:
    return simulated_take(vendor(name), SECONDS)


@pytest.mark.parametrize("name", ROBOTS)
def test_a_clean_robot_has_no_finding_that_matters(name: str) -> None:
    result = check_raw(vendors(), take(name))
    assert [f for f in result.findings if f.severity != "info"] == []
    assert result.verdict.verdict == "accept"
    assert result.frames == take(name).frames


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.id)
def test_a_defect_is_found_and_named(defect, name) -> None:
    cell = detect(vendors(), vendor(name), take(name), defect)
    assert cell.result in (FOUND, NOT_PROVABLE), cell


def test_every_defect_can_be_injected() -> None:
    assert set(FAULTS) == set(DEFECT)


@pytest.mark.parametrize("name", sorted(vendors().names))
def test_a_take_goes_through_the_vendor_s_form_and_comes_back(name: str) -> None:
    raw = simulated_take(vendor(name), 4.0)
    position = raw.signal("position")
    assert position is not None
    moved = position + 0.125
    back = raw.with_signal("position", moved).signal("position")
    np.testing.assert_allclose(back, moved, atol=1e-6)
    assert raw.with_signal("position", position) is raw
    stamps = raw.stamp_ns
    if stamps is not None:
        later = raw.with_stamps(stamps + 10**9).stamp_ns
        np.testing.assert_allclose(later - stamps, 1e9, atol=1e5)


def test_what_is_not_there_is_said_in_words() -> None:
    with pytest.raises(KeyError, match="can be injected"):
        inject(take("fourier"), "bad_mood")
    with pytest.raises(ValueError, match="do not lie within"):
        inject(take("fourier"), "frozen", frames=(5, 10**6))
