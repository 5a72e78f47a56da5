"""Sink processes: production follower and sinks over a consumer, a store and tables of ours."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import obstore
from obstore.store import MemoryStore

import sinks.clickhouse.sink
import sinks.follow
import sinks.lake.sink
import sinks.objects
import sinks.publisher
from sinks.announce import Announcer
from sinks.clickhouse.sink import ClickHouseSink
from sinks.follow import Follower
from sinks.lake.sink import LakeSink
from sinks.lake.store import OtherSegmentError
from tests.chaos.sim.arithmetic import CHANNELS
from tests.chaos.sim.log import Clock, Group, Log
from tests.chaos.sim.tables import Tables

TOPICS = {
    "lake": ("canonical.frames",),
    "clickhouse": ("canonical.frames", "quality.reports", "episodes", "dead-letter.sim"),
}


class KilledError(BaseException):
    """The process is gone; no code of it may catch this."""


class Fate:
    """When the process that is running dies or is stopped: before its n-th step outside."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.freezes = False
        self._stopped = threading.Event()
        self._woken = threading.Event()

    def step(self) -> None:
        """Something outside is about to happen, or just has."""
        if self.left is None:
            return
        self.left -= 1
        if self.left > 0:
            return
        self.left = None
        if not self.freezes:
            raise KilledError
        self._stopped.set()
        self._woken.wait()

    def run_until_stopped(self, action: Callable[[], None]) -> Callable[[], None] | None:
        """Run in a thread until it ends or stops; gives what wakes it again and waits for it."""
        self.freezes = True

        def run() -> None:
            try:
                action()
            except (KilledError, OtherSegmentError):
                pass
            finally:
                self._stopped.set()

        thread = threading.Thread(target=run)
        thread.start()
        self._stopped.wait()

        def wake() -> None:
            self._woken.set()
            thread.join()

        return wake


class Store:
    """Stands in for the module `obstore`: every call is a step at which a process may end."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def put(self, *args: Any, **options: Any) -> Any:
        self._outside.step()
        made = obstore.put(*args, **options)
        self._outside.step()
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(obstore, name)


class Outside:
    """What all sinks share: log, stores, groups, and whose turn it is."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self.log, self.clock = log, clock
        self.store = MemoryStore()
        self.tables = Tables(self)
        self.groups = {name: Group() for name in TOPICS}
        self.fate: Fate | None = None
        self.running: SinkProcess | None = None

    def step(self) -> None:
        fate = getattr(_THREAD, "fate", self.fate)
        if fate is not None:
            fate.step()


_THREAD = threading.local()


class Message:
    """A message as confluent-kafka gives it."""

    def __init__(self, record: Any) -> None:
        self._record = record

    def error(self) -> None: ...

    def topic(self) -> str:
        return str(self._record.topic)

    def partition(self) -> int:
        return int(self._record.partition)

    def offset(self) -> int:
        return int(self._record.offset)

    def timestamp(self) -> tuple[int, int]:
        return 2, self._record.timestamp

    def key(self) -> Any:
        return self._record.key

    def headers(self) -> Any:
        return list(self._record.headers)

    def value(self) -> Any:
        return self._record.value


class Consumer:
    """A member of a sink's group."""

    def __init__(self, outside: Outside, process: SinkProcess, on_commit: Any) -> None:
        self._outside, self._process, self._on_commit = outside, process, on_commit
        self._generation = -1
        self._positions: dict[Any, int] = {}
        self._answers: deque[Any] = deque()
        self._ready: deque[Any] = deque()
        self.budget = 0

    def subscribe(self, _topics: Any, on_assign: Any, **_: Any) -> None:
        self._on_assign = on_assign

    def poll(self, _timeout: float) -> Message | None:
        while self._answers:
            self._on_commit(*self._answers.popleft())
        held = self._outside.groups[self._process.name].membership(self._process)
        if held is not None and held.generation != self._generation:
            self._generation = held.generation
            committed = self._outside.groups[self._process.name].committed
            self._positions = {place: committed[place] for place in held.places}
            self._ready.clear()
            self._on_assign(self, [])
            return None
        if self.budget <= 0:
            return None
        if not self._ready:
            self._fetch()
        if not self._ready:
            return None
        self.budget -= 1
        return Message(self._ready.popleft())

    def _fetch(self) -> None:
        for place in self._process.rng.sample(list(self._positions), len(self._positions)):
            count = self._process.rng.randint(1, 25)
            records = self._outside.log.read(place, self._positions[place], count)
            if records:
                self._positions[place] = records[-1].offset + 1
                self._ready.extend(records)

    def commit(self, offsets: Any, asynchronous: bool) -> None:
        self._outside.step()
        group = self._outside.groups[self._process.name]
        done = [
            group.commit(self._process, self._generation, (p.topic, p.partition), p.offset)
            for p in offsets
        ]
        self._outside.step()
        self._answers.append((None if all(done) else "fenced", offsets))

    def assignment(self) -> list[Any]:
        return []

    def pause(self, _held: Any) -> None: ...

    def resume(self, _held: Any) -> None: ...


