"""Laws of the time grid: exact where a frame stands, between its neighbours elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.datasets.grid import (
    NS,
    GapError,
    angular,
    in_force,
    lay_grid,
    linear,
    next_state,
    rotations,
)

FAR = 10 * NS


@st.composite
def frames(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Rising times, and two signals at them."""
    steps = draw(st.lists(st.integers(1_000_000, 200_000_000), min_size=1, max_size=40))
    t_ns = 1_700_000_000_000_000_000 + np.concatenate([[0], np.cumsum(steps)])
    seed = draw(st.integers(0, 1 << 16))
    return t_ns, np.random.default_rng(seed).normal(size=(2, len(t_ns))).astype(np.float32)


@given(frames(), st.integers(1, 200))
def test_steps_are_even_and_inside_the_episode(motion, fps) -> None:
    t_ns, _ = motion
    grid = lay_grid(t_ns, fps, FAR)
    assert grid.step_ns[0] == t_ns[0]
    assert grid.step_ns[-1] <= t_ns[-1] < grid.step_ns[-1] + NS / fps + 2
    assert np.abs(grid.step_ns - t_ns[0] - np.arange(grid.steps) * NS / fps).max() <= 1


@given(frames(), st.integers(1, 200))
def test_values_are_exact_at_frames_and_between_their_neighbours_elsewhere(motion, fps) -> None:
    t_ns, values = motion
    grid = lay_grid(t_ns, fps, FAR)
    found = linear(grid, values, "x")
    for n, step in enumerate(grid.step_ns):
        place = int(np.searchsorted(t_ns, step, side="right")) - 1
        if t_ns[place] == step:
            assert (found[:, n] == values[:, place].astype(np.float64)).all()
        else:
            pair = values[:, place : place + 2].astype(np.float64)
            assert (pair.min(axis=1) - 1e-9 <= found[:, n]).all()
            assert (found[:, n] <= pair.max(axis=1) + 1e-9).all()


def test_a_gap_beyond_the_limit_is_not_bridged() -> None:
    t_ns = np.array([0, 1, 2, 9], np.int64) * NS
    with pytest.raises(GapError, match=r"7\.000 s"):
        lay_grid(t_ns, 10, 2 * NS)


def test_a_value_that_is_missing_for_long_is_a_gap_and_for_short_is_bridged() -> None:
    t_ns = np.arange(11, dtype=np.int64) * NS // 10
    values = np.arange(11, dtype=np.float32)[None].copy()
    values[0, 4:6] = np.nan
    grid = lay_grid(t_ns, 10, NS // 2)
    np.testing.assert_allclose(linear(grid, values, "x")[0], np.arange(11), atol=1e-12)
    values[0, 3:9] = np.nan
    with pytest.raises(GapError, match="x 0 is missing"):
        linear(grid, values, "x")
    with pytest.raises(GapError, match="never there"):
        linear(grid, np.full_like(values, np.nan), "x")


def test_angles_go_the_shorter_way_across_half_a_turn() -> None:
    t_ns = np.array([0, NS], np.int64)
    grid = lay_grid(t_ns, 4, FAR)
    found = angular(grid, np.array([[3.0, -3.0]], np.float32), "x")[0]
    short = 2 * np.pi - 6.0
    np.testing.assert_allclose(np.cos(found), np.cos(3.0 + short * np.arange(5) / 4), atol=1e-7)
    assert np.abs(found).max() <= np.pi


def test_rotations_stay_unit_and_do_not_mind_a_sign() -> None:
    t_ns = np.array([0, NS], np.int64)
    grid = lay_grid(t_ns, 4, FAR)
    quarter = np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)])
    one = np.array([1.0, 0, 0, 0])
    for sign in (1, -1):
        found = rotations(grid, np.stack([one, sign * quarter], axis=1).astype(np.float32), "q")
        np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1.0, atol=1e-12)
        angle = 2 * np.arctan2(np.abs(found[3]), np.abs(found[0]))
        assert (np.diff(angle) > 0).all()
        assert angle[-1] == pytest.approx(np.pi / 2, abs=1e-6)


def test_the_action_is_the_target_in_force_at_the_end_of_the_step() -> None:
    # Frames at 20 Hz, steps at 10 Hz: of [t, t + 0.1) the later frame's command holds at its end.
    t_ns = np.arange(6, dtype=np.int64) * NS // 20
    command = np.arange(6, dtype=np.float32)[None]
    grid = lay_grid(t_ns, 10, FAR)
    state = np.full((1, grid.steps), -1.0)
    assert in_force(grid, command, state)[0].tolist() == [1.0, 3.0, 5.0]
    command[0, :2] = np.nan
    command[0, 3] = np.nan
    assert in_force(grid, command, state)[0].tolist() == [-1.0, 2.0, 5.0]


def test_the_next_state_is_one_step_on_and_holds_at_the_end() -> None:
    assert next_state(np.array([[1.0, 2.0, 3.0]])).tolist() == [[2.0, 3.0, 3.0]]
