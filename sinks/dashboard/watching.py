"""One robot's page: every chunk of those robots that somebody looks at, and of no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.canonical import CanonicalChunk
from schemas.events import QualityReport
from sinks.dashboard.board import Board
from sinks.dashboard.body import body_document
from sinks.dashboard.feed import Document, Feed, TooManyPagesError
from sinks.dashboard.fleet import Fleet
from sinks.dashboard.profiles import Profiles
from sinks.dashboard.tile import Row, changed, clipped

TICK_S = 0.1
POINTS_HZ = 25.0
"""Signals are thinned to about so many points a second: more than a screen shows."""

MAX_WATCHED = 32
DIGITS = 4


@dataclass
class _Watched:
    feed: Feed
    profile: str | None
    row: Row


class Watching:
    """The feeds of the robots that are looked at."""

    def __init__(self, board: Board, fleet: Fleet, profiles: Profiles) -> None:
        self._board = board
        self._fleet = fleet
        self._profiles = profiles
        self._watched: dict[str, _Watched] = {}

    def follow(self, name: str) -> AsyncIterator[bytes]:
        """Events for one page that shows this robot.

        Raises:
            TooManyPagesError: too many robots, or pages of this one, are looked at.
        """
        if name not in self._watched and len(self._watched) >= MAX_WATCHED:
            raise TooManyPagesError
        return self._follow(name)

    async def _follow(self, name: str) -> AsyncIterator[bytes]:
        watched = self._watched.get(name)
        if watched is None:
            watched = self._watched[name] = _Watched(Feed(lambda: self._whole(name)), None, {})
            self._board.watch(name.encode())
        self._fleet.watchers += 1
        try:
            async for event in watched.feed.follow():
                yield event
        finally:
            self._fleet.watchers -= 1
            if watched.feed.pages == 0 and self._watched.pop(name, None) is not None:
                self._board.unwatch(name.encode())

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            for name, watched in list(self._watched.items()):
                self._tick(name, watched)
            await asyncio.sleep(TICK_S)

    def _tick(self, name: str, watched: _Watched) -> None:
        chunks, reports = self._board.taken(name.encode())
        row = self._fleet.row(name)
        change: Document = {"now": self._fleet.now_ms, "row": changed(watched.row or None, row)}
        watched.row = row
        if chunks and chunks[-1].profile != watched.profile:
            watched.profile = chunks[-1].profile
            change["body"] = self._body(watched.profile)
        if chunks:
            change["chunks"] = [points(chunk) for chunk in chunks]
        if reports:
            change["findings"] = found(reports)
        watched.feed.push(change)

    def _whole(self, name: str) -> Document:
        row = self._fleet.row(name)
        return {"now": self._fleet.now_ms, "row": row, "body": self._body(row.get("profile"))}

    def _body(self, profile: str | None) -> Document | None:
        vendor = self._profiles.find(profile) if profile else None
        return body_document(vendor) if vendor else None


def points(chunk: CanonicalChunk) -> Document:
    """A chunk as its page draws it: thinned, rounded; null stands for what is no number."""
    step = _step(chunk)
    kept = slice(chunk.frames - 1, None, -step)
    told: Document = {
        "session": chunk.session,
        "log_ms": chunk.log_ms,
        "frame": (chunk.first_frame + np.arange(chunk.frames))[kept][::-1],
        "frames": chunk.first_frame + chunk.frames,
        "position": _rounded(chunk.position[kept][::-1]),
        "angle": _rounded(chunk.angle[-1]),
        "absent": np.flatnonzero(chunk.rows(chunk.angle_status)[-1] == 4),
        "episode": chunk.episode,
    }
    if chunk.action is not None:
        told["action"] = _rounded(chunk.action[kept][::-1])
    if chunk.base_quaternion is not None:
        told["base"] = _rounded(chunk.base_quaternion[-1])
    return told


def found(reports: Sequence[QualityReport]) -> list[Document]:
    """The findings of reports, as the page marks them."""
    return [
        {
            "check": finding.check,
            "severity": finding.severity,
            "channel": clipped(finding.channel),
            "first": finding.first_frame,
            "last": finding.last_frame,
            "frames": finding.frames,
            "value": finding.value,
            "threshold": finding.threshold,
            "session": report.session,
            "log_ms": report.log_ms,
        }
        for report in reports
        for finding in report.findings
    ]


def _step(chunk: CanonicalChunk) -> int:
    """Every how many frames one is kept, by the chunk's own stamps."""
    if chunk.frames < 2:
        return 1
    seconds = float(chunk.t_ns[-1] - chunk.t_ns[0]) * 1e-9
    if not 0.0 < seconds < 10.0:
        return 1
    return max(1, round((chunk.frames - 1) / seconds / POINTS_HZ))


def _rounded(values: Any) -> list[Any]:
    """Values as lists. An infinite one is a word, for JSON has no such number."""
    rounded = np.round(values.astype(np.float64), DIGITS)
    listed: list[Any] = rounded.tolist()
    return listed if not np.isinf(rounded).any() else _worded(listed)


def _worded(value: Any) -> Any:
    if isinstance(value, list):
        return [_worded(one) for one in value]
    return str(value) if value in (float("inf"), float("-inf")) else value
