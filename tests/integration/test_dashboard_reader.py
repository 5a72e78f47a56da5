"""The dashboard's reader on a real Kafka: it begins now, goes on, and skips a backlog."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.create_topics import create_topics
from schemas.canonical import encode_chunk
from schemas.topics import CANONICAL_FRAMES, all_topics
from sinks.dashboard import reader as reading
from sinks.dashboard.board import Board
from sinks.dashboard.measure import SKIPS
from sinks.dashboard.reader import Reader
from tests.dashboard_rig import live_chunk, now_ms
from tests.sink_rig import send, unique, wait_until

pytestmark = pytest.mark.kafka


@contextmanager
def _reading(kafka: str, board: Board) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Reader(kafka, board, stop).run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def _send(kafka: str, robot: str, first: int, count: int) -> None:
    chunks = (live_chunk(robot, n, now_ms()) for n in range(first, first + count))
    send(kafka, [(CANONICAL_FRAMES, 0, robot.encode(), None, encode_chunk(c)) for c in chunks])


def _sequence(board: Board, robot: str) -> int:
    board.rows(now_ms(), {})
    held = board.robots.get(robot.encode())
    return -1 if held is None or held.chunk is None else held.chunk.sequence


def test_it_begins_now_and_goes_on(kafka: str) -> None:
    create_topics(kafka, all_topics([], 4))
    robot = f"{unique('maker')}/r1"
    _send(kafka, robot, 0, 5)
    board = Board()
    with _reading(kafka, board):
        sequences = iter(range(5, 1_000))
        wait_until(
            lambda: _send(kafka, robot, next(sequences), 1) or _sequence(board, robot) >= 5,
            "a chunk to be seen",
        )
    assert board.robots[robot.encode()].steps[0][1] > 5 * 5


def test_it_skips_what_is_too_far_behind(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SKIP_BEHIND", 300)
    monkeypatch.setattr(reading, "BATCH", 10)
    create_topics(kafka, all_topics([], 4))
    robot = f"{unique('maker')}/r1"
    board, skips = Board(), SKIPS._value.get()
    with _reading(kafka, board):
        sequences = iter(range(0, 100_000, 2_000))
        wait_until(
            lambda: _send(kafka, robot, next(sequences), 2_000) or SKIPS._value.get() > skips,
            "a backlog to be skipped",
        )
        more = iter(range(200_000, 201_000))
        wait_until(
            lambda: _send(kafka, robot, next(more), 1) or _sequence(board, robot) >= 200_000,
            "what comes then to be seen",
        )
