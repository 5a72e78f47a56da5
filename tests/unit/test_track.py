"""Sessions and episodes: marks, silence, reboots, duplicates and stragglers."""

from __future__ import annotations

import numpy as np

from schemas.canonical import BoundaryKind, Cause
from schemas.events import EventKind
from schemas.marks import MarkKind
from streams.process import SILENCE_MS
from streams.records import PlainRecord
from tests import make


def chunk(
    sequence: int, offset: int, *, frame: int | None = None, **changes: object
) -> PlainRecord:
    """Two frames at rest; the first is `frame`, else twice the sequence number."""
    first = 2 * sequence if frame is None else frame
    value = make.gr1_value(np.zeros((2, 44)), 0.05 * (first + np.arange(2)))
    return make.chunk(
        "fourier", value, 2, sequence=sequence, offset=offset, first_frame=first, **changes
    )


def mark(kind: MarkKind, sequence: int, offset: int, **fields: object) -> PlainRecord:
    return make.mark("fourier", kind, sequence=sequence, offset=offset, fields=fields)


def test_an_episode_from_mark_to_mark() -> None:
    _, outputs = make.run(
        [
            mark(MarkKind.SESSION_START, 0, 0),
            chunk(1, 1, frame=0),
            mark(MarkKind.EPISODE_START, 2, 2, task="fold", operator="op-7"),
            chunk(3, 3, frame=2),
            chunk(4, 4, frame=4),
            mark(MarkKind.EPISODE_END, 5, 5, success=True),
            chunk(6, 6, frame=6),
            mark(MarkKind.SESSION_END, 7, 7, last_sequence=7),
        ]
    )
    episode = f"{make.SESSION}-0000000002"
    assert [c.episode for c in make.chunks(outputs)] == [None, episode, episode, None]
    assert [(b.kind, b.frames) for b in make.boundaries(outputs)] == [
        (BoundaryKind.SESSION_START, 0),
        (BoundaryKind.EPISODE_START, 0),
        (BoundaryKind.EPISODE_END, 4),
        (BoundaryKind.SESSION_END, 8),
    ]
    opened, closed, verdict = make.events(outputs)
    assert (opened.kind, opened.task, opened.operator) == (EventKind.OPENED, "fold", "op-7")
    assert (closed.kind, closed.success, closed.frames) == (EventKind.CLOSED, True, 4)
    assert (closed.missing, closed.cause) == (0, "mark")
    # Four frames of a robot at rest are hardly an episode.
    assert (verdict.kind, verdict.verdict, verdict.score) == (EventKind.VERDICT, "review", 1.0)
    assert verdict.findings == {"too_short": 4}
    assert closed.t_last_ns - closed.t_first_ns == 150_000_000


def test_a_duplicate_gives_nothing_and_a_late_chunk_its_own_record() -> None:
    state, _ = make.run([chunk(0, 0), chunk(2, 1)])
    _, outputs = make.run([chunk(2, 2), chunk(1, 3), chunk(1, 4)], state)
    assert [c.sequence for c in make.chunks(outputs)] == [1]


def test_a_chunk_that_never_comes_is_counted_and_rejects_the_episode() -> None:
    _, outputs = make.run(
        [mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1), chunk(3, 2),
         mark(MarkKind.EPISODE_END, 4, 3)]
    )  # fmt: skip
    _, closed, verdict = make.events(outputs)
    assert closed.missing == 1
    assert verdict.verdict == "reject"
    assert "1 chunks of it never came." in verdict.reasons


def test_thirty_seconds_of_log_silence_close_a_session_and_the_robot_may_come_back() -> None:
    state, _ = make.run([mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1)])
    ticks = [make.tick("fourier", 2 + i, make.LOG_MS + 1_000 * (i + 1)) for i in range(31)]
    state, outputs = make.run(ticks, state)
    ends = make.boundaries(outputs)
    assert [(b.kind, b.cause) for b in ends] == [
        (BoundaryKind.EPISODE_END, Cause.SILENCE),
        (BoundaryKind.SESSION_END, Cause.SILENCE),
    ]
    assert ends[0].log_ms - make.LOG_MS == SILENCE_MS
    _, outputs = make.run([chunk(2, 40)], state)
    assert [(b.kind, b.cause) for b in make.boundaries(outputs)] == [
        (BoundaryKind.SESSION_START, Cause.GAP)
    ]
    assert [c.sequence for c in make.chunks(outputs)] == [2]


def test_an_outage_of_the_broker_is_not_taken_for_silence() -> None:
    state, _ = make.run([chunk(0, 0)])
    _, outputs = make.run([make.tick("fourier", 1, make.LOG_MS + 600_000)], state)
    assert make.boundaries(outputs) == []


