"""Plays seeds one after the other and says what came of each."""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.chaos.sim.arithmetic import cheap
from tests.chaos.sim.judge import judge
from tests.chaos.sim.log import Clock, Log
from tests.chaos.sim.sink import outside
from tests.chaos.sim.world import RAW_PLACES, World, clock_of_senders

COLLECT_EVERY = 20


@dataclass(frozen=True)
class Played:
    """What a seed had in it, and what was wrong, if anything."""

    seed: int
    records: int
    crashes: int
    rebalances: int
    frames: int
    wrong: str | None


def play(seeds: Iterable[int]) -> Iterator[Played]:
    """Play seeds; an invariant that does not hold, or any exception, is what was wrong."""
    loop = asyncio.new_event_loop()
    try:
        gc.disable()  # Nearly everything a seed makes lives as long as the seed.
        with cheap():
            for i, seed in enumerate(seeds):
                if i % COLLECT_EVERY == 0:
                    gc.collect()
                yield loop.run_until_complete(play_one(seed))
    finally:
        gc.enable()
        loop.close()


async def play_one(seed: int) -> Played:
    clock = Clock()
    log = Log(clock)
    wrong = None
    with outside(log, clock) as made, clock_of_senders(clock):
        world = World(seed, clock, log, made)
        try:
            await world.play()
            judge(world)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            wrong = f"{type(error).__name__}: {error} ({last.name}:{last.lineno})"
        finally:
            world.end()
    return Played(
        seed,
        sum(log.end(place) for place in RAW_PLACES),
        world.events["kill"] + world.events["stop"],
        world.events["rebalance"],
        sum(row["frames"] for row in made.tables.rows["frames"].values()),
        wrong,
    )
