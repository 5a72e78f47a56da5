"""The SDK against a real Kafka: an outage and a kill -9 lose nothing and renumber nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from deploy.choose import Origin, choose_broker
from deploy.kafka.broker import BrokerSettings, running_broker
from producers.sdk.link import Link
from producers.sdk.session import Session
from schemas.partition import partition_of
from tests.integration.raw_log import PARTITIONS, PROFILE, ROBOT, chunk, create_raw_topic, read_raw

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.kafka


def once(envelopes):
    """A session's envelopes in the order they first came; copies of one are equal."""
    seen = {}
    for envelope in envelopes:
        assert seen.setdefault(envelope.sequence, envelope) == envelope
    return list(seen.values())


def assert_whole(envelopes, chunks):
    """Every record once, in order, frames counted through."""
    found = once(envelopes)
    assert [e.sequence for e in found] == list(range(len(found)))
    assert [e.first_frame for e in found if e.frames] == [4 * n for n in range(chunks)]


def test_a_session_arrives_whole_in_its_partition(kafka):
    create_raw_topic(kafka)
    with Session.open(ROBOT, PROFILE, bootstrap=kafka) as session:
        for _ in range(200):
            session.send_chunk(chunk(), frames=4)
    envelopes = read_raw(kafka)[session.id]
    assert len(envelopes) == 202
    assert_whole(envelopes, 200)
    assert session.progress.acknowledged_frames == 800


def test_sessions_share_a_link(kafka):
    create_raw_topic(kafka)
    link = Link(kafka)
    sessions = [Session.open(f"xhumanoid/shared-{n}", PROFILE, link=link) for n in range(8)]
    for _ in range(20):
        for session in sessions:
            session.send_chunk(chunk(), frames=4)
    assert all(session.close() for session in sessions)
    link.close()
    log = read_raw(kafka)
    for session in sessions:
        assert_whole(log[session.id], 20)


def test_our_partition_is_the_one_kafkas_clients_choose(kafka):
    topic = "raw.partition-check"
    create_raw_topic(kafka, topic)
    chosen = {}
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2"})
    for robot in (f"xhumanoid/place-{n}" for n in range(40)):
        producer.produce(
            topic,
            key=robot,
            on_delivery=lambda _, m: chosen.update({m.key().decode(): m.partition()}),
        )
    producer.flush(20)
    assert chosen == {robot: partition_of(robot, PARTITIONS) for robot in chosen}
    assert set(chosen.values()) == set(range(PARTITIONS))


def test_a_robot_killed_in_mid_send_goes_on_with_nothing_lost(kafka, tmp_path):
    create_raw_topic(kafka)
    before = set(read_raw(kafka))
    taken = []
    for chunks in (100_000, 100_000, 50):
        robot = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.integration.sdk_robot",
                kafka,
                str(tmp_path),
                str(chunks),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert robot.stdout is not None
        if chunks > 50:
            for _ in range(400):
                robot.stdout.readline()
            os.kill(robot.pid, signal.SIGKILL)
        lines = robot.stdout.read().split()
        robot.wait(60)
        taken.append(400 + len(lines) if chunks > 50 else len(lines) - 1)
    assert lines[-1] == "closed"
    log = read_raw(kafka)
    (session,) = set(log) - before
    # A kill may fall between taking a chunk and printing it: one more each time.
    arrived = sum(1 for e in once(log[session]) if e.frames)
    assert sum(taken) - 2 <= arrived <= sum(taken) + 2
    assert_whole(log[session], arrived)


@pytest.mark.skipif(
    choose_broker(None).origin is not Origin.EMBEDDED,
    reason="needs a broker of its own to stop: Java 17 and Kafka's jars",
)
def test_a_broker_away_in_the_middle_is_waited_for(tmp_path):
    settings = BrokerSettings(tmp_path / "kafka", heap_mb=256)
    sent = 0
    with running_broker(settings) as bootstrap:
        create_raw_topic(bootstrap)
        session = Session.open(ROBOT, PROFILE, bootstrap=bootstrap, spool=tmp_path / "spool")
        session.episode_start(task="fold")
        sent += send(session, seconds=1.0)
    sent += send(session, seconds=2.0)
    assert session.progress.acknowledged_records < session.progress.records
    with running_broker(settings) as bootstrap:
        sent += send(session, seconds=1.0)
        session.episode_end(success=True)
        assert session.close(60.0)
        envelopes = read_raw(bootstrap)[session.id]
    assert_whole(envelopes, sent)
    assert len(once(envelopes)) == sent + 4


def send(session, seconds):
    """Send chunks for a while; returns how many."""
    sent, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        session.send_chunk(chunk(), frames=4, timeout=30.0)
        sent += 1
        time.sleep(0.002)
    return sent