def test_a_reboot_ends_the_old_session_and_its_stragglers_are_kept() -> None:
    state, _ = make.run([mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1)])
    again = chunk(0, 2, session=make.LATER_SESSION)
    straggler = chunk(2, 3)
    state, outputs = make.run([again, straggler], state)
    assert [(b.kind, b.cause, b.session) for b in make.boundaries(outputs)] == [
        (BoundaryKind.EPISODE_END, Cause.NEW_SESSION, make.SESSION),
        (BoundaryKind.SESSION_END, Cause.NEW_SESSION, make.SESSION),
        (BoundaryKind.SESSION_START, Cause.GAP, make.LATER_SESSION),
    ]
    assert [(c.session, c.sequence, c.episode) for c in make.chunks(outputs)] == [
        (make.LATER_SESSION, 0, None),
        (make.SESSION, 2, None),
    ]
    assert state.robots["fourier/unit-1"].session == make.LATER_SESSION


def test_an_end_without_a_start_is_refused_aloud() -> None:
    _, outputs = make.run([chunk(0, 0), mark(MarkKind.EPISODE_END, 1, 1)])
    (event,) = make.events(outputs)
    assert event.kind is EventKind.REFUSED


def test_a_start_within_an_episode_ends_the_one_before() -> None:
    _, outputs = make.run(
        [mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1), mark(MarkKind.EPISODE_START, 2, 2)]
    )
    kinds = [(b.kind, b.cause) for b in make.boundaries(outputs)[1:]]
    assert kinds == [
        (BoundaryKind.EPISODE_START, Cause.MARK),
        (BoundaryKind.EPISODE_END, Cause.NEW_EPISODE),
        (BoundaryKind.EPISODE_START, Cause.MARK),
    ]


def test_a_hole_before_an_episode_that_is_filled_later_hides_no_hole_in_it() -> None:
    _, outputs = make.run(
        [chunk(0, 0), mark(MarkKind.EPISODE_START, 2, 1), chunk(3, 2), chunk(5, 3), chunk(1, 4),
         mark(MarkKind.EPISODE_END, 6, 5)]
    )  # fmt: skip
    _, closed, _ = make.events(outputs)
    assert closed.missing == 1


def test_a_late_chunk_does_not_move_an_episode_s_end_in_time() -> None:
    _, outputs = make.run(
        [mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1, frame=0), chunk(3, 2, frame=4),
         chunk(2, 3, frame=2), mark(MarkKind.EPISODE_END, 4, 4)]
    )  # fmt: skip
    _, closed, _ = make.events(outputs)
    assert (closed.frames, closed.missing) == (6, 0)
    assert closed.t_last_ns - closed.t_first_ns == 250_000_000


def test_a_late_start_is_refused_and_opens_nothing() -> None:
    state, outputs = make.run(
        [chunk(0, 0), chunk(2, 1), mark(MarkKind.EPISODE_START, 1, 2), chunk(3, 3)]
    )
    assert [event.kind for event in make.events(outputs)] == [EventKind.REFUSED]
    assert [c.episode for c in make.chunks(outputs)] == [None] * 3
    assert state.robots["fourier/unit-1"].missing == ()


def test_a_late_end_closes_its_episode_and_says_so() -> None:
    _, outputs = make.run(
        [mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1), chunk(3, 2),
         mark(MarkKind.EPISODE_END, 2, 3, success=True), chunk(4, 4)]
    )  # fmt: skip
    _, closed, _ = make.events(outputs)
    assert (closed.cause, closed.success) == ("late_mark", True)
    assert make.chunks(outputs)[-1].episode is None


def test_a_late_end_of_another_episode_leaves_this_one_alone() -> None:
    _, outputs = make.run(
        [mark(MarkKind.EPISODE_START, 0, 0), chunk(1, 1), mark(MarkKind.EPISODE_START, 3, 2),
         mark(MarkKind.EPISODE_END, 2, 3), chunk(4, 4), mark(MarkKind.EPISODE_END, 5, 5)]
    )  # fmt: skip
    told = [(e.kind, e.cause) for e in make.events(outputs) if e.kind is not EventKind.VERDICT]
    assert told == [
        (EventKind.OPENED, None),
        (EventKind.CLOSED, "new_episode"),
        (EventKind.OPENED, None),
        (EventKind.REFUSED, None),
        (EventKind.CLOSED, "mark"),
    ]


def test_an_aborted_take_and_the_one_recorded_again_are_two_episodes() -> None:
    _, outputs = make.run(
        [mark(MarkKind.EPISODE_START, 0, 0, task="fold"), chunk(1, 1),
         mark(MarkKind.EPISODE_END, 2, 2, aborted=True),
         mark(MarkKind.EPISODE_START, 3, 3, task="fold"), chunk(4, 4),
         mark(MarkKind.EPISODE_END, 5, 5, success=True)]
    )  # fmt: skip
    closed = [e for e in make.events(outputs) if e.kind is EventKind.CLOSED]
    assert [(e.aborted, e.success, e.frames) for e in closed] == [(True, None, 2), (False, True, 2)]
    assert closed[0].episode != closed[1].episode


def test_robots_that_fall_silent_together_are_closed_in_the_order_of_their_names() -> None:
    state, _ = make.run([chunk(0, 0, robot="fourier/b"), chunk(0, 1, robot="fourier/a")])
    ticks = [make.tick("fourier", 2 + i, make.LOG_MS + 1_000 * (i + 1)) for i in range(31)]
    _, outputs = make.run(ticks, state)
    assert [b.robot for b in make.boundaries(outputs)] == ["fourier/a", "fourier/b"]
