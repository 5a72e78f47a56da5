"""The fleet wall's feed: every tick the fields of those robots that changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from sinks.dashboard.board import Board
from sinks.dashboard.feed import Document, Feed
from sinks.dashboard.robot import Robot
from sinks.dashboard.tile import Row, changed, tile

TICK_S = 0.16
"""Six times a second: at least five, where a tick is late."""

IDLE_S = 1.0
"""Without a page to see it."""


class Fleet:
    """Rows as they were last told, and the feed of their changes."""

    def __init__(self, board: Board, nominal_hz: Callable[[], Mapping[str, float]]) -> None:
        self._board = board
        self._nominal_hz = nominal_hz
        self._rows: dict[str, Row] = {}
        self.now_ms = 0
        self.watchers = 0
        self.feed = Feed(self._whole)

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            began = time.monotonic()
            self.tick(int(time.time() * 1_000))
            pause = TICK_S if self.feed.pages or self.watchers else IDLE_S
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))

    def tick(self, now_ms: int) -> None:
        """Tell all pages what changed."""
        self.now_ms = now_ms
        rows = self._board.rows(now_ms, self._nominal_hz())
        changes = {name: changed(self._rows.get(name), row) for name, row in rows.items()}
        gone = [name for name in self._rows if name not in rows]
        self._rows = rows
        told: Document = {
            "now": now_ms,
            "robots": {name: change for name, change in changes.items() if change},
        }
        if gone:
            told["gone"] = gone
        self.feed.push(told)

    def row(self, name: str) -> Row:
        """A robot's row as it was told last; one of its kind where nobody heard of it."""
        return self._rows.get(name) or tile(Robot(name), self.now_ms, {})

    def _whole(self) -> Document:
        return {
            "now": self.now_ms,
            "robots": self._rows,
            "dropped": self._board.dropped,
        }
