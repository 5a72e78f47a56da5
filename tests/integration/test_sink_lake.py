"""The lake sink on a real Kafka, in a folder and in S3: complete, byte-equal, never over."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import boto3
import obstore
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, TopicPartition
from obstore.store import ObjectStore
from ulid import ULID

from deploy.containers import S3
from deploy.create_topics import create_topics
from schemas.canonical import Boundary, BoundaryKind, CanonicalChunk, encode_boundary, encode_chunk
from schemas.codec import CodecError
from schemas.events import EventKind, decode_event
from schemas.marks import episode_id
from schemas.settings import Settings
from schemas.topics import EPISODES, TopicSpec, all_topics
from schemas.vendors import PROFILES_DIR
from sinks.announce import Announcer
from sinks.archive.table import decode_range
from sinks.lake.__main__ import UnknownProfileError, names_of_profiles
from sinks.lake.keys import SEGMENT_FRAMES, folder, region_of
from sinks.lake.sink import LakeSink
from sinks.objects import digest, list_keys, open_store, put_once, read_object
from tests.canonical_make import PROCESSING, boundary, chunk
from tests.sink_rig import committed, following, send, unique, wait_until

pytestmark = pytest.mark.kafka

ROBOTS = ("fourier/r1", "fourier/r2")


@pytest.fixture(params=["folder", "s3"])
def url(
    request: pytest.FixtureRequest, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An empty store: a folder, and a bucket."""
    if request.param == "folder":
        yield str(tmp_path / "lake")
        return
    bucket = unique("lake")
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=bucket)
    yield f"s3://{bucket}/some/prefix"


def session_of(robot: str, session: str) -> list[CanonicalChunk | Boundary]:
    """Frames before an episode, an episode of one and a half segments, frames behind it."""
    episode = episode_id(session, 20)
    facts: list[CanonicalChunk | Boundary] = []
    frame, total = 0, 0
    for sequence in range(160):
        if sequence == 20:
            facts.append(
                boundary(BoundaryKind.EPISODE_START, 20, episode, 0, robot, session=session)
            )
        elif sequence == 140:
            end = boundary(BoundaryKind.EPISODE_END, 140, episode, total, robot, session=session)
            facts.append(end)
        else:
            inside = 20 < sequence < 140
            name = episode if inside else None
            facts.append(chunk(sequence, frame, 25, name, robot, channels=44, session=session))
            frame, total = frame + 25, total + 25 * inside
    facts.append(boundary(BoundaryKind.SESSION_END, 160, None, frame, robot, session=session))
    return facts


def follow(kafka: str, store: ObjectStore, topic: str, group: str, spill_dir: Path):
    def build(follower):
        announcer = Announcer(kafka, group, follower.patience)
        names = names_of_profiles(Settings())
        return LakeSink(store, names, announcer, follower.patience, spill_dir)

    return following(kafka, group, [topic], build)


def stored(store: ObjectStore) -> dict[str, bytes]:
    """Segments and manifests, and the boundaries beside them."""
    keys = [key for root in ("episodes", "log") for key, _ in list_keys(store, root)]
    return {key: read_object(store, key) for key in keys}


