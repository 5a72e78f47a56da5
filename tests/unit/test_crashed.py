"""A record that ends the worker three times is refused unread, and everything else flows."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import generate_latest

import streams.in_work
import streams.process
import streams.rests
import streams.step
import streams.worker
from deploy.resting import topics_at_rest
from schemas.rejected import Reason
from streams.in_work import InWork
from streams.measure import Measure
from streams.records import Output, PlainRecord
from streams.refusals import PauseRule, Tally, tallied
from streams.state import decode_snapshot
from streams.suspects import MAX_SUSPECTS, Suspects
from streams.worker import Worker
from tests import make

VALUE = make.gr1_value(np.zeros((2, 44)), np.array([0.0, 0.05]))
POISON = make.gr1_value(np.full((2, 44), 0.123), np.array([0.0, 0.05]))


NEVER = PauseRule(0, 1.0)


class EndedError(BaseException):
    """Stands for the end of the process."""


class NativeError(EndedError):
    """Stands for a fatal signal: no handler of ours runs, faulthandler leaves its traceback."""


@dataclass(frozen=True)
class Fold:
    after: int | None
    generation: int
    records: Sequence[PlainRecord]

    @property
    def first(self) -> int:
        return self.records[0].offset


class Kafka:
    """What outlives a worker: outputs, and snapshots among them."""

    def __init__(self, records: Sequence[PlainRecord]) -> None:
        self.records = records
        self.outputs: list[Output] = []

    async def publish(self, outputs: Sequence[Output], done: Callable[[], None]) -> None:
        self.outputs += outputs
        done()

    async def snapshots(self, partition: int) -> list[object]:
        newest = {o.key: o.value for o in self.outputs if o.topic == "streams.state"}
        return [decode_snapshot(value) for value in newest.values()]

    async def raw(self, topic: str, partition: int, start: int, stop: int) -> list[PlainRecord]:
        return [record for record in self.records if start <= record.offset < stop]


@pytest.fixture(scope="module")
def measure() -> Measure:
    return Measure(0)


@pytest.fixture(autouse=True)
def ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(reason: str) -> None:
        raise EndedError(reason)

    monkeypatch.setattr(streams.worker, "crash", crash)
    monkeypatch.setattr(streams.rests, "crash", crash)
    monkeypatch.setattr(streams.worker, "STEP_AFTER_S", 0.01)


def plant(monkeypatch: pytest.MonkeyPatch, error: BaseException, home: Path) -> None:
    """Make the step end the process on a poisoned value: as an error, or without a handler."""
    fatal = home / "in-work.fatal"
    step = streams.step.process_chunk

    def planted(processor, state, record, envelope, *, late):
        if record.value and struct.pack("<d", 0.123) in record.value:
            if isinstance(error, NativeError):
                fatal.write_text("Fatal Python error: Segmentation fault\n")
            raise error
        return step(processor, state, record, envelope, late=late)

    monkeypatch.setattr(streams.step, "process_chunk", planted)


def log(poisoned: set[int], count: int = 30) -> list[PlainRecord]:
    return [
        make.chunk(
            "fourier", POISON if i in poisoned else VALUE, 2, offset=i, sequence=i,
            first_frame=2 * i, log_ms=make.LOG_MS + 50 * i,
        )
        for i in range(count)
    ]  # fmt: skip


def run_worker(kafka: Kafka, home: Path, measure: Measure, rule: PauseRule = NEVER) -> Worker:
    """One life of a worker, over the whole log from its start; raises when it ends early."""

    async def life() -> Worker:
        worker = Worker(kafka, make.processors(), kafka, measure, InWork(home / "in-work"), rule, 1)
        writing = asyncio.create_task(worker.write_checkpoints())
        half = len(kafka.records) // 2
        await worker.take([Fold(None, 1, kafka.records[:half])])
        await worker.take([Fold(kafka.records[half].offset, 1, kafka.records[half:])])
        while worker._rests.tasks:
            await asyncio.gather(*worker._rests.tasks)
        await asyncio.sleep(0)
        writing.cancel()
        return worker

    return asyncio.run(life())


@pytest.mark.parametrize("error", [ValueError("a bug"), NativeError("a signal")])
@pytest.mark.parametrize("poisoned", [{7}, {29}, {0, 7, 8, 20}])
def test_each_poisoned_record_is_refused_at_its_third_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, measure: Measure, error, poisoned
) -> None:
    plant(monkeypatch, error, tmp_path)
    kafka = Kafka(log(poisoned))
    ends = 0
    while True:
        try:
            run_worker(kafka, tmp_path, measure)
            break
        except EndedError:
            ends += 1
            assert ends <= 3 * len(poisoned)
    assert ends == 3 * len(poisoned)
    letters = {one.origin: one for one in make.dead_letters(kafka.outputs)}
    assert {one.source_offset for one in letters.values()} == poisoned
    assert {one.reason for one in letters.values()} == {Reason.CRASHED}
    assert all(one.value == kafka.records[one.source_offset].value for one in letters.values())
    seen = {chunk.sequence for chunk in make.chunks(kafka.outputs)}
    assert seen == set(range(30)) - poisoned


def test_a_record_in_which_the_worker_is_killed_again_and_again_is_not_to_blame(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, measure: Measure
) -> None:
    with monkeypatch.context() as planted:
        plant(planted, EndedError("SIGKILL leaves nothing behind"), tmp_path)
        kafka = Kafka(log({7}))
        for _ in range(4):
            with pytest.raises(EndedError):
                run_worker(kafka, tmp_path, measure)
    run_worker(kafka, tmp_path, measure)
    assert make.dead_letters(kafka.outputs) == []
    assert {chunk.sequence for chunk in make.chunks(kafka.outputs)} == set(range(30))


def test_a_record_for_which_the_kernel_had_no_memory_is_under_suspicion(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    vmstat = tmp_path / "vmstat"
    monkeypatch.setattr(streams.in_work, "VMSTAT", vmstat)
    vmstat.write_text("nr_free_pages 7\noom_kill 2\n")
    next(InWork(tmp_path / "in-work").each(log(set(), 3)))
    vmstat.write_text("nr_free_pages 7\noom_kill 3\n")
    assert InWork(tmp_path / "in-work").left == ("raw.fourier", 0, 0)


def test_an_end_in_a_snapshot_is_found_by_single_steps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, measure: Measure
) -> None:
    write = streams.process.checkpointed

    def planted(state):
        if any(robot.next_sequence > 12 for robot in state.robots.values()):
            raise ValueError("this state cannot be written")
        return write(state)

    monkeypatch.setattr(streams.process, "checkpointed", planted)
    kafka = Kafka(log(set(), 60)[:40])
    monkeypatch.setattr("streams.checkpoint.CHECKPOINT_MS", 1_500)
    for _ in range(2):
        with pytest.raises(EndedError):
            run_worker(kafka, tmp_path, measure)
    notes = [s for s in asyncio.run(kafka.snapshots(0)) if isinstance(s, Suspects)]
    assert InWork(tmp_path / "in-work").left == ("raw.fourier", 0, 12)
    assert len(notes) == 1


def test_a_note_outlives_the_process_and_is_cleared_behind_a_fold(tmp_path: Path) -> None:
    path = tmp_path / "home" / "in-work"
    note = InWork(path)
    assert note.left is None
    records = note.each(log(set(), 3))
    next(records)
    next(records)
    note.blame()
    assert InWork(path).left == ("raw.fourier", 0, 1)
    assert list(records)
    note.blame()
    note.clear()
    assert InWork(path).left is None


def test_suspects_are_counted_and_forgotten_once_passed() -> None:
    one = Suspects("raw.x", 0, {}).ended_at(5, 0).ended_at(9, 3).ended_at(5, 3).ended_at(5, 5)
    assert one.ends == {5: 3, 9: 1}
    assert one.crashed == {5}
    assert one.ended_at(9, 6).ends == {9: 2}
    assert (one.ahead(9), one.ahead(10)) == (True, False)
    steps = [len(run) for run in one.steps(log(set(), 15))]
    assert steps == [1] * 10 + [5]
    many = Suspects("raw.x", 0, {})
    for offset in range(200):
        many = many.ended_at(offset, 0)
    assert len(many.ends) == MAX_SUSPECTS


RULE = PauseRule(10, 1.0)


def test_too_many_refusals_are_a_number_and_a_share_within_a_minute() -> None:
    tally, pause = tallied(Tally(), RULE, {"dead_letter": 9, "tick": 500}, 100_000)
    assert not pause
    assert tallied(tally, RULE, {"dead_letter": 1}, 110_000) == (Tally(110_000), True)
    assert not tallied(tally, RULE, {"dead_letter": 1, "chunk": 11}, 110_000)[1]
    assert not tallied(tally, RULE, {"dead_letter": 9}, 161_000)[1]
    assert not tallied(tally, PauseRule(0, 1.0), {"dead_letter": 99}, 110_000)[1]


def test_a_vendor_with_too_many_refusals_rests_and_goes_on_with_nothing_lost(
    tmp_path: Path, measure: Measure
) -> None:
    good = log(set())
    bad = [
        make.chunk("fourier", VALUE, 2, offset=i, sequence=i, profile="fourier-gr1@9")
        for i in range(30)
    ]
    kafka = Kafka([*bad[:15], *good[15:]])
    rested: list[int] = []

    async def life() -> None:
        rule = PauseRule(10, 0.05)
        worker = Worker(kafka, make.processors(), kafka, measure, InWork(tmp_path / "w"), rule, 1)
        await worker.take([Fold(None, 1, kafka.records[:15])])
        assert worker.held() == {("raw.fourier", 0)}
        assert worker.progress()[1] == {}
        assert topics_at_rest(generate_latest().decode()) == ["raw.fourier"]
        await worker.take([Fold(15, 1, kafka.records[15:])])
        rested.append(len(make.chunks(kafka.outputs)))
        while worker._rests.tasks:
            await asyncio.gather(*worker._rests.tasks)
        assert worker.held() == frozenset()
        assert topics_at_rest(generate_latest().decode()) == []

    asyncio.run(life())
    assert rested == [0]
    assert len(make.dead_letters(kafka.outputs)) == 15
    assert [c.source_offset for c in make.chunks(kafka.outputs)] == list(range(15, 30))


def test_a_state_that_cannot_be_restored_ends_the_worker(tmp_path: Path, measure: Measure) -> None:
    """Faust would go on with the next sweep; of other partitions in this one outputs were lost."""

    class Away(Kafka):
        async def snapshots(self, partition: int) -> list[object]:
            raise TimeoutError("streams.state/0: no answer")

    with pytest.raises(EndedError):
        run_worker(Away(log(set())), tmp_path, measure)
