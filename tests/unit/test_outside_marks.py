"""Marks of a station: they name a frame or a time, and are applied there or refused."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.canonical import BoundaryKind
from schemas.envelope import station_mark_headers
from schemas.events import EventKind, decode_report
from schemas.marks import Mark, MarkKind
from schemas.topics import QUALITY_REPORTS
from sinks.clickhouse.fact_tables import findings_table
from streams.records import PlainRecord
from tests import make

ROBOT = "fourier/unit-1"
START, END = MarkKind.EPISODE_START, MarkKind.EPISODE_END


def chunk(sequence: int, offset: int) -> PlainRecord:
    """Two frames, 2 · sequence and the one behind it, 50 ms apart."""
    first = 2 * sequence
    value = make.gr1_value(np.zeros((2, 44)), 0.05 * (first + np.arange(2)))
    return make.chunk("fourier", value, 2, sequence=sequence, offset=offset, first_frame=first)


def station(kind: MarkKind, offset: int, session: str = make.SESSION, **fields: object):
    headers = station_mark_headers(ROBOT, session, make.PUBLISHED_NS)
    value = Mark(mark=kind, **fields).to_json()
    return PlainRecord("raw.fourier", 0, offset, make.LOG_MS, ROBOT.encode(), value, headers)


def labels(outputs: list) -> list[bool]:
    return [c.episode is not None for c in make.chunks(outputs)]


def test_an_episode_between_two_frames() -> None:
    _, outputs = make.run(
        [chunk(0, 0), station(START, 1, at_frame=4, task="fold"), station(END, 2, at_frame=8),
         chunk(1, 3), chunk(2, 4), chunk(3, 5), chunk(4, 6)]
    )  # fmt: skip
    assert labels(outputs) == [False, False, True, True, False]
    opened, closed, _ = make.events(outputs)
    assert (opened.task, opened.first_frame) == ("fold", 4)
    assert (closed.frames, closed.last_frame, closed.missing, closed.cause) == (4, 8, 0, "mark")
    ends = [b for b in make.boundaries(outputs) if b.kind is BoundaryKind.EPISODE_END]
    assert [b.sequence for b in ends] == [3]


def test_an_episode_between_two_times() -> None:
    start_ns = make.PUBLISHED_NS + 200_000_000
    _, outputs = make.run(
        [chunk(0, 0), station(START, 1, at_ns=start_ns), station(END, 2, at_ns=start_ns + 10**8),
         chunk(1, 3), chunk(2, 4), chunk(3, 5)]
    )  # fmt: skip
    assert labels(outputs) == [False, False, True, False]


def test_a_frame_within_a_chunk_takes_the_whole_chunk() -> None:
    _, outputs = make.run(
        [chunk(0, 0), station(START, 1, at_frame=3), station(END, 2, at_frame=5),
         chunk(1, 3), chunk(2, 4), chunk(3, 5)]
    )  # fmt: skip
    assert labels(outputs) == [False, True, True, False]


def test_an_end_at_the_next_frame_is_applied_at_once() -> None:
    _, outputs = make.run(
        [chunk(0, 0), station(START, 1, at_frame=2), chunk(1, 2), station(END, 3, at_frame=4)]
    )
    assert [e.kind for e in make.events(outputs)] == [
        EventKind.OPENED, EventKind.CLOSED, EventKind.VERDICT
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": START, "at_frame": 1}, "out already"),
        ({"kind": START, "at_ns": make.PUBLISHED_NS}, "out already"),
        ({"kind": START}, "at_frame or at_ns"),
        ({"kind": START, "at_frame": 9, "at_ns": 9}, "at_frame or at_ns"),
        ({"kind": MarkKind.SESSION_END, "at_frame": 9}, "own connection"),
        ({"kind": START, "at_frame": 9, "session": make.LATER_SESSION}, "is not open"),
    ],
)
def test_a_mark_without_a_place_to_come_is_refused_with_advice(fields: dict, says: str) -> None:
    _, outputs = make.run([chunk(0, 0), station(offset=1, **fields), chunk(1, 2)])
    (letter,) = make.dead_letters(outputs)
    assert letter.reason == "bad_mark"
    assert says in letter.detail
    assert labels(outputs) == [False, False]


def test_of_two_starts_in_one_chunk_the_second_is_refused() -> None:
    """An episode's name comes from its first chunk: two would share it, and one manifest."""
    _, outputs = make.run(
        [chunk(0, 0), station(START, 1, at_frame=2), station(END, 2, at_frame=2),
         station(START, 3, at_frame=3), chunk(1, 4), chunk(2, 5)]
    )  # fmt: skip
    opened = [e.episode for e in make.events(outputs) if e.kind is EventKind.OPENED]
    assert len(opened) == len(set(opened)) == 1
    assert EventKind.REFUSED in [e.kind for e in make.events(outputs)]


def test_every_refusal_has_a_key_of_its_own() -> None:
    """`episodes` is compacted: under one key the later refusal would replace the earlier."""
    marks = [station(END, 1, at_frame=3), station(END, 2, at_frame=3),
             station(END, 3, at_frame=100), station(START, 4, at_frame=101)]  # fmt: skip
    end = make.mark("fourier", MarkKind.SESSION_END, sequence=3, offset=7)
    stray = make.mark("fourier", END, sequence=4, offset=8)
    _, outputs = make.run([chunk(0, 0), *marks, chunk(1, 5), chunk(2, 6), end, stray])
    refused = [e for e in make.events(outputs) if e.kind is EventKind.REFUSED]
    assert len(refused) == len({e.key for e in refused}) == 5


def test_what_is_wrong_with_the_episode_takes_no_place_of_its_last_chunk() -> None:
    """A station's mark has no sequence: its report stands at that of the chunk before it."""
    far = make.gr1_value(np.full((2, 44), 9.0), 0.05 * (4 + np.arange(2)))
    wild = make.chunk("fourier", far, 2, sequence=2, offset=4, first_frame=4)
    _, outputs = make.run(
        [chunk(0, 0), station(START, 1, at_frame=2), station(END, 2, at_frame=6),
         chunk(1, 3), wild, chunk(3, 5)]
    )  # fmt: skip
    reports = [decode_report(o.value) for o in outputs if o.topic == QUALITY_REPORTS]
    rows = findings_table(reports).to_pylist()
    assert {"joint_limit", "too_short"} <= {row["check"] for row in rows}
    assert len({(row["sequence"], row["ordinal"]) for row in rows}) == len(rows)


def test_no_more_than_four_wait() -> None:
    marks = [station(START, 1 + i, at_frame=100 + i) for i in range(5)]
    _, outputs = make.run([chunk(0, 0), *marks])
    (letter,) = make.dead_letters(outputs)
    assert "already wait" in letter.detail


def test_what_still_waits_when_the_session_ends_is_said_aloud() -> None:
    end = make.mark("fourier", MarkKind.SESSION_END, sequence=1, offset=2)
    state, outputs = make.run([chunk(0, 0), station(START, 1, at_frame=100), end])
    (refused,) = make.events(outputs)
    assert refused.kind is EventKind.REFUSED
    assert "frame 100" in refused.reasons[0]
    assert state.robots[ROBOT].pending == ()


def test_a_mark_in_sequence_names_no_other_place() -> None:
    _, outputs = make.run(
        [chunk(0, 0), make.mark("fourier", START, sequence=1, offset=1, fields={"at_frame": 9})]
    )
    (letter,) = make.dead_letters(outputs)
    assert letter.reason == "bad_mark"