def test_interrupted_and_uninterrupted_leave_the_same_objects(
    kafka: str, url: str, tmp_path: Path
) -> None:
    topic = unique("canonical-lake")
    create_topics(kafka, [*all_topics(["fourier"], 4), TopicSpec(topic, 4)])
    sessions = {robot: str(ULID()) for robot in ROBOTS}
    logs = [session_of(robot, session) for robot, session in sessions.items()]
    log = [fact for both in zip(*logs, strict=True) for fact in both]
    # A worker that crashed writes some of it again.
    log = [*log[:150], *log[90:150], *log[150:], *log[-30:]]
    records: list[tuple[str, int, bytes, None, bytes | None]] = [
        (topic, 2, b"k", None, encode_boundary(f) if isinstance(f, Boundary) else encode_chunk(f))
        for f in log
    ]
    # Others have written there, too.
    records[170:170] = [(topic, 2, b"k", None, value) for value in (None, b"junk")]
    store, group = open_store(url), unique("sink-lake")
    for start, stop in ((0, 100), (100, 260), (260, len(records))):
        with follow(kafka, store, topic, group, tmp_path / "spill"):
            send(kafka, records[start:stop])
            # The last session's end lies behind its last frame: then nothing is open any more.
            wanted = stop if stop == len(records) else 1
            wait_until(lambda least=wanted: committed(kafka, group, topic, 4) >= least, "a commit")
    other, at_once = open_store(str(tmp_path / "other")), unique("sink-lake")
    with follow(kafka, other, topic, at_once, tmp_path / "spill-at-once"):
        wait_until(lambda: committed(kafka, at_once, topic, 4) == len(records), "the other run")

    objects = stored(store)
    assert objects == stored(other)
    kept = [key for key in objects if key.startswith("log/")]
    boundaries = [r for key in kept for r in decode_range(objects[key])]
    assert len(boundaries) == sum(isinstance(fact, Boundary) for fact in log)
    rows = [
        row
        for key, data in objects.items()
        if key.endswith(".parquet") and key.startswith("episodes/")
        for row in zip(
            *(
                pq.read_table(pa.BufferReader(data), columns=["sequence", "frame"]).to_pydict()[c]
                for c in ("sequence", "frame")
            ),
            [key.split("/")[3]] * pq.read_metadata(pa.BufferReader(data)).num_rows,
            strict=True,
        )
    ]
    assert len(rows) == len(set(rows)) == 2 * 158 * 25
    events = sealed_events(kafka)
    for robot, session in sessions.items():
        episode = episode_id(session, 20)
        region = region_of((robot, session, PROCESSING), episode, 0)
        data = objects[f"{folder(region)}/manifest.json"]
        manifest = orjson.loads(data)
        assert manifest["frames"] == manifest["boundary"]["frames"] == 119 * 25
        assert [s["first_frame"] for s in manifest["segments"]] == [500, SEGMENT_FRAMES]
        for segment in manifest["segments"]:
            assert segment["sha256"] == digest(objects[segment["key"]])
            assert segment["bytes"] == len(objects[segment["key"]])
        told = events[episode]
        assert (told.frames, told.manifest_sha256) == (119 * 25, digest(data))


def sealed_events(kafka: str) -> dict[str, object]:
    """What was announced, by episode."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique("look")})
    found = {}
    for partition in range(4):
        place = TopicPartition(EPISODES, partition)
        _, high = consumer.get_watermark_offsets(place, timeout=20)
        consumer.assign([TopicPartition(EPISODES, partition, 0)])
        at = 0
        while at < high and (message := consumer.poll(10)) is not None:
            at = message.offset() + 1
            # Tests share the topic, and one of them writes there what is no event.
            with suppress(CodecError):
                event = decode_event(message.value())
                if event.kind is EventKind.SEALED:
                    found[event.episode] = event
    consumer.close()
    return found


def test_nothing_is_put_over(url: str) -> None:
    store = open_store(url)
    first = put_once(store, "a/b", b"one")
    second = put_once(store, "a/b", b"two")
    assert (first.created, second.created) == (True, False)
    assert second.sha256 == digest(b"one") == digest(read_object(store, "a/b"))
    assert list(list_keys(store, "a")) == [("a/b", 3)]
    assert list(list_keys(store, "nothing")) == []


def test_of_many_puts_of_one_key_one_counts(url: str) -> None:
    store = open_store(url)
    values = [f"racer {i}".encode() for i in range(64)]
    with ThreadPoolExecutor(16) as pool:
        puts = list(pool.map(lambda value: put_once(store, "race/key", value), values))
    (winner,) = [i for i, put in enumerate(puts) if put.created]
    assert read_object(store, "race/key") == values[winner]
    assert {put.sha256 for put in puts} == {digest(values[winner])}


def test_a_large_object_is_put_whole_or_not_at_all(url: str) -> None:
    """Larger than any part of a multipart upload: the condition holds for the whole."""
    store = open_store(url)
    large = bytes(range(256)) * (48 * 1024)
    assert put_once(store, "large/key", large).created
    assert not put_once(store, "large/key", large[::-1]).created
    assert digest(read_object(store, "large/key")) == digest(large)
    obstore.put(store, "large/parts", large, use_multipart=True, chunk_size=5 << 20)
    assert put_once(store, "large/parts", b"other").sha256 == digest(large)


def test_a_profile_nobody_knows_is_an_error() -> None:
    names = names_of_profiles(Settings())
    assert len(names("fourier-gr1@1")) == 44
    with pytest.raises(UnknownProfileError, match="KINEBUS_PROFILES"):
        names("fourier-gr1@99")


def test_a_profile_that_is_added_while_it_runs_is_known_without_a_restart(tmp_path: Path) -> None:
    names = names_of_profiles(Settings(profiles_dir=tmp_path))
    with pytest.raises(UnknownProfileError):
        names("fourier-gr1@2")
    text = (PROFILES_DIR / "fourier_gr1.toml").read_text()
    (tmp_path / "fourier_gr1_2.toml").write_text(text.replace("version = 1", "version = 2"))
    assert names("fourier-gr1@2") == names("fourier-gr1@1")