class Producer:
    """The announcer's producer."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._queue: list[Any] = []

    def produce(
        self, topic: str, value: bytes, key: bytes, partition: int, on_delivery: Any
    ) -> None:
        self._queue.append((topic, value, key, partition, on_delivery))

    def flush(self, _timeout: float) -> int:
        queue, self._queue = self._queue, []
        for topic, value, key, partition, on_delivery in queue:
            self._outside.step()
            self._outside.log.append(topic, partition, key, value)
            on_delivery(None, None)
        self._outside.step()
        return 0


class Inline:
    """Stands in for a pool of threads."""

    def submit(self, action: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(action())
        except KilledError:
            raise
        except Exception as error:
            future.set_exception(error)
        return future


class SinkProcess:
    """One sink process, from its start to its end."""

    def __init__(self, name: str, outside: Outside, rng: random.Random) -> None:
        self.name, self._outside, self.rng = name, outside, rng
        with self._mine():
            self._follower = Follower(name, {}, threading.Event())
            announcer = Announcer("", name, self._follower.patience)
            if name == "lake":
                columns = tuple(map(str, range(CHANNELS)))
                self._sink: Any = LakeSink(
                    outside.store,
                    lambda _: columns,
                    announcer,
                    self._follower.patience,
                    Path("/nowhere"),
                )
                self._sink._pool = Inline()
            else:
                client: Any = outside.tables
                self._sink = ClickHouseSink(client, announcer, self._follower.patience)
        self._consumer: Any = self._follower._consumer
        self._consumer.subscribe([], self._follower._on_reassigned)

    @contextmanager
    def _mine(self) -> Iterator[None]:
        before, self._outside.running = self._outside.running, self
        yield
        self._outside.running = before

    def turn(self, budget: int = 40) -> None:
        """One turn of the follower's loop."""
        self._consumer.budget = budget
        self._follower._turn(self._sink)

    def turn_or_end(self, budget: int = 40) -> bool:
        """A turn; False where the process ends by an error that its successor is to mend."""
        try:
            self.turn(budget)
        except OtherSegmentError:
            return False
        return True

    def dying_turn(self, steps: int) -> None:
        """A turn in which the process is killed before its n-th step outside, or behind its end."""
        self._outside.fate = fate = Fate()
        fate.left = steps
        with suppress(KilledError, OtherSegmentError):
            self.turn()
        self._outside.fate = None

    def freezing_turn(self, steps: int) -> Callable[[], None] | None:
        """A turn in which it is stopped there; gives what wakes it."""
        fate = Fate()
        fate.left = steps

        def action() -> None:
            _THREAD.fate = fate
            self.turn()

        return fate.run_until_stopped(action)

    @property
    def behind(self) -> bool:
        """Whether something is not read, or not at rest and committed."""
        group = self._outside.groups[self.name]
        held = group.membership(self)
        ends = [self._outside.log.end(place) > group.committed[place] for place in held.places]
        return any(ends)


@contextmanager
def outside(log: Log, clock: Clock) -> Iterator[Outside]:
    """The world of the sinks, in place of brokers, stores and time."""
    made = Outside(log, clock)

    def consumer(settings: Any) -> Consumer:
        assert made.running is not None
        return Consumer(made, made.running, settings["on_commit"])

    with (
        patch.object(sinks.follow, "Consumer", consumer),
        patch.object(sinks.publisher, "Producer", lambda _: Producer(made)),
        patch.object(sinks.objects, "obstore", Store(made)),
        patch.object(sinks.lake.sink, "Spill", lambda *_: None),
        patch.object(sinks.follow, "time", clock),
        patch.object(sinks.lake.sink, "time", clock),
        patch.object(sinks.clickhouse.sink, "time", clock),
    ):
        yield made


def resolved(name: str, partitions: int) -> list[tuple[str, int]]:
    """The partitions a sink follows."""
    return [(topic, i) for topic in TOPICS[name] for i in range(partitions)]
