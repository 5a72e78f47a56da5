"""All sinks killed under load, then the auditor; then defects planted one by one, each one seen.

A broker of its own: the audit reads every raw topic there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from ulid import ULID

from deploy.audit import AuditReport, run_audit
from deploy.audit.running import RunningAudit
from deploy.create_topics import create_topics
from deploy.kafka.broker import BrokerSettings, running_broker
from schemas.canonical import (
    BoundaryKind,
    CanonicalChunk,
    encode_boundary,
    encode_chunk,
)
from schemas.envelope import Envelope, Kind, envelope_headers, tick_headers
from schemas.events import DeadLetter, EpisodeEvent, EventKind, encode_dead_letter, encode_event
from schemas.marks import Mark, MarkKind, episode_id
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, EPISODES, all_topics, dead_letter_topic
from sinks.clickhouse.client import connect
from tests.canonical_make import LOG_MS, PROCESSING, PROFILE, boundary, chunk
from tests.sink_rig import SinkProcess, committed, send, unique, wait_until

pytestmark = pytest.mark.kafka

ROBOTS = 3
CHUNKS = 400
RAW = "raw.fourier"


@dataclass
class System:
    """What runs, and what was sent."""

    settings: Settings
    client: Client
    lake: Path


class World:
    """The log as robots and workers would have written it, three robots side by side."""

    def __init__(self) -> None:
        self.sessions = {f"fourier/r{i}": str(ULID()) for i in range(ROBOTS)}
        self.raw: list[tuple] = []
        self.canonical: list[tuple] = []
        self.facts: list[tuple] = []

    def raw_record(self, robot: str, kind: Kind, sequence: int, frame: int, mark: Mark | None):
        envelope = Envelope(
            kind, robot, self.sessions[robot], sequence, frame, 0 if mark else 25, 1, PROFILE
        )
        value = mark.to_json() if mark else b"x" * 200
        self.raw.append((RAW, 0, robot.encode(), envelope_headers(envelope), value))
        return len(self.raw) - 1

    def canonical_record(self, value: bytes) -> None:
        self.canonical.append((CANONICAL_FRAMES, 0, b"k", None, value))


def written() -> World:
    """A session of each robot: an episode in the middle, a duplicate, a refused chunk, ticks."""
    world = World()
    for sequence in range(CHUNKS + 3):
        for robot in world.sessions:
            step(world, robot, sequence)
        world.raw.append((RAW, 0, None, tick_headers(1), None))
    return world


def step(world: World, robot: str, sequence: int) -> None:
    start, end, last = 100, 350, CHUNKS + 2
    session = world.sessions[robot]
    episode = episode_id(session, start)
    frame = 25 * (sequence - (sequence > start) - (sequence > end))

    def lineage(fact):
        fact.source_offset = offset
        return fact

    if sequence in (start, end, last):
        kinds = {
            start: (MarkKind.EPISODE_START, BoundaryKind.EPISODE_START, 0),
            end: (MarkKind.EPISODE_END, BoundaryKind.EPISODE_END, 25 * (end - start - 1)),
            last: (MarkKind.SESSION_END, BoundaryKind.SESSION_END, 25 * CHUNKS),
        }
        mark, kind, frames = kinds[sequence]
        told = Mark(mark=mark, last_sequence=last if sequence == last else None)
        offset = world.raw_record(robot, Kind.MARK, sequence, frame, told)
        name = None if sequence == last else episode
        bound = boundary(kind, sequence, name, frames, robot, session=session)
        world.canonical_record(encode_boundary(bound))
        if sequence == end:
            event = EpisodeEvent(
                episode, PROCESSING, EventKind.CLOSED, robot, session, LOG_MS, frames=frames
            )
            world.facts.append((EPISODES, 0, event.key, None, encode_event(event)))
        return
    offset = world.raw_record(robot, Kind.CHUNK, sequence, frame, None)
    if robot.endswith("r2") and sequence == 20:
        letter = DeadLetter(RAW, 0, offset, LOG_MS, "truncated", "", 25, 1, None, [], b"x")
        value = encode_dead_letter(letter)
        world.facts.append((dead_letter_topic("fourier"), 0, letter.origin, None, value))
        return
    inside = start < sequence < end
    fact: CanonicalChunk = chunk(
        sequence, frame, 25, episode if inside else None, robot, channels=44, session=session
    )
    world.canonical_record(encode_chunk(lineage(fact)))
    if sequence == 30:
        world.raw_record(robot, Kind.CHUNK, sequence, frame, None)


@pytest.fixture(scope="module")
def system(clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Everything written to the log, sinks killed again and again while they follow it."""
    folder = tmp_path_factory.mktemp("audited")
    with running_broker(BrokerSettings(folder / "kafka")) as bootstrap:
        settings = Settings(
            kafka_bootstrap=bootstrap,
            clickhouse_url=clickhouse,
            clickhouse_database=unique("audited").replace("-", "_"),
            lake_url=str(folder / "lake"),
            home=folder,
        )
        create_topics(bootstrap, all_topics(["fourier"], 1))
        run_sinks(settings, written(), folder)
        client = connect(clickhouse, settings.clickhouse_database)
        yield System(settings, client, folder / "lake")
        client.close()


