"""One stream of server-sent events for any number of pages: encoded once, dropped where too slow.

A page gets the whole state first, then what changed, tick by tick. The last ticks are kept in a
ring; a page whose connection is so slow that its next tick has left the ring gets the whole state
again instead of a backlog.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson

from sinks.dashboard.measure import PAGES

KEPT_TICKS = 32
MAX_PAGES = 64
"""Of one feed."""

Document = dict[str, Any]

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_NAIVE_UTC


class TooManyPagesError(Exception):
    """A stream that takes no more pages."""


class Feed:
    """What pages of one kind follow.

    Args:
        whole: makes the document that a page begins with.
    """

    def __init__(self, whole: Callable[[], Document]) -> None:
        self._whole = whole
        self._whole_at: tuple[int, bytes] = (-1, b"")
        self._ticks: deque[tuple[int, bytes]] = deque(maxlen=KEPT_TICKS)
        self._number = 0
        self._woken = asyncio.Event()
        self.pages = 0
        self.restarted = 0

    def push(self, change: Document) -> None:
        """One more tick, for all pages."""
        self._number += 1
        self._ticks.append((self._number, event("change", change)))
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    def follow(self) -> AsyncIterator[bytes]:
        """Events for one page, until it goes away.

        Raises:
            TooManyPagesError: it takes no more pages.
        """
        if self.pages >= MAX_PAGES:
            raise TooManyPagesError
        return self._follow()

    async def _follow(self) -> AsyncIterator[bytes]:
        self.pages += 1
        PAGES.inc()
        try:
            seen, first = self._begin()
            yield first
            while True:
                woken = self._woken
                if seen == self._number:
                    await woken.wait()
                if self._ticks and seen < self._ticks[0][0] - 1:
                    self.restarted += 1
                    seen, first = self._begin()
                    yield first
                    continue
                pending = [(n, tick) for n, tick in self._ticks if n > seen]
                seen = pending[-1][0]
                yield b"".join(tick for _, tick in pending)
        finally:
            self.pages -= 1
            PAGES.dec()

    def _begin(self) -> tuple[int, bytes]:
        if self._whole_at[0] != self._number:
            self._whole_at = (self._number, event("whole", self._whole()))
        return self._whole_at


def event(name: str, document: Document) -> bytes:
    """One server-sent event; JSON holds no line end."""
    data = orjson.dumps(document, option=_OPTIONS)
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)
