"""A foot that is put down does not slide, wherever the robot goes and whichever way it turns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kernels.foot_checks import SKATE, check_skate
from streams.kernels.session_rows import COUNT, FOOT_SKATE, SESSION_ROWS

HZ = 100
STEP_S, STRIDE_M, HIP_M, HEIGHT_M = 0.5, 0.3, 0.1, 0.8
BOUND, LEAST_S = 0.3, 0.2
MOUNT = np.array([0.02, -0.01, -0.1, 0.0, 0.0, 0.0, 1.0])


def walk(steps: int, slide_m_s: float) -> tuple[np.ndarray, np.ndarray]:
    """A base that walks along x, and both soles, in the world; each stands while the other swings.

    The base slides besides. Returns [T, 3], [T, 2, 3].
    """
    frames = int(steps * STEP_S * HZ)
    t = np.arange(frames) / HZ
    number, phase = np.divmod(t / STEP_S, 1.0)
    base = np.stack([STRIDE_M * t / STEP_S, np.zeros(frames), np.full(frames, HEIGHT_M)], axis=1)
    soles = np.zeros((frames, 2, 3))
    for side, y in enumerate((HIP_M, -HIP_M)):
        swings = (number + side) % 2 == 1
        forward = 2 * STRIDE_M * (0.5 - 0.5 * np.cos(np.pi * phase))
        stands_at = STRIDE_M * (number - np.where(swings, 1, 0) + 0.5)
        soles[:, side, 0] = stands_at + np.where(swings, forward, 0.0)
        soles[:, side, 1] = y
        soles[:, side, 2] = np.where(swings, 0.06 * np.sin(np.pi * phase), 0.0)
    drift = slide_m_s * t
    base[:, 0] += drift
    soles[:, :, 0] += drift[:, None]
    return base, soles


def hits_of(base: np.ndarray, soles: np.ndarray, heading: float, cuts: list[int]) -> np.ndarray:
    """What the check counts, the robot turned about the vertical."""
    frames = len(base)
    turn = np.tile([np.cos(heading / 2), 0.0, 0.0, np.sin(heading / 2)], (frames, 1))
    c, s = np.cos(heading), np.sin(heading)
    world = base @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    in_pelvis = (soles - base[:, None] - MOUNT[:3]) * [-1.0, -1.0, 1.0]
    feet = np.zeros((frames, 2, 7), np.float32)
    feet[:, :, :3] = in_pelvis
    stamps = (np.arange(frames) * (10**9 // HZ)).astype(np.int64)
    state, hits = np.zeros(SKATE), np.zeros((SESSION_ROWS, 3), np.int64)
    bounds = sorted({0, frames, *(cut % frames for cut in cuts)})
    for start, stop in pairwise(bounds):
        own = slice(start, stop)
        check_skate(
            stamps[own], int(stamps[max(start - 1, 0)]), start, world[own], turn[own], feet[own],
            MOUNT, BOUND, LEAST_S, state, hits, np.zeros(SESSION_ROWS),
        )  # fmt: skip
    return hits


@settings(max_examples=30, deadline=None)
@given(st.floats(-np.pi, np.pi), st.lists(st.integers(0, 10**4), max_size=20))
def test_a_walk_slides_no_foot(heading: float, cuts: list[int]) -> None:
    assert not hits_of(*walk(12, 0.0), heading, cuts).any()


@settings(max_examples=30, deadline=None)
@given(st.floats(-np.pi, np.pi), st.floats(0.5, 2.0), st.lists(st.integers(0, 10**4), max_size=20))
def test_a_walk_that_slides_is_found_whatever_the_chunks(
    heading: float, speed: float, cuts: list[int]
) -> None:
    base, soles = walk(12, speed)
    whole, cut = hits_of(base, soles, heading, []), hits_of(base, soles, heading, cuts)
    np.testing.assert_array_equal(whole, cut)
    counted = whole[FOOT_SKATE : FOOT_SKATE + 2, COUNT]
    assert (counted > 0).all()
    assert counted.sum() > 0.9 * len(base) - LEAST_S * HZ


@pytest.mark.parametrize("up_m", [0.1, 0.3])
def test_a_robot_in_flight_is_not_judged(up_m: float) -> None:
    base, soles = walk(2, 0.0)
    base[30:80, 2] += up_m
    soles[30:80, :, 2] += up_m
    base[30:80, 0] += 0.6 * np.arange(50) / HZ
    soles[30:80, :, 0] += (0.6 * np.arange(50) / HZ)[:, None]
    assert not hits_of(base, soles, 0.3, []).any()