def run_sinks(settings: Settings, world: World, folder: Path) -> None:
    bootstrap = settings.require_kafka()
    env = {
        "KAFKA_BOOTSTRAP": bootstrap,
        "CLICKHOUSE_URL": settings.require_clickhouse(),
        "KINEBUS_DATABASE": settings.clickhouse_database,
        "KINEBUS_LAKE": settings.require_lake(),
        "KINEBUS_HOME": str(folder),
    }
    names = ("clickhouse", "lake", "archive")
    sinks = {name: SinkProcess(name, env, folder / f"{name}.log") for name in names}
    random = Random(5)
    pieces = 8
    for i in range(pieces):
        for records in (world.raw, world.canonical):
            at = [len(records) * n // pieces for n in (i, i + 1)]
            send(bootstrap, records[at[0] : at[1]])
        if i % 2:
            # What a worker repeats when it was killed, too.
            send(bootstrap, world.canonical[max(0, at[0] - 50) : at[1]])
            wait_until(lambda: committed(bootstrap, "sink-lake", CANONICAL_FRAMES, 1) > 0, "work")
            sinks[random.choice(names)].kill()
    send(bootstrap, world.facts)
    # What both announced of the canonical frames comes last on `episodes`.
    followers = (
        ("sink-clickhouse", CANONICAL_FRAMES),
        ("sink-lake", CANONICAL_FRAMES),
        ("sink-clickhouse", EPISODES),
    )
    for group, topic in followers:
        end = end_of(bootstrap, topic)
        wait_until(lambda g=group, t=topic, e=end: committed(bootstrap, g, t, 1) == e, group)
    commit_all(bootstrap, RAW)
    assert {name: sink.stop() for name, sink in sinks.items()} == dict.fromkeys(names, 0)
    assert committed(bootstrap, "sink-archive", RAW, 1) == len(world.raw)


def end_of(bootstrap: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "look"})
    end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
    consumer.close()
    return int(end)


