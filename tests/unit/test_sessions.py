"""Sessions that end, come back, or come late: nothing is opened twice, nothing counted twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from schemas.canonical import BoundaryKind, Cause
from schemas.marks import MarkKind
from streams.checkpoint import empty_partition
from streams.late import MAX_LATE
from streams.process import process_fold
from streams.records import PlainRecord
from streams.sessions import MAX_PAST
from tests import make

NAME = "fourier/unit-1"


def chunk(sequence: int, offset: int, **changes: object) -> PlainRecord:
    first = 2 * sequence
    value = make.gr1_value(np.zeros((2, 44)), 0.05 * (first + np.arange(2)))
    changes = {"sequence": sequence, "first_frame": first, **changes}
    return make.chunk("fourier", value, 2, offset=offset, **changes)


def mark(kind: MarkKind, sequence: int, offset: int, **fields: object) -> PlainRecord:
    session = fields.pop("session", make.SESSION)
    return make.mark(
        "fourier", kind, sequence=sequence, offset=offset, session=session, fields=fields
    )


def bounds(outputs: list) -> list[tuple[BoundaryKind, Cause]]:
    return [(b.kind, b.cause) for b in make.boundaries(outputs)]


def session_name(number: int) -> str:
    return f"01BX5ZZKBKACTAV9WEVG{number:06d}"


def test_a_tail_that_is_sent_again_does_not_reopen_its_session() -> None:
    told = [chunk(0, 0), chunk(1, 1), mark(MarkKind.SESSION_END, 2, 2, last_sequence=2)]
    state, _ = make.run(told)
    again = [replace(record, offset=3 + i) for i, record in enumerate(told)]
    state, outputs = make.run(again, state)
    assert outputs == []
    ticks = [make.tick("fourier", 10 + i, make.LOG_MS + 1_000 * (i + 1)) for i in range(40)]
    assert make.run(ticks, state)[1] == []


def test_a_late_chunk_behind_a_session_s_end_gives_its_frames_and_no_session() -> None:
    state, _ = make.run([chunk(0, 0), mark(MarkKind.SESSION_END, 2, 1, last_sequence=2)])
    _, outputs = make.run([chunk(1, 2)], state)
    assert [c.sequence for c in make.chunks(outputs)] == [1]
    assert make.boundaries(outputs) == []


def ticks(first_offset: int, first_s: int, last_s: int) -> list[PlainRecord]:
    return [
        make.tick("fourier", first_offset + s, make.LOG_MS + 1_000 * s)
        for s in range(first_s, last_s + 1)
    ]


def test_late_chunks_end_after_thirty_seconds_of_ticks_once() -> None:
    state, _ = make.run([chunk(0, 0), mark(MarkKind.SESSION_END, 3, 1, last_sequence=3)])
    late = [chunk(2, 2, log_ms=make.LOG_MS + 500), chunk(1, 3, log_ms=make.LOG_MS + 900)]
    state, _ = make.run(late, state)
    state, outputs = make.run(ticks(10, 1, 30), state)
    assert outputs == []
    _, outputs = make.run(ticks(10, 31, 90), state)
    (end,) = make.boundaries(outputs)
    assert (end.kind, end.session, end.source_offset) == (BoundaryKind.LATE_END, make.SESSION, 41)
    assert (end.first_sequence, end.last_sequence, end.frames) == (1, 2, 4)
    assert (end.first_frame, end.last_frame) == (2, 6)


def test_late_chunks_of_earlier_sessions_end_though_the_robot_goes_on() -> None:
    state, _ = make.run([chunk(0, 0), chunk(2, 1)])
    state, _ = make.run([chunk(0, 2, session=make.LATER_SESSION)], state)
    state, _ = make.run([chunk(1, 3)], state)
    going_on = [
        chunk(1 + s, 10 + 2 * s, session=make.LATER_SESSION, log_ms=make.LOG_MS + 1_000 * s)
        for s in range(40)
    ]
    between = [make.tick("fourier", 11 + 2 * s, make.LOG_MS + 1_000 * s + 1) for s in range(40)]
    log = sorted([*going_on, *between], key=lambda record: record.offset)
    _, outputs = make.run(log, state)
    ends = [(b.kind, b.session, b.frames) for b in make.boundaries(outputs)]
    assert ends == [(BoundaryKind.LATE_END, make.SESSION, 2)]


def test_late_chunks_of_a_session_that_goes_on_end_with_it() -> None:
    state, _ = make.run([chunk(0, 0), chunk(2, 1)])
    state, _ = make.run(ticks(10, 1, 30), state)
    again = [chunk(1, 60, log_ms=make.LOG_MS + 31_000), chunk(3, 61, log_ms=make.LOG_MS + 31_500)]
    state, outputs = make.run(again, state)
    assert bounds(outputs) == [(BoundaryKind.SESSION_START, Cause.GAP)]
    _, outputs = make.run(ticks(100, 32, 99), state)
    assert bounds(outputs) == [(BoundaryKind.SESSION_END, Cause.SILENCE)]


def test_late_frames_of_more_sessions_than_are_kept_end_at_once() -> None:
    records = []
    for n in range(MAX_LATE + 2):
        name = session_name(n)
        told = [chunk(0, 0, session=name), chunk(2, 0, session=name)]
        end = mark(MarkKind.SESSION_END, 3, 0, session=name, last_sequence=3)
        records += [*told, end, chunk(1, 0, session=name)]
    log = [replace(record, offset=n) for n, record in enumerate(records)]
    state, outputs = make.run(log)
    ended = [b.session for b in make.boundaries(outputs) if b.kind is BoundaryKind.LATE_END]
    assert ended == [session_name(0), session_name(1)]
    assert len(state.robots[NAME].late) == MAX_LATE


def test_records_of_an_earlier_session_that_come_again_give_nothing() -> None:
    state, _ = make.run([chunk(0, 0), chunk(2, 1)])
    state, _ = make.run([chunk(0, 2, session=make.LATER_SESSION)], state)
    state, outputs = make.run([chunk(0, 3), chunk(1, 4), chunk(1, 5)], state)
    assert [(c.session, c.sequence) for c in make.chunks(outputs)] == [(make.SESSION, 1)]
    assert make.boundaries(outputs) == []
    assert state.robots[NAME].past[0].missing == ()


def test_a_straggler_s_time_is_its_own_session_s() -> None:
    state, outputs = make.run([chunk(0, 0)])
    (first,) = make.chunks(outputs)
    later = make.PUBLISHED_NS + 10**12
    state, _ = make.run([chunk(0, 1, session=make.LATER_SESSION, published_ns=later)], state)
    _, outputs = make.run([chunk(1, 2, published_ns=later)], state)
    (straggler,) = make.chunks(outputs)
    assert straggler.t_ns[0] - first.t_ns[0] == 100_000_000


def test_a_robot_whose_clock_was_set_back_begins_a_new_session_all_the_same() -> None:
    state, _ = make.run([chunk(0, 0, session=make.LATER_SESSION)])
    state, outputs = make.run([chunk(0, 1), mark(MarkKind.EPISODE_START, 1, 2), chunk(2, 3)], state)
    assert state.robots[NAME].session == make.SESSION
    assert [c.episode is not None for c in make.chunks(outputs)] == [False, True]


def test_a_session_too_old_to_be_remembered_is_refused_and_not_doubled() -> None:
    state = empty_partition("raw.fourier", 0)
    records = [
        chunk(0, n, session=session_name(n), log_ms=make.LOG_MS + n) for n in range(MAX_PAST + 2)
    ]
    state, _ = make.run(records, state)
    assert len(state.robots[NAME].past) == MAX_PAST
    offset = len(records)
    state, outputs = make.run([chunk(0, offset, session=session_name(0))], state)
    (letter,) = make.dead_letters(outputs)
    assert letter.reason == "bad_envelope"
    assert "older than all" in letter.detail
    assert make.chunks(outputs) == []


def test_an_end_before_records_of_its_session_is_refused() -> None:
    _, outputs = make.run(
        [chunk(0, 0), chunk(2, 1), mark(MarkKind.SESSION_END, 1, 2, last_sequence=1)]
    )
    (letter,) = make.dead_letters(outputs)
    assert letter.reason == "bad_mark"
    assert bounds(outputs) == [(BoundaryKind.SESSION_START, Cause.GAP)]


def test_a_new_processing_ends_what_was_open_under_the_old_one() -> None:
    old = dict(make.processors())
    own = make.vendor("fourier")
    profile = own.profile.model_copy(update={"title": "another"})
    newer = replace(old[own.profile.id], vendor=replace(own, profile=profile))
    assert newer.processing_id != own.processing_id
    state = empty_partition("raw.fourier", 0)
    began = [mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1)]
    state, _ = process_fold(state, began, old)
    went_on = [chunk(2, 2), mark(MarkKind.EPISODE_END, 3, 3)]
    state, folded = process_fold(state, went_on, {own.profile.id: newer})
    ends = [(b.kind, b.cause, b.processing_id) for b in make.boundaries(folded.outputs)]
    assert ends == [
        (BoundaryKind.EPISODE_END, Cause.NEW_PROCESSING, own.processing_id),
        (BoundaryKind.SESSION_END, Cause.NEW_PROCESSING, own.processing_id),
        (BoundaryKind.SESSION_START, Cause.NEW_PROCESSING, newer.processing_id),
    ]


def test_a_tick_that_the_clock_covers_closes_nobody() -> None:
    """The clock may have gone on behind the last tick; only the next one closes whom it finds."""
    state, _ = make.run([chunk(0, 0)])
    ticks = [make.tick("fourier", 1 + i, make.LOG_MS + 1_000 * (i + 1)) for i in range(29)]
    other = chunk(0, 40, robot="fourier/other", log_ms=make.LOG_MS + 31_000)
    after, _ = make.run([*ticks, other], state)
    assert make.run([ticks[-1]], after)[1] == []
    _, outputs = make.run([make.tick("fourier", 41, make.LOG_MS + 31_500)], after)
    assert [b.kind for b in make.boundaries(outputs)] == [BoundaryKind.SESSION_END]
