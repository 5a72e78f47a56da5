"""A store away, slow or full: the sink stops taking, says why, loses nothing, and catches up."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from obstore.store import ObjectStore
from ulid import ULID

from deploy.clickhouse.service import running_clickhouse
from deploy.create_topics import create_topics
from deploy.ports import free_port
from schemas.canonical import BoundaryKind, encode_boundary, encode_chunk
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, TopicSpec, all_topics
from sinks.announce import Announcer
from sinks.archive.read import read_records
from sinks.archive.sink import ArchiveSink
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.sink import ClickHouseSink
from sinks.follow import Follower, Sink
from sinks.lake.__main__ import names_of_profiles
from sinks.lake.segmenter import Segmenter
from sinks.lake.sink import LakeSink
from sinks.measure import DISK_FULL, WAITING
from sinks.objects import list_keys, open_store, read_object
from sinks.record import Place, Record
from tests.canonical_make import boundary, chunk
from tests.s3_server import find_versitygw, versitygw
from tests.sink_rig import committed, following, send, unique, wait_until
from tests.small_disk import fill, small_disk

pytestmark = pytest.mark.kafka

AWAY_S = 6.0
CHUNKS = 400


class Counted:
    """A sink that counts what it is given."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.taken = 0

    def take(self, record: Record) -> None:
        self.taken += 1
        self.sink.take(record)

    def __getattr__(self, name: str) -> object:
        return getattr(self.sink, name)


def session_records(topic: str, robot: str, session: str) -> list[tuple]:
    """A session of many chunks, and its end."""
    facts = [
        encode_chunk(chunk(i, 25 * i, 25, None, robot, channels=44, session=session))
        for i in range(CHUNKS)
    ]
    end = boundary(BoundaryKind.SESSION_END, CHUNKS, None, 25 * CHUNKS, robot, session=session)
    return [(topic, 0, robot.encode(), None, v) for v in (*facts, encode_boundary(end))]


def is_set(gauge: object, group: str) -> bool:
    return bool(gauge.labels(group)._value.get())


def assert_paused(group: str, sinks: list[Counted]) -> None:
    """While a sink waits it takes nothing: what is in memory cannot grow."""
    wait_until(lambda: is_set(WAITING, group), "the sink to wait")
    taken = sinks[0].taken
    time.sleep(AWAY_S / 3)
    assert is_set(WAITING, group)
    assert sinks[0].taken == taken


def lake_builder(kafka: str, store: ObjectStore, group: str, spill: Path, sinks: list[Counted]):
    def build(follower: Follower) -> Counted:
        announcer = Announcer(kafka, group, follower.patience)
        names = names_of_profiles(Settings())
        sinks.append(Counted(LakeSink(store, names, announcer, follower.patience, spill)))
        return sinks[0]

    return build


def frames_in(store: ObjectStore) -> int:
    """Frames of all segments; each is read whole, so that none is broken."""
    return sum(
        pq.read_table(pa.BufferReader(read_object(store, key)), columns=["frame"]).num_rows
        for key, _ in list_keys(store, "episodes")
        if key.endswith(".parquet")
    )


def test_an_object_store_that_is_away(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = find_versitygw()
    if program is None:
        pytest.skip("needs a real S3 server that can be stopped: versitygw")
    topic, group, port = unique("canonical-away"), unique("sink-lake"), free_port()
    create_topics(kafka, [*all_topics(["fourier"], 4), TopicSpec(topic, 1)])
    sinks: list[Counted] = []
    with versitygw(program, tmp_path, port) as s3:
        for name, value in s3.environment().items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="lake")
    store = open_store("s3://lake/prefix")
    records = [r for i in range(3) for r in session_records(topic, f"fourier/a{i}", str(ULID()))]
    with following(kafka, group, [topic], lake_builder(kafka, store, group, tmp_path / "s", sinks)):
        send(kafka, records)
        assert_paused(group, sinks)
        assert not is_set(DISK_FULL, group)
        with versitygw(program, tmp_path, port):
            wait_until(lambda: committed(kafka, group, topic, 1) == len(records), "all at rest")
            assert not is_set(WAITING, group)
            assert frames_in(store) == 3 * 25 * CHUNKS


def test_a_clickhouse_that_is_away(kafka: str, tmp_path: Path) -> None:
    group, port, database = unique("sink-clickhouse"), free_port(), "away"
    create_topics(kafka, all_topics(["fourier"], 4))
    session = str(ULID())
    sinks: list[Counted] = []
    with running_clickhouse(tmp_path / "clickhouse", port) as url:
        client = connect_created(url, database)
        migrate(client)

    def build(follower: Follower) -> Counted:
        announcer = Announcer(kafka, group, follower.patience)
        sinks.append(Counted(ClickHouseSink(client, announcer, follower.patience)))
        return sinks[0]

    count = f"SELECT sum(frames) FROM frames FINAL WHERE session = '{session}'"
    with following(kafka, group, [CANONICAL_FRAMES], build):
        send(kafka, session_records(CANONICAL_FRAMES, "fourier/away", session))
        assert_paused(group, sinks)
        with running_clickhouse(tmp_path / "clickhouse", port):
            wait_until(
                lambda: client.query(count).result_rows[0][0] == 25 * CHUNKS, "all of it stored"
            )
            # A row is there a moment before its insert is answered.
            wait_until(lambda: not is_set(WAITING, group), "the sink to wait no longer")