def commit_all(bootstrap: str, topic: str) -> None:
    """The workers' group has come to the end."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "streams"})
    place = TopicPartition(topic, 0, end_of(bootstrap, topic))
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()


def kinds(report: AuditReport) -> dict[str, int]:
    return {problem.kind: problem.count for problem in report.problems}


def test_nothing_is_lost_or_doubled_by_kills(system: System) -> None:
    report = run_audit(system.settings, deep=True)
    assert report.problems == ()
    assert report.records == {
        "canonical": ROBOTS * CHUNKS - 1,
        "mark": 3 * ROBOTS,
        "tick": CHUNKS + 3,
        "dead_letter": 1,
        "duplicate": ROBOTS,
        "in_flight": 0,
        "missing": 0,
        "skipped_batch": 0,
    }
    fourier = report.vendors["fourier"]
    frames = 25 * (ROBOTS * CHUNKS - 1)
    assert (fourier.canonical, fourier.clickhouse, fourier.object_storage) == (frames,) * 3
    assert fourier.read == frames + 25 + 25 * ROBOTS
    assert (fourier.rejected, fourier.duplicates) == ({"truncated": 25}, 25 * ROBOTS)
    assert fourier.episodes == ROBOTS
    assert (report.sessions.complete, report.sessions.missing) == (ROBOTS, 0)
    assert orjson.loads(orjson.dumps(report.document()))["ok"] is True


def test_an_audit_goes_on_where_the_last_one_ended(system: System) -> None:
    run_audit(system.settings)
    report = run_audit(system.settings, since=True)
    assert report.problems == ()
    assert sum(report.records.values()) == 0


def test_a_row_that_is_gone_from_clickhouse(system: System) -> None:
    where = "robot = 'fourier/r1' AND sequence = 7"
    row = system.client.query_arrow(f"SELECT * FROM frames FINAL WHERE {where}")
    system.client.command(f"DELETE FROM frames WHERE {where}")
    try:
        assert kinds(run_audit(system.settings)) == {"missing_in_clickhouse": 1}
    finally:
        system.client.insert_arrow("frames", row)
    assert run_audit(system.settings).ok


def test_a_number_that_is_different_in_clickhouse(system: System) -> None:
    where = "robot = 'fourier/r1' AND sequence = 8"
    row = system.client.query_arrow(f"SELECT * FROM frames FINAL WHERE {where}")
    system.client.command(
        f"INSERT INTO frames SELECT * REPLACE (arrayMap(x -> x + 1, position) AS position) "
        f"FROM frames FINAL WHERE {where}"
    )
    try:
        assert kinds(run_audit(system.settings)) == {}
        assert kinds(run_audit(system.settings, deep=True)) == {"different_values": 1}
    finally:
        system.client.insert_arrow("frames", row)


def test_a_row_that_is_there_twice_under_another_name(system: System) -> None:
    system.client.command(
        "INSERT INTO frames SELECT * REPLACE (100009 AS sequence) FROM "
        "(SELECT * FROM frames FINAL WHERE robot = 'fourier/r0' AND sequence = 9)"
    )
    try:
        found = kinds(run_audit(system.settings))
        assert found == {"doubled_in_clickhouse": 1, "wrong_lineage": 1}
    finally:
        system.client.command("DELETE FROM frames WHERE sequence = 100009")


def segment(system: System, part: str) -> Path:
    files = sorted(system.lake.glob(f"episodes/*/fourier/r0/*/{part}*/frames-*.parquet"))
    return files[-1]


def test_a_segment_that_is_gone(system: System) -> None:
    path = segment(system, "0")
    hidden = path.with_suffix(".hidden")
    path.rename(hidden)
    try:
        found = kinds(run_audit(system.settings))
        assert found.keys() == {"missing_in_lake", "broken_manifest", "manifest_miscounts"}
    finally:
        hidden.rename(path)


def test_a_segment_that_is_there_twice(system: System) -> None:
    path = segment(system, "between")
    twin = path.with_name("frames-000000000001-0000000000.parquet")
    os.link(path, twin)
    try:
        assert set(kinds(run_audit(system.settings))) == {"doubled_in_lake"}
    finally:
        twin.unlink()


def test_a_manifest_that_is_gone_and_a_late_segment(system: System) -> None:
    path = segment(system, "0").with_name("manifest.json")
    told = path.read_bytes()
    path.unlink()
    try:
        assert kinds(run_audit(system.settings)) == {"closed_not_sealed": 1}
        shorter = orjson.loads(told)
        dropped = shorter["segments"].pop()
        shorter["frames"] -= dropped["frames"]
        path.write_bytes(orjson.dumps(shorter))
        assert kinds(run_audit(system.settings)) == {
            "late_segment": 1,
            "incomplete_episode": 1,
            "episode_differs": 1,
        }
        # An episode that ended after ClickHouse was looked at may lie in the lake alone.
        shorter["boundary"]["source_offset"] = 10**9
        path.write_bytes(orjson.dumps(shorter))
        assert "episode_differs" not in kinds(run_audit(system.settings))
    finally:
        path.write_bytes(told)


def test_a_manifest_whose_hash_is_wrong(system: System) -> None:
    path = segment(system, "0").with_name("manifest.json")
    told = path.read_bytes()
    changed = orjson.loads(told)
    changed["segments"][0]["sha256"] = "0" * 64
    path.write_bytes(orjson.dumps(changed))
    try:
        assert kinds(run_audit(system.settings, deep=True)) == {"wrong_hash": 1}
    finally:
        path.write_bytes(told)


def test_raw_records_whose_retention_has_passed(system: System) -> None:
    before = run_audit(system.settings)
    admin = AdminClient({"bootstrap.servers": system.settings.require_kafka()})
    gone = TopicPartition(RAW, 0, sum(before.records.values()) // 2)
    admin.delete_records([gone])[gone].result(20)
    after = run_audit(system.settings)
    assert after.document() == before.document()
    assert after.ok


def test_a_record_that_never_became_anything(system: System) -> None:
    bootstrap = system.settings.require_kafka()
    envelope = Envelope(Kind.CHUNK, "fourier/r9", str(ULID()), 2, 0, 25, 1, PROFILE)
    send(bootstrap, [(RAW, 0, b"k", envelope_headers(envelope), b"x")])
    report = run_audit(system.settings)
    assert report.records["in_flight"] == 1
    assert kinds(report) == {"sequence_gap": 1}
    commit_all(bootstrap, RAW)
    assert kinds(run_audit(system.settings)) == {"nowhere": 1, "sequence_gap": 1}


def test_the_running_audit_tells_what_stands_and_goes_on(system: System) -> None:
    """Behind the record that never became anything: doubted, told, left behind, still told."""
    audit = RunningAudit(system.settings)
    doubted = audit.round()
    assert [one["kind"] for one in doubted["problems"]] == ["sequence_gap"]
    assert doubted["in_doubt"] == 1
    told = audit.round()
    assert {one["kind"]: one["count"] for one in told["problems"]} == {
        "nowhere": 1,
        "sequence_gap": 1,
    }
    quiet = audit.round()
    assert sum(quiet["records"].values()) == 0
    assert quiet["problems"] == told["problems"]
    audit.close()
    assert kinds(run_audit(system.settings, since=True)) == {"nowhere": 1, "sequence_gap": 1}
