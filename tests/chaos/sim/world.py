"""One seed: robots, workers and sinks do their work while everything that can go wrong does."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import producers.sdk.sender
from schemas.envelope import station_mark_headers, tick_headers
from schemas.events import LetterOutcome, decode_dead_letter
from schemas.marks import Mark, MarkKind
from schemas.redrive import redrive_header
from tests.chaos.sim.arithmetic import ADDED, VENDOR, processors
from tests.chaos.sim.log import PARTITIONS, Clock, Group, Log
from tests.chaos.sim.robot import Robot
from tests.chaos.sim.sink import TOPICS, Outside, SinkProcess, resolved
from tests.chaos.sim.worker import StreamProcess

RAW = f"raw.{VENDOR}"
LETTERS = f"dead-letter.{VENDOR}"
RAW_PLACES = [(RAW, i) for i in range(PARTITIONS)]
ROBOTS = 3
EVENTS = 200
STEP_S = 5
MAX_TURNS = 1_000
CRASHES, REBALANCES = 3, 1
"""What a seed has at least."""


@dataclass
class Entry:
    """The way into the raw topics: records are doubled or held back, now and then."""

    log: Log
    rng: random.Random
    held: list[tuple[Any, ...]] = field(default_factory=list)

    def append(self, *record: Any) -> None:
        chance = self.rng.random()
        if chance < 0.015:
            self.held.append(record)
            return
        self.log.append(*record)
        if chance < 0.03:
            self.log.append(*record)

    def release(self) -> None:
        if self.held:
            self.log.append(*self.held.pop(self.rng.randrange(len(self.held))))


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, clock: Clock, log: Log, outside: Outside) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        self.clock, self.log, self.outside = clock, log, outside
        self.entry: Any = Entry(log, self.rng)
        self.events: Counter[str] = Counter()
        self.robots = [Robot(i, self.entry, self.rng) for i in range(ROBOTS)]
        self.group = Group()
        self.known = {k: v for k, v in processors(1).items() if k != ADDED}
        self.added_at: dict[Any, int] = {}
        self.workers = [self._worker(), self._worker()]
        self.sleepers: list[Any] = []
        self.sinks = {name: [self._sink(name)] for name in TOPICS}
        self.redriven: Counter[bytes] = Counter()
        self.read: list[Any] = []
        self._rebalance()
        for name in TOPICS:
            self._rebalance_sink(name)

    def _worker(self) -> StreamProcess:
        return StreamProcess(self.log, self.group, self.known, self.rng)

    def _sink(self, name: str) -> SinkProcess:
        return SinkProcess(name, self.outside, self.rng)

    def _rebalance(self) -> None:
        self.group.rebalance(self.workers, RAW_PLACES, self.rng)

    def _rebalance_sink(self, name: str) -> None:
        places = resolved(name, PARTITIONS)
        self.outside.groups[name].rebalance(self.sinks[name], places, self.rng)

    async def play(self) -> None:
        """All events of the seed, then a calm in which everything comes to rest."""
        steps: list[tuple[int, Callable[[], Any]]] = [
            (40, self._robot), (14, self._network), (12, self._tick), (34, self._work),
            (14, self._sink_turn), (2, self._kill_worker), (1, self._stop_worker),
            (2, self._kill_sink), (1, self._stop_sink), (2, self._wake), (1, self._move_partitions),
            (2, self._release), (2, self._redrive), (1, self._compact), (1, self._station),
        ]  # fmt: skip
        weights, actions = zip(*steps, strict=True)
        add_at = self.rng.randrange(EVENTS // 2, 2 * EVENTS)
        number = 0
        while not self._enough():
            number += 1
            self.clock.ms += self.rng.randint(0, 120)
            if number == add_at:
                await self._add_vendor()
            action = self.rng.choices(actions, weights)[0]
            done = action()
            if asyncio.iscoroutine(done):
                await done
        if not self.added_at:
            await self._add_vendor()
        await self._calm()

    def _enough(self) -> bool:
        crashes = sum(self.events[name] for name in ("kill", "stop"))
        raw = sum(self.log.end(place) for place in RAW_PLACES)
        rebalanced = self.events["rebalance"] >= REBALANCES
        return raw >= EVENTS and crashes >= CRASHES and rebalanced

    def _robot(self) -> None:
        self.rng.choice(self.robots).act()

    def _network(self) -> None:
        robot = self.rng.choice(self.robots)
        robot.network_step(self.clock.monotonic())
        if robot.zombies and self.rng.random() < 0.2:
            robot.wake_zombie()

    def _tick(self) -> None:
        self.clock.ms += self.rng.choice((200, 1_000, 1_000, 4_000))
        for place in RAW_PLACES:
            self.log.append(*place, b"", b"", tick_headers(self.clock.time_ns()))

    async def _work(self) -> None:
        worker = self.rng.choice(self.workers)
        for _ in range(2):
            await self.rng.choice((worker.poll, worker.deliver, worker.deliver))()
        if self.rng.random() < 0.3:
            worker.commit()

    def _sink_turn(self) -> None:
        self.clock.ms += self.rng.choice((0, 300, 1_100))
        name = self.rng.choice(list(self.sinks))
        number = self.rng.randrange(len(self.sinks[name]))
        if not self.sinks[name][number].turn_or_end():
            self._replace_sink(name, number)

    def _replace_sink(self, name: str, number: int) -> None:
        self.sinks[name][number] = self._sink(name)
        self._rebalance_sink(name)

    def _kill_worker(self) -> None:
        self.events["kill"] += 1
        victim = self.rng.randrange(len(self.workers))
        self.workers[victim].kill()
        self.workers[victim] = self._worker()
        self._rebalance()

    def _stop_worker(self) -> None:
        """Stopped, taken for dead, replaced; it wakes up later."""
        self.events["stop"] += 1
        victim = self.rng.randrange(len(self.workers))
        self.sleepers.append(self.workers[victim].wake)
        self.workers[victim] = self._worker()
        self._rebalance()

    def _kill_sink(self) -> None:
        self.events["kill"] += 1
        name = self.rng.choice(list(self.sinks))
        victim = self.rng.randrange(len(self.sinks[name]))
        self.sinks[name][victim].dying_turn(self.rng.randint(1, 12))
        self._replace_sink(name, victim)

    def _stop_sink(self) -> None:
        self.events["stop"] += 1
        name = self.rng.choice(list(self.sinks))
        victim = self.rng.randrange(len(self.sinks[name]))
        wake = self.sinks[name][victim].freezing_turn(self.rng.randint(1, 8))
        self.sleepers.append(wake)
        self._replace_sink(name, victim)

    async def _wake(self) -> None:
        if self.sleepers:
            self.events["wake"] += 1
            done = self.sleepers.pop(self.rng.randrange(len(self.sleepers)))()
            if asyncio.iscoroutine(done):
                await done

    def _move_partitions(self) -> None:
        """A process comes or goes without dying: partitions change hands under way."""
        self.events["rebalance"] += 1
        name = self.rng.choice(("streams", *TOPICS))
        if name == "streams":
            self._rebalance()
            return
        if len(self.sinks[name]) < 2:
            self.sinks[name].append(self._sink(name))
        self._rebalance_sink(name)

    def _release(self) -> None:
        self.entry.release()

    def _redrive(self) -> None:
        """Put refused records back, some of them twice."""
        for place in ((LETTERS, i) for i in range(PARTITIONS)):
            for record in self.log.places[place]:
                letter = decode_dead_letter(record.value or b"")
                if letter.outcome is not LetterOutcome.REFUSED or self.redriven[letter.origin] > 1:
                    continue
                self.redriven[letter.origin] += 1
                self.events["redrive"] += 1
                headers = [*letter.headers, redrive_header(letter)]
                self.log.append(RAW, place[1], letter.key, letter.value, headers)
                return

    def _compact(self) -> None:
        """Of the state only until the profile is added.

        A worker that goes back behind that moment for want of a snapshot knows what was not known
        then: a record that was refused becomes canonical, as it would by a redrive.
        """
        topics = ("episodes",) if self.added_at else ("streams.state", "episodes")
        topic = self.rng.choice(topics)
        self.log.compact((topic, self.rng.randrange(PARTITIONS)), self.rng)

    def _station(self) -> None:
        robot = self.rng.choice(self.robots)
        session = robot.sessions[-1]
        frame = session.backlog.next_frame + self.rng.randint(-4, 6)
        kind = self.rng.choice((MarkKind.EPISODE_START, MarkKind.EPISODE_END))
        value = Mark(mark=kind, at_frame=max(frame, 0)).to_json()
        headers = station_mark_headers(robot.name, session.name, self.clock.time_ns())
        partition = robot.senders[-1]._partition
        self.log.append(RAW, partition, robot.name.encode(), value, headers)

    async def _add_vendor(self) -> None:
        """A profile is added: workers finish what they have, and all start again with it.

        Nobody who was stopped sleeps through it, and whatever an old snapshot leaves uncovered is
        processed again before: what was refused without the profile stays refused.
        """
        while self.sleepers:
            await self._wake()
        self._rebalance()
        self._tick()
        await self._work_off()
        for worker in self.workers:
            worker.kill()
        self.added_at = {place: self.log.end(place) for place in RAW_PLACES}
        self.known = dict(processors(1))
        self.workers = [self._worker(), self._worker()]
        self._rebalance()

    async def _work_off(self) -> None:
        """Until all that is in the raw topics is processed, out, and committed."""
        for _ in range(MAX_TURNS):
            for worker in self.workers:
                await worker.poll()
                await worker.deliver_all()
                worker.commit()
            if all(self.group.committed[place] == self.log.end(place) for place in RAW_PLACES):
                return
            if all(not worker._fetched for worker in self.workers):
                self.clock.ms += 1_000
                for place in RAW_PLACES:
                    if self.group.committed[place] < self.log.end(place):
                        self.log.append(*place, b"", b"", tick_headers(self.clock.time_ns()))
        raise AssertionError("the workers do not come to rest")

    async def _calm(self) -> None:
        """Everyone comes back, says what there is to say, and falls silent."""
        for robot in self.robots:
            robot.drain(self.clock.monotonic())
            while robot.zombies:
                robot.wake_zombie()
        while self.entry.held:
            self.entry.release()
        while self.sleepers:
            await self._wake()
        for _ in range(3):
            self._redrive()
        self._silence(40)
        await self._work_off()
        self.rest()

    def rest(self) -> None:
        """The sinks go on until nothing is behind them."""
        for _ in range(400):
            self.clock.ms += 1_100
            for name, processes in self.sinks.items():
                for number, process in enumerate(processes):
                    if not process.turn_or_end(400):
                        self._replace_sink(name, number)
            if not any(p.behind for processes in self.sinks.values() for p in processes):
                return
        raise AssertionError("the sinks do not come to rest")

    def _silence(self, seconds: int) -> None:
        for _ in range(seconds // STEP_S):
            self.clock.ms += STEP_S * 1_000
            for place in RAW_PLACES:
                self.log.append(*place, b"", b"", tick_headers(self.clock.time_ns()))

    def end(self) -> None:
        """Leave no task and no thread behind."""
        for worker in self.workers:
            worker.kill()
        while self.sleepers:
            done = self.sleepers.pop()()
            if asyncio.iscoroutine(done):
                done.close()


def clock_of_senders(clock: Clock) -> Any:
    """Senders live in the world's time."""
    return patch.object(producers.sdk.sender, "time", clock)
