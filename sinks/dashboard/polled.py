"""A feed whose document is made anew every few seconds, in a thread, while somebody looks at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sinks.dashboard.feed import Document, Feed

ASK_S = 0.2
"""How soon a page that is opened is seen."""


class Polled:
    """The feed and its last document.

    Args:
        every_s: how often it is made.
        make: makes it, at a time (Unix s); it may wait for what it asks.
    """

    def __init__(self, every_s: float, make: Callable[[float], Document]) -> None:
        self._every_s = every_s
        self._make = make
        self._last: Document = {}
        self.feed = Feed(lambda: self._last)

    async def run(self) -> None:
        """Make it for ever; the first time at once, so that what counts from then on begins now."""
        made_at = float("-inf")
        while True:
            due = made_at + self._every_s <= time.monotonic()
            if due and (self.feed.pages or not self._last):
                made_at = time.monotonic()
                self._last = await asyncio.to_thread(self._make, time.time())
                self.feed.push(self._last)
            await asyncio.sleep(ASK_S)
