"""A joint's findings depend on its own numbers alone: not on the chunks, not on its neighbours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.checks import FRAME_CHECKS
from streams.kernels.findings import COUNT, FIRST, LAST, ROWS
from streams.kernels.joint_checks import check_joints
from streams.kernels.joint_lanes import JOINT

FRAMES, CHANNELS, PERIOD_S = 300, 21, 0.02
LIMIT = np.array([check.threshold for check in FRAME_CHECKS])
LEAST = np.array([check.least for check in FRAME_CHECKS])
NOTHING = np.empty((0, 0))


def signals(seed: int, strikes: int):
    """Stamps, position, velocity, effort, command and absence with defects of all kinds in them."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(FRAMES)[:, None] * PERIOD_S
    shape = (FRAMES, CHANNELS)
    way = seconds * rng.uniform(0.3, 3.0, CHANNELS) + rng.uniform(0.0, 6.0, CHANNELS)
    position = 0.4 * np.sin(way) + rng.normal(0.0, 4e-4, shape)
    action = np.roll(position, -3, axis=0)
    velocity = np.gradient(position, PERIOD_S, axis=0)
    stamp_ns = 10**18 + np.arange(FRAMES) * round(PERIOD_S * 1e9)
    effort, absent = rng.normal(0.0, 5.0, shape), np.zeros(shape, np.uint8)
    for kind in rng.integers(0, 10, strikes):
        c, a = rng.integers(CHANNELS), rng.integers(1, FRAMES - 5)
        span = slice(a, a + rng.integers(2, 120))
        match kind:
            case 0:
                position[span, c] = np.nan
            case 1:
                absent[span, c] = 1
            case 2:
                position[span, c] = position[a, c]
            case 3:
                position[a, c] += 0.6
            case 4:
                position[a:, c] += 2 * np.pi
            case 5:
                stamp_ns[a:] += rng.choice([10**9, -(10**8), 5 * 10**7])
            case 6:
                position[span, c] = np.round(position[span, c] / 0.02) * 0.02
            case 7:
                action[span, c] += 1.0
            case 8:
                action[span, c] = np.nan
            case 9:
                position[span, c] += rng.normal(0.0, 0.02, len(position[span, c]))
    return stamp_ns, position, velocity, effort, action, absent


def run(told, columns: list[int], cuts: list[int]):
    """Flagged frames by check and joint, and what is carried, of some of the joints."""
    stamp_ns, *rows = told
    rows = [np.ascontiguousarray(values[:, columns]) for values in rows]
    count = len(columns)
    limits = np.array([[-0.9], [0.9], [3.3], [13.0], [1.0], [1.0]]).repeat(count, axis=1)
    last, last_ns = np.full(count, np.nan), np.zeros(count, np.int64)
    joint, found = np.zeros((JOINT, count)), []
    bounds = sorted({0, FRAMES, *(cut % FRAMES for cut in cuts)})
    for start, stop in itertools.pairwise(bounds):
        frames = stop - start
        flags = np.zeros(frames, np.uint64)
        table, worst = np.zeros((ROWS, count, 3), np.int32), np.zeros((ROWS, count))
        tallies = [np.empty(frames, np.int32) for _ in range(3)]
        check_joints(
            stamp_ns[start:stop], PERIOD_S, *(values[start:stop] for values in rows),
            limits, np.full(count, 12.0), LIMIT, LEAST, last, last_ns, joint, *tallies,
            flags, table, worst,
        )  # fmt: skip
        table[:, :, [FIRST, LAST]] += np.where(table[:, :, [COUNT]] > 0, start, 0)
        found.append((flags, table, worst, np.stack(tallies)))
    return found, (last, last_ns, joint)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**4), max_size=40))
def test_chunks_do_not_matter(seed: int, cuts: list[int]) -> None:
    told, every = signals(seed, 30), list(range(CHANNELS))
    (whole,), carried = run(told, every, [])
    parts, again = run(told, every, cuts)
    np.testing.assert_array_equal(whole[0], np.concatenate([part[0] for part in parts]))
    np.testing.assert_array_equal(
        whole[1][:, :, COUNT], sum(part[1][:, :, COUNT] for part in parts)
    )
    np.testing.assert_array_equal(whole[3], np.concatenate([part[3] for part in parts], axis=1))
    for before, after in zip(carried, again, strict=True):
        np.testing.assert_array_equal(before, after)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, CHANNELS - 1))
def test_neighbours_do_not_matter(seed: int, channel: int) -> None:
    """Beside others that are silent a joint goes through the careful pass, alone the quick one."""
    told = signals(seed, 30)
    (whole,), carried = run(told, list(range(CHANNELS)), [])
    (alone,), own = run(told, [channel], [])
    np.testing.assert_array_equal(whole[1][:, channel], alone[1][:, 0])
    np.testing.assert_array_equal(whole[2][:, channel], alone[2][:, 0])
    for before, after in zip(carried, own, strict=True):
        np.testing.assert_array_equal(before[..., channel], after[..., 0])


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_motion_has_nothing_to_note(seed: int) -> None:
    (found,), _ = run(signals(seed, 0), list(range(CHANNELS)), [])
    assert not (found[0] & ~(np.uint64(1) << np.uint64(26))).any()
