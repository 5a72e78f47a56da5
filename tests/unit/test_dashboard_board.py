"""What the dashboard makes of records: rows of the wall, bounded memory, one encoding for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson

from schemas.events import DeadLetter, EpisodeEvent, EventKind, Finding, QualityReport
from sinks.dashboard import board as boards
from sinks.dashboard.board import Board
from sinks.dashboard.feed import KEPT_TICKS, Feed
from sinks.dashboard.fleet import Fleet
from sinks.dashboard.measure import UNREADABLE
from sinks.dashboard.watching import found, points
from sinks.record import Place, Record
from tests.dashboard_rig import (
    event_record,
    frames_record,
    letter_record,
    live_chunk,
    report_record,
)

ROBOT = "fourier/r1"
NOW = 1_700_000_000_000
NOMINAL = {"fourier-gr1@1": 20.0}


def _told(kind: EventKind, episode: str = "e1", **facts: object) -> EpisodeEvent:
    return EpisodeEvent(episode, "p", kind, ROBOT, "s", NOW, **facts)  # type: ignore[arg-type]


def _fed(seconds: int = 4) -> Board:
    board = Board()
    for n in range(seconds * 4):
        board.take([frames_record(live_chunk(ROBOT, n, NOW - (seconds * 4 - 1 - n) * 250))])
        board.rows(NOW, NOMINAL)
    return board


def test_a_row_says_rate_delay_and_state() -> None:
    row = _fed().rows(NOW, NOMINAL)[ROBOT]
    assert row["state"] == "live"
    assert row["rate"] == 20.0
    assert row["nominal"] == 20.0
    assert row["delay"] == 60
    assert row["score"] == 1.0
    assert row["known"]


def test_chunks_that_were_never_read_count_by_their_frame_index() -> None:
    board = Board()
    for n in range(8):
        board.take([frames_record(live_chunk(ROBOT, n, NOW + n * 250))])
        if n % 4 == 0:
            board.rows(NOW, NOMINAL)
    assert board.rows(NOW, NOMINAL)[ROBOT]["rate"] == 20.0
    assert sum(frames for _, frames, _ in board.robots[ROBOT.encode()].window.seconds) == 8 * 5


def test_silence_is_late_then_gone() -> None:
    board = _fed()
    states = [board.rows(NOW + later, NOMINAL)[ROBOT]["state"] for later in (0, 5_000, 60_000)]
    assert states == ["live", "late", "gone"]


def test_error_findings_lower_the_score_and_are_shown_worst_first() -> None:
    board = _fed()
    frozen = Finding("frozen_joint", "error", "left_elbow", 0, 8, 8, 1.0, 0.5)
    pole = Finding("near_pole", "info", None, 0, 8, 8, 1.0, 0.5)
    report = QualityReport(ROBOT, "s", 1, 0, 8, None, "p", "raw.fourier", 0, 1, NOW, [pole, frozen])
    board.take([report_record(report)])
    row = board.rows(NOW, NOMINAL)[ROBOT]
    assert row["score"] == 0.9
    assert [finding[:3] for finding in row["findings"]] == [
        ["error", "frozen_joint", "left_elbow"],
        ["info", "near_pole", None],
    ]


def test_the_episode_under_way_and_the_verdict_of_the_last() -> None:
    board = _fed()
    board.take([event_record(_told(EventKind.OPENED, task="fold", operator="op-1"), NOW)])
    assert board.rows(NOW, NOMINAL)[ROBOT]["episode"][:2] == ["fold", "op-1"]
    board.take(
        [
            event_record(_told(EventKind.CLOSED), NOW),
            event_record(_told(EventKind.VERDICT, verdict="reject", reasons=["Frozen."]), NOW),
        ]
    )
    row = board.rows(NOW, NOMINAL)[ROBOT]
    assert row["episode"] is None
    assert row["verdict"][0] == "reject"
    assert row["verdict"][2] == ["Frozen."]


def test_a_robot_whose_records_are_refused_has_a_tile() -> None:
    board = Board()
    letter = DeadLetter(
        "raw.fourier", 0, 7, NOW, "unknown_profile", "no profile x@1", 5, 0, b"k",
        [("robot", b"fourier/new")], b"bytes",
    )  # fmt: skip
    board.take([letter_record(letter, "fourier", NOW)])
    row = board.rows(NOW, NOMINAL)["fourier/new"]
    assert row["state"] == "refused"
    assert row["refused"] == ["unknown_profile", "no profile x@1"]
    assert board.refused["fourier", "unknown_profile"] == 1


def test_a_robot_of_an_unknown_profile_is_shown_as_such() -> None:
    board = Board()
    board.take([frames_record(replace(live_chunk(ROBOT, 0, NOW), profile="nobody@9"))])
    row = board.rows(NOW, NOMINAL)[ROBOT]
    assert not row["known"]
    assert row["profile"] == "nobody@9"


def test_robots_are_bounded(monkeypatch: object) -> None:
    board = Board()
    for n in range(boards.MAX_ROBOTS + 5):
        board.take([frames_record(live_chunk(f"fourier/r{n}", 0, NOW))])
    assert len(board.robots) == boards.MAX_ROBOTS
    assert board.dropped == 5


def test_an_unreadable_record_is_counted_and_the_rest_is_read() -> None:
    board = Board()
    broken = Record(Place("episodes", 0), 0, 1, NOW, b"k", None, b"\x00\x00")
    before = UNREADABLE._value.get()
    board.take([broken, frames_record(live_chunk(ROBOT, 0, NOW))])
    assert UNREADABLE._value.get() == before + 1
    assert ROBOT.encode() in board.robots


def test_a_chunk_that_cannot_be_read_leaves_the_rest_alone() -> None:
    board = _fed()
    record = frames_record(live_chunk("fourier/r2", 0, NOW))
    board.take([record._replace(value=(record.value or b"")[:-3])])
    rows = board.rows(NOW, NOMINAL)
    assert rows[ROBOT]["state"] == "live"
    assert rows["fourier/r2"]["rate"] is None


def test_a_robot_that_left_leaves_the_wall() -> None:
    board = _fed()
    assert ROBOT in board.rows(NOW + boards.FORGET_AFTER_MS - 1_000, NOMINAL)
    assert board.rows(NOW + boards.FORGET_AFTER_MS + 1_000, NOMINAL) == {}
    assert len(board.robots) == 0


def test_a_tick_tells_only_what_changed() -> None:
    board = _fed()
    fleet = Fleet(board, lambda: NOMINAL)
    fleet.tick(NOW)
    fleet.tick(NOW)
    last = orjson.loads(fleet.feed._ticks[-1][1].split(b"data: ")[1])
    assert last["robots"] == {}
    fleet.tick(NOW + 5_000)
    last = orjson.loads(fleet.feed._ticks[-1][1].split(b"data: ")[1])
    assert last["robots"] == {ROBOT: {"state": "late"}}


def test_a_page_that_is_too_slow_gets_the_whole_again() -> None:
    async def scenario() -> None:
        feed = Feed(lambda: {"all": True})
        feed.push({"n": 0})
        slow: AsyncIterator[bytes] = feed.follow()
        assert (await anext(slow)).startswith(b"event: whole")
        feed.push({"n": 1})
        assert b'"n":1' in await anext(slow)
        for n in range(KEPT_TICKS + 2):
            feed.push({"n": n})
        assert (await anext(slow)).startswith(b"event: whole")
        assert feed.restarted == 1
        feed.push({"n": 99})
        assert await anext(slow) == b'event: change\ndata: {"n":99}\n\n'
        await slow.aclose()  # type: ignore[attr-defined]
        assert feed.pages == 0

    asyncio.run(scenario())


def test_only_watched_robots_keep_every_chunk() -> None:
    board = Board()
    board.watch(ROBOT.encode())
    board.take([frames_record(live_chunk(ROBOT, n, NOW)) for n in range(3)])
    board.take([frames_record(live_chunk("fourier/r2", 0, NOW))])
    chunks, _ = board.taken(ROBOT.encode())
    assert [chunk.sequence for chunk in chunks] == [0, 1, 2]
    assert board.taken(ROBOT.encode()) == ([], [])
    board.unwatch(ROBOT.encode())
    assert not board.watched


def test_points_keep_the_newest_frame_and_say_what_is_no_number() -> None:
    chunk = live_chunk(ROBOT, 1, NOW)
    position = chunk.position.copy()
    position[-1, 0], position[-1, 1] = float("nan"), float("inf")
    told = points(replace(chunk, position=position))
    assert told["frame"][-1] == 9
    line = orjson.loads(orjson.dumps(told["position"]))[-1]
    assert line[0] is None
    assert line[1] == "inf"


def test_findings_are_told_with_their_place() -> None:
    frozen = Finding("frozen_joint", "error", "left_elbow", 3, 8, 5, 1.0, 0.5)
    report = QualityReport(ROBOT, "s", 1, 0, 8, None, "p", "raw.fourier", 0, 1, NOW, [frozen])
    told = found([report])[0]
    assert (told["check"], told["channel"], told["first"], told["last"]) == (
        "frozen_joint", "left_elbow", 3, 8,
    )  # fmt: skip