def test_a_lake_folder_on_a_full_disk(kafka: str, tmp_path: Path) -> None:
    topic, group = unique("canonical-full"), unique("sink-lake")
    create_topics(kafka, [*all_topics(["fourier"], 4), TopicSpec(topic, 1)])
    sinks: list[Counted] = []
    with small_disk(tmp_path / "disk", "16m") as disk:
        ballast = fill(disk)
        store = open_store(str(disk / "lake"))
        records = session_records(topic, "fourier/full", str(ULID()))
        build = lake_builder(kafka, store, group, tmp_path / "spill", sinks)
        with following(kafka, group, [topic], build):
            send(kafka, records)
            assert_paused(group, sinks)
            assert is_set(DISK_FULL, group)
            assert list(list_keys(store, "episodes")) == []
            ballast.unlink()
            wait_until(lambda: committed(kafka, group, topic, 1) == len(records), "all at rest")
        assert not is_set(DISK_FULL, group)
        assert frames_in(store) == 25 * CHUNKS


def test_an_archive_on_a_full_disk(kafka: str, tmp_path: Path) -> None:
    topic, group = unique("raw.full"), unique("sink-archive")
    create_topics(kafka, [TopicSpec(topic, 1, {"max.message.bytes": str(9 << 20)})])
    sinks: list[Counted] = []
    with small_disk(tmp_path / "disk", "32m") as disk:
        ballast = fill(disk)
        store = open_store(str(disk / "lake"))

        def build(follower: Follower) -> Counted:
            sinks.append(Counted(ArchiveSink(store, follower.patience)))
            return sinks[0]

        values = [bytes([i]) * (1 << 20) for i in range(20)]
        with following(kafka, group, [topic], build):
            send(kafka, [(topic, 0, b"k", None, value) for value in values])
            assert_paused(group, sinks)
            assert is_set(DISK_FULL, group)
            ballast.unlink()
            wait_until(lambda: sinks[0].taken == len(values), "all to be read")
        assert [r.value for r in read_records(store, Place(topic, 0))] == values


def test_a_spill_on_a_full_disk(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A little of memory, so that one session is more than it holds.
    monkeypatch.setattr(Segmenter.__init__, "__defaults__", (200_000,))
    topic, group = unique("canonical-spill"), unique("sink-lake")
    create_topics(kafka, [*all_topics(["fourier"], 4), TopicSpec(topic, 1)])
    sinks: list[Counted] = []
    with small_disk(tmp_path / "disk", "16m") as disk:
        ballast = fill(disk)
        store = open_store(str(tmp_path / "lake"))
        records = session_records(topic, "fourier/spill", str(ULID()))
        build = lake_builder(kafka, store, group, disk / "spill", sinks)
        with following(kafka, group, [topic], build):
            send(kafka, records)
            assert_paused(group, sinks)
            assert is_set(DISK_FULL, group)
            ballast.unlink()
            wait_until(lambda: committed(kafka, group, topic, 1) == len(records), "all at rest")
        assert frames_in(store) == 25 * CHUNKS
        assert list((disk / "spill").iterdir()) == []


def test_a_clickhouse_on_a_full_disk(kafka: str, tmp_path: Path) -> None:
    group, port, database = unique("sink-clickhouse"), free_port(), "full"
    create_topics(kafka, all_topics(["fourier"], 4))
    session = str(ULID())
    sinks: list[Counted] = []
    with (
        small_disk(tmp_path / "disk", "256m") as disk,
        running_clickhouse(disk / "clickhouse", port) as url,
    ):
        client = connect_created(url, database)
        migrate(client)
        ballast = fill(disk)

        def build(follower: Follower) -> Counted:
            announcer = Announcer(kafka, group, follower.patience)
            sinks.append(Counted(ClickHouseSink(client, announcer, follower.patience)))
            return sinks[0]

        count = f"SELECT sum(frames) FROM frames FINAL WHERE session = '{session}'"
        with following(kafka, group, [CANONICAL_FRAMES], build):
            send(kafka, session_records(CANONICAL_FRAMES, "fourier/full", session))
            assert_paused(group, sinks)
            assert is_set(DISK_FULL, group)
            # A result that finds no room is an error, never an empty answer.
            with suppress(DatabaseError):
                assert client.query("SELECT 1").result_rows == [(1,)]
            ballast.unlink()
            wait_until(
                lambda: client.query(count).result_rows[0][0] == 25 * CHUNKS, "all of it stored"
            )
        assert not is_set(DISK_FULL, group)
