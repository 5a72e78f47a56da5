"""The raw archive on a real Kafka: nothing lost, nothing changed, nothing over another log."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from deploy.create_topics import create_topics
from schemas.topics import TopicSpec
from sinks.archive.ranges import CUT_BYTES, CUT_MS, Ranges
from sinks.archive.read import RAW_ROOT, held, read_records
from sinks.archive.sink import ArchiveSink
from sinks.archive.writer import OtherLogError
from sinks.follow import Follower
from sinks.objects import open_store
from sinks.patience import Patience
from sinks.record import Place, Record
from tests.sink_rig import committed, following, send, unique, wait_until

pytestmark = pytest.mark.kafka

PLACE = Place("raw.fourier", 3)


def record(offset: int, value: bytes | None = b"v", at_ms: int | None = None) -> Record:
    return Record(PLACE, offset, 2, offset if at_ms is None else at_ms, b"k", [], value)


class Counting(ArchiveSink):
    """Tells how many records it has taken."""

    taken = 0

    def take(self, record: Record) -> None:
        super().take(record)
        self.taken += 1


def test_records_come_back_bit_for_bit(kafka: str, tmp_path: Path) -> None:
    topic, group = unique("raw.archived"), unique("sink-archive")
    create_topics(kafka, [TopicSpec(topic, 2, {"max.message.bytes": str(9 << 20)})])
    odd = [
        (b"k", [("robot", b"a/b"), ("robot", b""), ("empty", None)], b"\0\xff" * 50),
        (None, None, b""),
        (b"", [("é", b"\xff")], None),
        (b"k", [], bytes(5 << 20)),
    ]
    store = open_store(str(tmp_path))
    for life in range(3):
        sinks: list[Counting] = []

        def build(follower: Follower, built: list[Counting] = sinks) -> Counting:
            built.append(Counting(store, follower.patience))
            return built[0]

        with following(kafka, group, [topic], build):
            send(kafka, [(topic, 1, *one) for one in odd * 3])
            wait_until(lambda built=sinks: built[0].taken >= 12, f"life {life} to read")
    place = Place(topic, 1)
    seen = list(read_records(store, place))
    assert [r.offset for r in seen] == list(range(len(seen)))
    assert committed(kafka, group, topic, 2) == len(seen) == 36
    for got, (key, headers, value) in zip(seen, odd * 9, strict=False):
        assert (got.key, got.headers or None, got.value) == (key, headers or None, value)
        assert got.timestamp_ms > 0
    firsts = [part.first_offset for part in held(store, RAW_ROOT, topic)]
    assert firsts == sorted(set(firsts))
    assert [r.offset for r in read_records(store, place, 2, 5)] == [2, 3, 4]


def test_ranges_are_cut_by_the_data_alone() -> None:
    ranges = Ranges()
    big = bytes(CUT_BYTES // 2)
    taken = [len(part.records) for i in range(5) for part in ranges.take(record(i, big, 0))]
    assert taken == [2, 2]
    (by_time,) = ranges.take(record(5, b"", CUT_MS))
    assert [r.offset for r in by_time.records] == [4]
    assert ranges.needed() == {PLACE: 5}
    assert [part.first_offset for part in ranges.cut(PLACE)] == [5]
    assert ranges.needed() == {PLACE: 6}


def patience() -> Patience:
    return Patience("test", lambda seconds: None)


def test_a_run_that_was_cut_elsewhere_is_gone_on_behind() -> None:
    store = MemoryStore()
    first = ArchiveSink(store, patience())
    for i in range(10):
        first.take(record(i))
    first.settle(final=True)
    # Its commit was lost: the next run reads from the beginning, and further.
    second = ArchiveSink(store, patience())
    for i in range(15):
        second.take(record(i))
    assert second.settle(final=True) == {PLACE: 15}
    third = ArchiveSink(store, patience())
    for i in range(4, 20):
        third.take(record(i))
    third.settle(final=True)
    assert [r.offset for r in read_records(store, PLACE)] == list(range(20))
    assert [part.first_offset for part in held(store, RAW_ROOT)] == [0, 10, 15]


def test_another_log_under_the_same_name_is_an_error() -> None:
    store = MemoryStore()
    sink = ArchiveSink(store, patience())
    sink.take(record(0))
    sink.settle(final=True)
    other = ArchiveSink(store, patience())
    with pytest.raises(OtherLogError, match=r"raw\.fourier/3@0"):
        other.take(record(0, b"another"))
    # Two at once, where the first put wins.
    late = ArchiveSink(MemoryStore(), patience())
    late.take(record(0, b"another"))
    late._writer._store = store
    with pytest.raises(OtherLogError, match=r"raw\.fourier/3@0"):
        late.settle(final=True)
