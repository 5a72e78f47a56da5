"""Vendors without marks: episodes are motion between pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from schemas.marks import MarkKind
from schemas.profile import ByGap
from streams.checkpoint import empty_partition
from streams.chunk import Processor
from streams.process import process_fold
from streams.records import Output, PlainRecord
from tests import make


@cache
def processor(gap_s: float, rest_rad_s: float) -> Processor:
    base = make.processors()[make.vendor("fourier").profile.id]
    rule = ByGap(gap_s=gap_s, rest_rad_s=rest_rad_s)
    profile = base.vendor.profile.model_copy(update={"episodes": rule})
    return replace(base, vendor=replace(base.vendor, profile=profile))


def run(records: Sequence[PlainRecord], gap_s: float = 2.0, rest: float = 0.0) -> list[Output]:
    processors = {make.vendor("fourier").profile.id: processor(gap_s, rest)}
    return process_fold(empty_partition("raw.fourier", 0), records, processors)[1].outputs


def chunk(sequence: int, at_s: float, position_rad: float = 0.0) -> PlainRecord:
    """Two frames from a moment on, all joints at one angle."""
    value = make.gr1_value(np.full((2, 44), position_rad), at_s + np.array([0.0, 0.05]))
    return make.chunk(
        "fourier", value, 2, sequence=sequence, offset=sequence, first_frame=2 * sequence
    )


def labels(outputs: list[Output]) -> list[str | None]:
    return [c.episode and c.episode[-1] for c in make.chunks(outputs)]


def test_frames_that_stop_for_long_end_an_episode_and_the_next_begin_another() -> None:
    outputs = run([chunk(0, 0.0), chunk(1, 0.1), chunk(2, 5.0), chunk(3, 5.1)])
    assert labels(outputs) == ["0", "0", "2", "2"]
    told = [(e.kind.value, e.cause, e.frames) for e in make.events(outputs)]
    assert told == [
        ("opened", None, None), ("closed", "gap", 4), ("verdict", None, None),
        ("opened", None, None),
    ]  # fmt: skip
    closed = make.events(outputs)[1]
    assert (closed.last_sequence, closed.last_frame, closed.missing) == (1, 4, 0)


def test_a_clock_that_jumps_back_ends_an_episode_too() -> None:
    assert labels(run([chunk(0, 100.0), chunk(1, 100.1), chunk(2, 3.0)])) == ["0", "0", "2"]


def test_rest_is_a_pause_and_motion_begins_the_next() -> None:
    moving = [chunk(i, 0.1 * i, 0.05 * i) for i in range(5)]
    resting = [chunk(5 + i, 0.5 + 0.1 * i, 0.2) for i in range(40)]
    again = [chunk(45 + i, 4.5 + 0.1 * i, 0.2 + 0.05 * (i + 1)) for i in range(3)]
    made = labels(run([*moving, *resting, *again], rest=0.1))
    assert made[0] is None  # nothing has moved yet
    first = [i for i, label in enumerate(made) if label == "1"]
    assert first == list(range(1, first[-1] + 1))
    assert 24 <= first[-1] <= 26  # two seconds of rest belong to it
    assert made[45:] == ["5"] * 3


def test_a_session_with_marks_has_the_episodes_they_make() -> None:
    start = make.mark("fourier", MarkKind.EPISODE_START, sequence=1, offset=1)
    end = make.mark("fourier", MarkKind.EPISODE_END, sequence=3, offset=3)
    outputs = run([chunk(0, 0.0), start, chunk(2, 0.1), end, chunk(4, 9.0)])
    assert labels(outputs) == ["0", "1", None]
