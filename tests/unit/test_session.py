"""The SDK's session over a fake producer: order, chunks, marks, outages, crashes, limits."""

from __future__ import annotations

import shutil
import time

import numpy as np
import orjson
import pytest

from producers.sdk.backlog import SpoolFullError
from producers.sdk.form import UnknownProfileError, ValueTooLargeError
from producers.sdk.frames import FrameError
from producers.sdk.link import UnknownTopicError
from producers.sdk.session import Session, SessionEndedError
from producers.sdk.spool import SpoolLimits
from producers.sdk.spool_root import SpoolInUseError
from producers.sdk.way import WaySettings
from schemas.codec import decode
from schemas.partition import partition_of
from schemas.registry import packaged
from schemas.vendors import PROFILES_DIR
from tests.fake_kafka import FakeKafka, close_links

ROBOT = "pollen/r2-0007"
PROFILE = "pollen-reachy2@1"
REGISTRY = packaged().with_dir(PROFILES_DIR)


@pytest.fixture
def kafka():
    yield FakeKafka()
    close_links()


def frame(number=0):
    return {
        "time": float(number),
        "l_arm": [1.0] * 7,
        "r_arm": np.arange(7.0),
        "head": [0.0, 0.0, 0.0],
        "l_hand": 100.0,
        "r_hand": np.float64(0.5),
        "l_antenna": 0.0,
        "r_antenna": 0.0,
    }


