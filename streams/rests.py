"""Lets partitions rest for a while: a vendor's with too many refusals, or one behind the others."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import structlog

from streams.holding import Fetched, Holding, Place
from streams.measure import Measure
from streams.publisher import crash
from streams.refusals import PauseRule, Tally, tallied

F = TypeVar("F", bound=Fetched)

log = structlog.get_logger()


class Rests(Holding[F]):
    """The places that rest, each with the time at which it goes on.

    Args:
        rule: when refusals are too many.
        measure: told of vendors that rest.
        go_on: releases places and works on what waited.
    """

    def __init__(
        self,
        rule: PauseRule,
        measure: Measure,
        go_on: Callable[[Sequence[Place]], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._rule = rule
        self._measure = measure
        self._go_on = go_on
        self._tallies: dict[str, Tally] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def watch(
        self, topic: str, counts: Mapping[str, int], log_ms: int, places: Iterable[Place]
    ) -> None:
        """Let a vendor rest whose refusals are too many, in all of these places that are its own.

        Args:
            topic: of a fold.
            counts: what became of its records.
            log_ms: log time of its last record.
            places: all that the worker has.
        """
        tally, pause = tallied(self._tallies.get(topic, Tally()), self._rule, counts, log_ms)
        self._tallies[topic] = tally
        if pause:
            log.error(
                "too many refusals: this vendor rests",
                topic=topic,
                seconds=self._rule.pause_s,
                advice="see `kinebus dlq list`; raw records wait where they are",
            )
            self._measure.paused(topic, now=True)
            self.begin([at for at in places if at[0] == topic], self._rule.pause_s)

    def begin(self, places: Sequence[Place], seconds: float) -> None:
        """Let these rest for so long."""
        self.hold(places)
        task = asyncio.get_running_loop().create_task(self._end(places, seconds))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _end(self, places: Sequence[Place], seconds: float) -> None:
        await asyncio.sleep(seconds)
        for place in places:
            self._measure.paused(place[0], now=False)
        try:
            await self._go_on(places)
        except Exception:
            traceback.print_exc()
            crash(f"going on with {places} failed")
            raise
