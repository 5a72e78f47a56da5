"""What happens in a chaos run, and when: from the seed alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.hooks.crash_points import PLACES, points
from tests.chaos.proxy import Mood

PROCESSES = (
    "robots", "ticker", "worker-0", "worker-1", "sink-clickhouse", "sink-lake", "sink-archive",
    "audit", "clickhouse", "kafka",
)  # fmt: skip


LONG_KILLS = 20
"""A run of so many kills holds an outage of the broker, too: 20 to 30 s in its midst."""


@dataclass(frozen=True)
class Kill:
    """SIGKILL while it works; `early`: now, though it may still be starting."""

    process: str
    early: bool = False


@dataclass(frozen=True)
class Crash:
    """SIGKILL when the process next comes to this point."""

    process: str
    point: str


@dataclass(frozen=True)
class Pause:
    """SIGSTOP, now or at a point, and SIGCONT after a while."""

    process: str
    seconds: float
    point: str | None = None


@dataclass(frozen=True)
class Trouble:
    """The proxy's route to a part misbehaves for a while."""

    route: str
    mood: Mood
    seconds: float


@dataclass(frozen=True)
class Churn:
    """For a while a worker is added or removed every 2 s."""

    seconds: float


Act = Kill | Crash | Pause | Trouble | Churn


@dataclass(frozen=True)
class Step:
    """What to do so many seconds after the step before."""

    after_s: float
    act: Act


def program_of(process: str) -> str:
    """`worker-0` is a `worker`."""
    return "worker" if process.startswith("worker-") else process


def steps(seed: int, kills: int, pace_s: float, routes: tuple[str, ...]) -> Iterator[Step]:
    """A run with so many kills, every process in turn in a random order.

    Args:
        seed: of everything random.
        kills: how many steps kill.
        pace_s: mean time from step to step.
        routes: of the proxy.
    """
    dice = random.Random(seed)
    order: list[str] = []
    places: dict[str, list[str]] = {}
    killed = 0
    churn_at = {kills // 4, kills * 3 // 4}
    away_at = kills // 2 if kills >= LONG_KILLS else None
    while killed < kills:
        if killed in churn_at:
            churn_at.discard(killed)
            yield Step(0.0, Churn(12.0))
        after_s = min(dice.expovariate(1 / pace_s), 4 * pace_s)
        if killed == away_at:
            away_at = None
            away_s = dice.uniform(20.0, 30.0)
            yield Step(0.0, Trouble("kafka", Mood.CUT, away_s))
            after_s += away_s
        if dice.random() < 0.3:
            yield Step(after_s, _disturbance(dice, routes))
            continue
        if not order:
            order = list(PROCESSES)
            dice.shuffle(order)
        process = order.pop()
        program = program_of(process)
        killed += 1
        if program in PLACES and dice.random() < 0.6:
            if not places.get(program):
                places[program] = list(points(program))
                dice.shuffle(places[program])
            yield Step(after_s, Crash(process, places[program].pop()))
        else:
            yield Step(after_s, Kill(process, early=dice.random() < 0.2))


def _disturbance(dice: random.Random, routes: tuple[str, ...]) -> Act:
    if dice.random() < 0.5:
        mood = dice.choice([Mood.CUT, Mood.STALL, Mood.RESET])
        return Trouble(dice.choice(routes), mood, dice.uniform(0.3, 4.0))
    process = dice.choice(PROCESSES)
    # Some outlast a group's session of 6 to 10 s: the process wakes up as one who was replaced.
    outlasts = process != "kafka" and dice.random() < 0.3
    seconds = dice.uniform(11.0, 14.0) if outlasts else dice.uniform(0.3, 3.0)
    program = program_of(process)
    at_point = program in PLACES and dice.random() < 0.5
    return Pause(process, seconds, dice.choice(points(program)) if at_point else None)