def chunk(first=0, frames=2):
    rows = [frame(n) for n in range(first, first + frames)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["r_arm"] = [row.tolist() for row in columns["r_arm"]]
    columns["r_hand"] = [float(value) for value in columns["r_hand"]]
    return columns


def opened(kafka, spool=None, **more):
    return Session.open(ROBOT, PROFILE, link=kafka.link(), spool=spool, **more)


def kinds(kafka):
    found = []
    for *_, value, headers in kafka.log:
        is_mark = headers["kind"] == b"mark"
        found.append(orjson.loads(value)["mark"] if is_mark else int(headers["frames"]))
    return found


def send_until_full(session):
    """Send chunks until one is not taken; returns how many were."""
    for sent in range(1_000):
        try:
            session.send_chunk(chunk(sent * 2), frames=2)
        except SpoolFullError:
            return sent
    raise AssertionError("the spool takes everything")


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_frames_and_marks_stand_in_one_sequence(kafka):
    with opened(kafka) as session:
        episode = session.episode_start(task="fold", operator="op-12", mode="teleoperated")
        for number in range(3):
            session.send(frame(number))
        session.episode_end(success=True)
        session.send_chunk(chunk(3), frames=2)
    assert kinds(kafka) == ["session_start", "episode_start", 3, "episode_end", 2, "session_end"]
    assert kafka.sequences() == [(session.id, n) for n in range(6)]
    assert [int(h["first_frame"]) for *_, h in kafka.log] == [0, 0, 0, 3, 3, 5]
    assert episode == f"{session.id}-0000000001"
    assert orjson.loads(kafka.log[-1][3]) == {"mark": "session_end", "last_sequence": 5}


def test_every_record_has_the_robots_key_and_partition(kafka):
    with opened(kafka) as session:
        session.send(frame())
    for topic, partition, key, _, headers in kafka.log:
        assert (topic, key) == ("raw.pollen", ROBOT.encode())
        assert partition == partition_of(ROBOT, 4)
        assert headers["profile"] == PROFILE.encode()


def test_a_chunk_of_frames_is_the_vendors_own_form(kafka):
    with opened(kafka) as session:
        session.send(frame(0))
        session.send(frame(1))
    value = decode(kafka.log[1][3], REGISTRY)[1]
    assert value == chunk(0, 2)


def test_a_chunk_closes_by_itself_when_its_time_is_up(kafka):
    with opened(kafka) as session:
        session.send(frame())
        wait_for(lambda: kinds(kafka) == ["session_start", 1])


def test_a_chunk_holds_64_frames_at_most(kafka):
    with opened(kafka) as session:
        for number in range(130):
            session.send(frame(number))
        session.flush()
        assert max(k for k in kinds(kafka) if isinstance(k, int)) <= 64
        assert session.progress.frames == 130


def test_the_caller_may_reuse_its_arrays(kafka):
    own = frame()
    with opened(kafka) as session:
        session.send(own)
        own["r_arm"][:] = 99.0
        own["l_arm"][0] = 99.0
    value = decode(kafka.log[1][3], REGISTRY)[1]
    assert value["r_arm"] == [list(map(float, range(7)))]
    assert value["l_arm"] == [[1.0] * 7]


def test_blocks_take_arrays_and_keep_their_type(kafka):
    link = kafka.link()
    with Session.open("unitree/g1-1", "unitree-g1-inspire@1", link=link) as session:
        state = np.linspace(0, 1, 26, dtype=np.float32)
        own = {"observation_state": state, "action": state.astype(np.float64), "timestamp": 0.5}
        own |= dict.fromkeys(("frame_index", "episode_index", "index", "task_index"), 3)
        session.send(own)
        with pytest.raises(FrameError, match="not rows of 26"):
            session.send(own | {"action": np.zeros(27)})
        with pytest.raises(FrameError, match="does not fit"):
            session.send(own | {"frame_index": 0.5})
        with pytest.raises(FrameError, match="lacks action"):
            session.send({k: v for k, v in own.items() if k != "action"})
        with pytest.raises(FrameError, match="no field 'colour'"):
            session.send(own | {"colour": 1})
    value = decode(kafka.log[1][3], REGISTRY)[1]
    assert value["observation_state"] == state.tobytes()
    assert value["frame_index"] == np.int64(3).tobytes()


def test_sparse_frames_go_through_as_they_are(kafka):
    with Session.open("kscale/k-1", "kscale-kbot@1", link=kafka.link()) as session:
        state = {"actuator_id": 11, "online": True, "position": 1.5, "velocity": None}
        state |= dict.fromkeys(("torque", "temperature", "voltage", "current"))
        own = {"real_timestamp": 1, "video_timestamp": 0, "video_frame_number": 0}
        own |= {"inference_step": 0, "actuator_states": [state], "actuator_commands": []}
        session.send(own)
        session.send(own | {"actuator_states": []})
    frames = decode(kafka.log[1][3], REGISTRY)[1]["frames"]
    assert [len(f["actuator_states"]) for f in frames] == [1, 0]
    assert frames[0]["actuator_states"][0] == state


def test_what_is_too_large_is_refused_with_a_reason(kafka):
    with opened(kafka) as session:
        huge = frame() | {"l_arm": [0.123456789] * 60_000}
        with pytest.raises(ValueTooLargeError, match="fewer frames"):
            session.send(huge)
        with pytest.raises(ValueTooLargeError, match="524,288"):
            session.send_chunk(chunk() | {"head": [[0.0] * 300_000]}, frames=1)
        session.send(frame())
    assert kinds(kafka) == ["session_start", 1, "session_end"]


def test_wide_frames_are_cut_into_chunks_that_fit(kafka):
    with opened(kafka) as session:
        for _ in range(10):
            session.send(frame() | {"l_arm": [0.123456789] * 10_000})
    assert sum(k for k in kinds(kafka) if isinstance(k, int)) == 10
    assert all(len(value) <= 512 * 1024 for *_, value, _ in kafka.log)


def test_an_outage_fills_the_memory_and_then_tells(kafka):
    settings = WaySettings(memory_bytes=20_000, connect_seconds=0.1)
    session = opened(kafka, settings=settings)
    kafka.up = False
    sent = send_until_full(session)
    with pytest.raises(SpoolFullError):
        session.send_chunk(chunk(), frames=2, timeout=0.05)
    kafka.up = True
    session.send_chunk(chunk(), frames=2, timeout=5.0)
    session.close()
    assert kafka.sequences() == [(session.id, n) for n in range(sent + 3)]


def test_a_spool_carries_a_session_over_an_outage_longer_than_the_queue(kafka, tmp_path):
    kafka.room = 5
    kafka.up = False
    session = opened(kafka, tmp_path, settings=WaySettings(connect_seconds=0.1))
    for number in range(50):
        session.send_chunk(chunk(number * 2), frames=2)
    assert kafka.log == []
    kafka.up = True
    assert session.close()
    assert kafka.sequences() == [(session.id, n) for n in range(52)]
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_the_spool_is_bounded(kafka, tmp_path):
    kafka.up = False
    settings = WaySettings(SpoolLimits(max_bytes=20_000), connect_seconds=0.1)
    session = opened(kafka, tmp_path, settings=settings)
    send_until_full(session)
    kafka.up = True
    session.close()
    assert kafka.sequences() == [(session.id, n) for n in range(len(kafka.log))]


def test_what_earlier_sessions_left_counts_for_the_bound(kafka, tmp_path):
    kafka.up = False
    settings = WaySettings(SpoolLimits(max_bytes=20_000), connect_seconds=0.1)
    session = opened(kafka, tmp_path / "spool", settings=settings)
    sent = send_until_full(session)
    after = FakeKafka(up=False)
    left = crash(session, tmp_path)
    for _ in range(2):
        full = WaySettings(SpoolLimits(max_bytes=1_000), connect_seconds=0.1)
        with pytest.raises(SpoolFullError):
            opened(after, left, settings=full, fresh=True)
    wider = WaySettings(SpoolLimits(max_bytes=30_000), connect_seconds=0.1)
    again = opened(after, left, settings=wider, fresh=True)
    assert send_until_full(again) < sent
    for each, its in ((session, kafka), (again, after)):
        its.up = True
        assert each.close()


def crash(session, tmp_path, name="after"):
    """What a killed process leaves: its files as they are; nothing is closed or flushed."""
    copy = tmp_path / name
    shutil.copytree(tmp_path / "spool", copy)
    return copy


def test_a_crashed_session_goes_on_where_it_stopped(kafka, tmp_path):
    kafka.up = False
    session = opened(kafka, tmp_path / "spool", settings=WaySettings(connect_seconds=0.1))
    session.episode_start(task="fold")
    for number in range(5):
        session.send_chunk(chunk(number * 2), frames=2)
    left = crash(session, tmp_path)
    after = FakeKafka()
    with opened(after, left) as again:
        assert again.resumed
        assert again.id == session.id
        again.send_chunk(chunk(10), frames=2)
    assert after.sequences() == [(session.id, n) for n in range(9)]
    assert [int(h["first_frame"]) for *_, h in after.log] == [0, 0, 0, 2, 4, 6, 8, 10, 12]
    kafka.up = True
    session.close()


def test_what_was_acknowledged_is_not_sent_again(kafka, tmp_path):
    session = opened(kafka, tmp_path / "spool")
    session.send_chunk(chunk(), frames=2)
    assert session.flush(5.0)
    after = FakeKafka()
    with opened(after, crash(session, tmp_path)) as again:
        assert again.resumed
    assert [sequence for _, sequence in after.sequences()] == [2]
    session.close()


@pytest.mark.parametrize("how", ["reboot", "asked for", "another profile"])
def test_a_new_session_begins_and_the_old_ones_rest_is_sent_first(
    kafka, tmp_path, monkeypatch, how
):
    kafka.up = False
    session = opened(kafka, tmp_path / "spool", settings=WaySettings(connect_seconds=0.1))
    session.send_chunk(chunk(), frames=2)
    left = crash(session, tmp_path)
    if how == "reboot":
        monkeypatch.setattr("producers.sdk.way.this_boot", lambda: "another boot")
    if how == "another profile":
        state = next(left.glob("*/session.json"))
        state.write_text(state.read_text().replace(PROFILE, "pollen-reachy2@9"))
    after = FakeKafka()
    with opened(after, left, fresh=how == "asked for") as again:
        assert not again.resumed
        again.send_chunk(chunk(), frames=2)
    old = [(session.id, 0), (session.id, 1)]
    assert after.sequences() == [*old, *((again.id, n) for n in range(3))]
    assert again.id > session.id
    kafka.up = True
    session.close()


def test_a_refused_record_is_sent_again_in_order(kafka, monkeypatch):
    monkeypatch.setattr("producers.sdk.sender.RETRY_SECONDS", 0.05)
    with opened(kafka) as session:
        session.flush(5.0)
        kafka.refuse_next = 1
        for number in range(4):
            session.send_chunk(chunk(number), frames=2)
    first_seen = list(dict.fromkeys(sequence for _, sequence in kafka.sequences()))
    assert sorted(first_seen) == list(range(6))
    last_seen = [sequence for _, sequence in kafka.sequences()][-5:]
    assert last_seen == sorted(last_seen)
    assert session.progress.acknowledged_frames == 8


def test_a_producer_that_ended_is_replaced(kafka):
    with opened(kafka) as session:
        session.flush(5.0)
        kafka.fatal_next = True
        session.send_chunk(chunk(), frames=2)
    assert kafka.made == 2
    assert kafka.sequences() == [(session.id, n) for n in range(3)]


def test_an_unknown_topic_is_told_when_opening(kafka):
    kafka.partitions = 0
    with pytest.raises(UnknownTopicError, match=r"raw\.pollen"):
        opened(kafka)


def test_the_partition_is_pinned_for_the_sessions_life(kafka, tmp_path):
    session = opened(kafka, tmp_path / "spool")
    session.flush(5.0)
    more = FakeKafka(partitions=64)
    with opened(more, crash(session, tmp_path)):
        pass
    assert {partition for _, partition, *_ in more.log} == {partition_of(ROBOT, 4)}
    session.close()


def test_two_processes_cannot_share_a_spool(kafka, tmp_path):
    with opened(kafka, tmp_path), pytest.raises(SpoolInUseError):
        opened(kafka, tmp_path)


def test_nothing_follows_the_end(kafka):
    session = opened(kafka)
    assert session.close()
    assert session.close()
    with pytest.raises(SessionEndedError):
        session.send(frame())


def test_names_are_checked(kafka):
    with pytest.raises(ValueError, match="pollen/<serial>"):
        Session.open("unitree/1", PROFILE, link=kafka.link())
    with pytest.raises(UnknownProfileError, match="pollen-reachy2@1"):
        Session.open(ROBOT, "pollen-reachy2@77", link=kafka.link())
    with pytest.raises(ValueError, match="bootstrap or link"):
        Session.open(ROBOT, PROFILE)
