"""Laws of the quantiles: those of all numbers at once, however they come in episodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.datasets.quantiles import (
    QUANTILES,
    FloatQuantiles,
    Quantiles,
    RunQuantiles,
    WholeQuantiles,
)
from sinks.datasets.stats import Pool, episode_stats


def told(quantiles: Quantiles, parts: list[np.ndarray], valid: list | None = None) -> dict:
    masks = valid or [None] * len(parts)
    for part, mask in zip(parts, masks, strict=True):
        quantiles.count(part, mask)
    for part, mask in zip(parts, masks, strict=True):
        quantiles.refine(part, mask)
    return quantiles.values()


NUMBERS = st.one_of(
    st.floats(-1e6, 1e6, width=32),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, float(np.float32(1e-30)), 3.0]),
)


@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=40), min_size=1, max_size=5))
def test_floats_are_right_to_a_millionth(parts) -> None:
    planes = [np.array([part, part[::-1]], np.float32) for part in parts]
    found = told(FloatQuantiles(2), planes)
    everything = np.concatenate(planes, axis=1).astype(np.float64)
    for name, q in QUANTILES.items():
        exact = np.quantile(everything, q, axis=1)
        # Between two numbers of opposite sign the quantile may be far smaller than both.
        size = np.abs(everything).max(axis=1)
        np.testing.assert_allclose(found[name], exact, atol=2e-6 * size.max() + 1e-37)


def test_what_does_not_count_is_not_counted() -> None:
    rng = np.random.default_rng(0)
    planes = [rng.normal(size=(3, n)).astype(np.float32) for n in (50, 7)]
    valid = [rng.random(part.shape) < 0.5 for part in planes]
    for mask in valid:
        mask[2] = False
    found = told(FloatQuantiles(3), planes, valid)
    parts = [episode_stats(*pair) for pair in zip(planes, valid, strict=True)]
    pool = Pool(3)
    for part in parts:
        pool.add(part)
    stats = pool.stats(found)
    for component in range(2):
        held = np.concatenate([p[component][v[component]]
                               for p, v in zip(planes, valid, strict=True)])  # fmt: skip
        held = held.astype(np.float64)
        assert stats.counts[component] == len(held)
        assert stats.mean[component] == pytest.approx(held.mean())
        assert stats.std[component] == pytest.approx(held.std())
        assert stats.min[component] == held.min()
        assert stats.max[component] == held.max()
        for name, q in QUANTILES.items():
            assert stats.quantiles[name][component] == pytest.approx(np.quantile(held, q), rel=2e-6)
    assert [stats.min[2], stats.max[2], stats.mean[2], stats.std[2], stats.quantiles["q50"][2]] == [
        0.0
    ] * 5


@given(st.lists(st.lists(st.integers(-5, 90), min_size=1, max_size=30), min_size=1, max_size=4))
def test_whole_numbers_are_exact(parts) -> None:
    found = told(WholeQuantiles(), [np.array([part], np.int64) for part in parts])
    for name, q in QUANTILES.items():
        assert found[name][0] == pytest.approx(np.quantile(np.concatenate(parts), q))


def test_a_run_is_known_by_its_ends() -> None:
    found = told(RunQuantiles(), [np.arange(7, 20)[None], np.arange(20, 33)[None]])
    for name, q in QUANTILES.items():
        assert found[name][0] == pytest.approx(np.quantile(np.arange(7, 33), q))


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=60))
def test_an_episodes_own_statistics_are_numpys(values) -> None:
    plane = np.array([values], np.float32)
    stats = episode_stats(plane)
    held = plane[0].astype(np.float64)
    assert stats.mean[0] == pytest.approx(held.mean(), abs=1e-9)
    assert stats.std[0] == pytest.approx(held.std(), abs=1e-9)
    for name, q in QUANTILES.items():
        assert stats.quantiles[name][0] == pytest.approx(np.quantile(held, q), abs=1e-9)
