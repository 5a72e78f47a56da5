"""A model of Kafka's offsets around the worker: a commit never passes what is not on the log.

The worker is the production one. Records come in folds with holes between them, as compaction
leaves them; reports come in any order; partitions are taken away and come back; the worker is
killed at any time and another goes on from what was committed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.marks import MarkKind
from streams.checkpoint import empty_partition
from streams.process import process_fold
from streams.records import Output, PlainRecord
from tests import make
from tests.chaos.sim.log import Clock, Log
from tests.chaos.sim.worker import Fold, settle, worker_of

PLACE = ("raw.fourier", 0)


def records(rng: random.Random) -> list[PlainRecord]:
    """Marks and ticks of two robots; no chunk, whose arithmetic is of no matter here."""
    out: list[PlainRecord] = []
    sequences = {"fourier/a": 0, "fourier/b": 0}
    offset, log_ms = 0, make.LOG_MS
    for _ in range(40):
        offset += 1 if rng.random() < 0.8 else rng.randint(2, 9)
        log_ms += rng.randint(1, 2_000)
        if rng.random() < 0.4:
            out.append(make.tick("fourier", offset, log_ms))
            continue
        robot = rng.choice(sorted(sequences))
        kind = rng.choice((MarkKind.EPISODE_START, MarkKind.EPISODE_END))
        sequence = sequences[robot]
        sequences[robot] += rng.choice((1, 1, 1, 2))
        place = {"offset": offset, "log_ms": log_ms, "sequence": sequence}
        out.append(make.mark("fourier", kind, robot=robot, **place))
    return out


class Broker:
    """Records what was produced and not reported yet; nothing else is remembered of it."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.queued: list[tuple[Sequence[Output], Callable[[], None]]] = []

    async def publish(self, outputs: Sequence[Output], done: Callable[[], None]) -> None:
        if outputs:
            self.queued.append((outputs, done))
        else:
            done()

    def report(self, at: int) -> None:
        outputs, done = self.queued.pop(at)
        for output in outputs:
            self.log.append(output.topic, output.partition, output.key, output.value)
        done()


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**32))
def test_a_commit_never_passes_an_output_or_a_snapshot_that_is_not_out(seed: int) -> None:
    asyncio.run(play(random.Random(seed)))


def test_nothing_is_committed_of_a_fold_from_before_the_partition_was_taken_away() -> None:
    """It would set back what another worker has committed since."""

    async def stale() -> None:
        broker = Broker(Log(Clock()))
        worker = worker_of(broker.log, make.processors(), broker, 1)
        task = asyncio.ensure_future(worker.write_checkpoints())
        worker.forget([PLACE])
        await worker.take([Fold(None, 1, [make.mark("fourier", MarkKind.SESSION_END)])])
        await settle()
        while broker.queued:
            broker.report(0)
            await settle()
        assert worker.committable(1)
        assert not worker.committable(2)
        assert worker.standing()
        worker.keep([("raw.fourier", 1)])
        assert not worker.standing()
        task.cancel()

    asyncio.run(stale())


async def play(rng: random.Random) -> None:
    raw = records(rng)
    log = Log(Clock())
    log.places[PLACE] = raw
    log._ends[PLACE] = raw[-1].offset + 1
    committed, generation = raw[0].offset, 0
    for _ in range(rng.randint(1, 5)):
        committed, generation = await one_life(rng, raw, log, committed, generation, last=False)
    committed, _ = await one_life(rng, raw, log, committed, generation, last=True)
    whole = process_fold(empty_partition(*PLACE), raw, make.processors())[1].outputs
    wanted = [(o.topic, o.key, o.value) for o in whole]
    found = [
        (topic, r.key, r.value)
        for (topic, _), kept in log.places.items()
        if topic not in ("streams.state", PLACE[0])
        for r in kept
    ]
    assert sorted(dict.fromkeys(found)) == sorted(dict.fromkeys(wanted))


async def one_life(
    rng: random.Random,
    raw: list[PlainRecord],
    log: Log,
    committed: int,
    generation: int,
    last: bool,
) -> tuple[int, int]:
    """One worker, until it is killed, or until everything is out; gives what is committed."""
    broker = Broker(log)
    worker = worker_of(log, make.processors(), broker, 1)
    task = asyncio.ensure_future(worker.write_checkpoints())
    position, after, generation = committed, None, generation + 1
    for _ in range(400 if last else rng.randint(1, 40)):
        move = rng.choice(("fold", "fold", "report", "report", "commit", "revoke"))
        if move == "fold" and len(broker.queued) < 10:
            start = next((i for i, r in enumerate(raw) if r.offset >= position), len(raw))
            part = raw[start : start + rng.randint(1, 6)]
            if part:
                await worker.take([Fold(after, generation, part)])
                position = after = part[-1].offset + 1
        elif move == "report" and broker.queued:
            broker.report(rng.randrange(len(broker.queued)))
        elif move == "commit":
            offset = worker.committable(generation).get(PLACE, committed)
            assert offset >= committed, f"{committed} was committed, and then {offset}"
            committed = offset
            assert_all_out(raw, log, committed)
        elif move == "revoke" and not last:
            worker.forget([PLACE])
            generation += 1
            position, after = committed, None
        await settle()
        if last and position > raw[-1].offset and not broker.queued:
            break
    task.cancel()
    return committed, generation


def assert_all_out(raw: list[PlainRecord], log: Log, committed: int) -> None:
    """Whatever the records before this offset give is on the log."""
    before = [r for r in raw if r.offset < committed]
    if not before:
        return
    wanted = process_fold(empty_partition(*PLACE), before, make.processors())[1].outputs
    found = {(topic, r.key, r.value) for (topic, _), kept in log.places.items() for r in kept}
    missing = [o for o in wanted if (o.topic, o.key, o.value) not in found]
    assert not missing, f"committed {committed}, but not out: {missing[:3]}"
