"""Retargeted topics: what a subscriber would see, and the same bytes wherever a process begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from schemas.canonical import CanonicalChunk, decode_canonical, encode_chunk
from schemas.embodiment import load_embodiment
from schemas.retargeted import REACHABLE, decode_retargeted
from sinks.publisher import Outgoing
from sinks.record import Place, Record
from sinks.retargeted.sink import RetargetSink
from sinks.retargeted.stretches import SILENT_MS
from sinks.subscribe import Player
from streams.retarget_plan import compile_target
from tests import make
from tests.lake_make import RawLog, simulated

H1 = compile_target(load_embodiment("unitree_h1"))
HERE = Place("canonical.frames", 0)


class Kept:
    """Keeps what it is told to send."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    def send(self, records: Sequence[Outgoing]) -> None:
        self.sent += list(records)


def records(*logs: RawLog) -> list[Record]:
    """Canonical frames of some robots, turn by turn in one partition."""
    outputs = [
        [out for out in make.run(log.records)[1] if out.topic == "canonical.frames"] for log in logs
    ]
    turns = [own[i] for i in range(max(map(len, outputs))) for own in outputs if i < len(own)]
    return [
        Record(HERE, i, 1, make.LOG_MS + 20 * i, out.key, None, out.value)
        for i, out in enumerate(turns)
    ]


@pytest.fixture(scope="module")
def log() -> list[Record]:
    """Two robots with two episodes each and frames behind them, in one partition."""
    return records(*(simulated("unitree", seed, 36, 2, between=60) for seed in (1, 2)))


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.retargeted.stretches.BLOCK_FRAMES", 32)


def run(taken: Iterable[Record], sink: RetargetSink | None = None) -> tuple[RetargetSink, Kept]:
    kept = Kept()
    sink = sink or RetargetSink([H1], make.vendors().by_profile.__getitem__, kept)
    for record in taken:
        sink.take(record)
    sink.settle(final=False)
    return sink, kept


def by_name(sent: Iterable[Outgoing]) -> dict[tuple[str, int], set[bytes]]:
    found: dict[tuple[str, int], set[bytes]] = {}
    for record in sent:
        told = decode_retargeted(record.value)
        found.setdefault((told.robot, told.sequence), set()).add(record.value)
    return found


def test_an_episode_is_what_a_subscriber_sees_and_nothing_of_a_session_is_left_out(log) -> None:
    _, kept = run(log)
    chunks = [fact for r in log if isinstance(fact := decode_canonical(r.value), CanonicalChunk)]
    assert len(kept.sent) == len(chunks)
    player = Player(make.vendors(), H1)
    for sent, chunk in zip(kept.sent, chunks, strict=True):
        told = decode_retargeted(sent.value)
        assert (sent.topic, sent.partition, sent.key) == (
            "retargeted.unitree_h1", 0, chunk.robot.encode(),
        )  # fmt: skip
        batch = player.play(chunk)
        assert (told.robot, told.sequence, told.episode) == (
            chunk.robot, chunk.sequence, chunk.episode,
        )  # fmt: skip
        assert (told.t_ns == chunk.t_ns).all()
        if chunk.episode:
            assert told.joints == batch.joint_names
            assert (told.position == batch.position_rad.astype(np.float32)).all()
            assert ((told.solve & REACHABLE > 0) == batch.reachable).all()


def test_wherever_a_process_ends_the_next_makes_the_same_bytes_and_leaves_nothing_out(log) -> None:
    whole = by_name(run(log)[1].sent)
    assert all(len(values) == 1 for values in whole.values())
    for stop in range(1, len(log), 8):
        sink, before = run(log[:stop])
        needed = sink.settle(final=False)[HERE]
        assert needed <= stop
        _, after = run(log[needed:])
        both = by_name([*before.sent, *after.sent])
        assert both == whole, f"ended at {stop}, went on from {needed}"


def test_what_a_worker_sends_twice_changes_nothing(log) -> None:
    whole = by_name(run(log)[1].sent)
    for start, stop in ((0, len(log)), (3, 20), (20, 33), (5, 31), (10, 12)):
        again = [*log[:stop], *log[start:stop], *log[stop:]]
        numbered = [record._replace(offset=i) for i, record in enumerate(again)]
        for begin in (0, stop):
            sink, first = run(numbered[:begin])
            needed = sink.settle(final=False).get(HERE, 0)
            _, rest = run(numbered[needed:])
            assert by_name([*first.sent, *rest.sent]) == whole, (start, stop, begin)


def test_a_stretch_whose_beginning_was_not_seen_waits_for_the_next_one(log) -> None:
    from_middle = [r for r in log[6:] if r.key == log[0].key]
    _, kept = run(from_middle)
    first = decode_retargeted(kept.sent[0].value)
    assert first.episode is None, "behind the end of the episode that was not seen whole"
    assert by_name(kept.sent).items() <= by_name(run(log)[1].sent).items()


def test_a_silent_robot_holds_nothing_up(log) -> None:
    own = [r for r in log[:8] if r.key == log[0].key]
    others = [r for r in log if r.key == log[1].key]
    sink, _ = run(own)
    later = [
        r._replace(offset=100 + i, timestamp_ms=r.timestamp_ms + 2 * SILENT_MS)
        for i, r in enumerate(others)
    ]
    run(later[:4], sink)
    assert sink.settle(final=False)[HERE] >= 100


def test_a_late_chunk_is_played_alone_and_leaves_the_others_as_they_are(log) -> None:
    own = [r for r in log if r.key == log[0].key]
    order = [*own[:4], own[5], own[4], *own[6:]]
    numbered = [record._replace(offset=i) for i, record in enumerate(order)]
    found = by_name(run(numbered)[1].sent)
    late = decode_canonical(own[4].value)
    assert len(found[late.robot, late.sequence]) == 1


def test_a_robot_without_geometry_is_left_out() -> None:
    own = records(simulated("kscale", 1, 40))
    assert not run(own)[1].sent


def test_a_late_chunk_of_an_ended_episode_is_left_out(log) -> None:
    own = [r for r in log if r.key == log[0].key]
    chunk = decode_canonical(own[2].value)
    late = replace(chunk, sequence=chunk.sequence)
    more = own[-3]._replace(offset=10_000, value=encode_chunk(late))
    assert by_name(run([*own[:-1], more])[1].sent) == by_name(run(own)[1].sent)
