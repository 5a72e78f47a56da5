"""Laws of the whole path: chunking, folding and restarting change nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.marks import MarkKind
from streams.checkpoint import empty_partition
from streams.process import process_fold
from streams.records import Output, PlainRecord
from streams.restore import partition_state
from streams.state import decode_snapshot
from tests import make

FRAMES = 40
RNG = np.random.default_rng(7)
POSITION = np.cumsum(RNG.normal(0, 0.02, (FRAMES, 44)), axis=0)
ACTION = POSITION + RNG.normal(0, 0.1, POSITION.shape)
STAMPS = np.arange(FRAMES) / 20.0
STAMPS[10:] += 0.7  # a gap
STAMPS[20] = STAMPS[19]  # a stamp twice
POSITION[25:, 4] = POSITION[25, 4]  # a frozen joint
POSITION[30, 7] = np.nan


def recording(cuts: list[int]) -> list[PlainRecord]:
    """The same frames in chunks that end at the cuts, an episode around them, ticks between."""
    bounds = [0, *sorted({c for c in cuts if 0 < c < FRAMES}), FRAMES]
    out = [make.mark("fourier", MarkKind.EPISODE_START, offset=0)]
    for start, stop in pairwise(bounds):
        span = slice(start, stop)
        value = make.gr1_value(POSITION[span], STAMPS[span], ACTION[span])
        sequence = len([r for r in out if r.key])
        log_ms = make.LOG_MS + 1_500 * sequence
        out.append(make.tick("fourier", len(out), log_ms - 10))
        out.append(
            make.chunk(
                "fourier", value, stop - start, offset=len(out), log_ms=log_ms,
                sequence=sequence, first_frame=start,
            )
        )  # fmt: skip
    last = len([r for r in out if r.key])
    out.append(make.mark("fourier", MarkKind.EPISODE_END, offset=len(out), sequence=last))
    return out


def bulk(outputs: list[Output]) -> dict[str, np.ndarray]:
    made = make.chunks(outputs)
    names = (
        "t_ns",
        "position",
        "action",
        "angle",
        "angle_velocity",
        "hand_pose",
        "foot_pose",
        "flags",
    )
    arrays = {name: np.concatenate([getattr(c, name) for c in made]) for name in names}
    arrays["angle_status"] = np.concatenate([c.rows(c.angle_status) for c in made])
    return arrays


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, FRAMES - 1), max_size=12))
def test_frames_do_not_depend_on_how_they_were_chunked(cuts: list[int]) -> None:
    whole = bulk(make.run(recording([]))[1])
    split = bulk(make.run(recording(cuts))[1])
    for name, expected in whole.items():
        np.testing.assert_array_equal(split[name], expected, err_msg=name)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, FRAMES - 1), min_size=3, max_size=12), st.data())
def test_a_worker_killed_anywhere_writes_the_same_bytes(
    cuts: list[int], data: st.DataObject
) -> None:
    records = recording(cuts)
    expected = make.run(records)[1]

    state = empty_partition("raw.fourier", 0)
    log: list[bytes] = []
    written: list[Output] = []
    committed = position = 0
    kills = data.draw(st.integers(1, 4))
    while position < len(records):
        size = data.draw(st.integers(1, len(records) - position))
        state, folded = process_fold(state, records[position : position + size], make.processors())
        position += size
        written += folded.outputs
        if folded.checkpoint is not None:
            reached = data.draw(st.sampled_from(["nothing", "some", "snapshots", "commit"]))
            snapshots = [s.value for s in folded.checkpoint.snapshots]
            if reached == "some":
                snapshots = snapshots[:1]
            if reached != "nothing":
                log += snapshots
            if reached == "commit":
                committed = folded.checkpoint.offset
            elif kills:
                kills -= 1
                state = partition_state([decode_snapshot(s) for s in log], "raw.fourier", 0)
                position = committed
            else:
                log += [s.value for s in folded.checkpoint.snapshots]
                committed = folded.checkpoint.offset

    unique = list(dict.fromkeys((o.topic, o.key, o.value) for o in written))
    assert sorted(unique) == sorted((o.topic, o.key, o.value) for o in expected)
