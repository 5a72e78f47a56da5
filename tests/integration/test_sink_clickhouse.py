"""The ClickHouse sink on a real Kafka and ClickHouse: bits, replays, episodes, migrations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from ulid import ULID

from deploy.create_topics import create_topics
from producers.station import publish_label
from schemas.canonical import BoundaryKind, encode_boundary, encode_chunk
from schemas.events import (
    DeadLetter,
    EpisodeEvent,
    EpisodeLabel,
    EventKind,
    Finding,
    QualityReport,
    encode_dead_letter,
    encode_event,
    encode_report,
)
from schemas.marks import episode_id
from schemas.topics import (
    CANONICAL_FRAMES,
    EPISODE_LABELS,
    EPISODES,
    QUALITY_REPORTS,
    all_topics,
    dead_letter_topic,
    raw_topic,
)
from sinks.announce import Announcer
from sinks.catalogue import counts_by_vendor, list_episodes, show_episode
from sinks.clickhouse.__main__ import TOPICS
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.frames_table import frames_table
from sinks.clickhouse.migrate import MigrationChangedError, migrate, migrations
from sinks.clickhouse.sink import ClickHouseSink
from tests.canonical_make import PROCESSING, boundary, chunk
from tests.sink_rig import following, send, unique, wait_until

pytestmark = pytest.mark.kafka

PARTITION = 1
CLOSED = {"frames": 1000, "cause": "mark", "missing": 0}
ROBOT = "fourier/r7"


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    """A database of one's own, migrated."""
    client = connect_created(clickhouse, unique("sink").replace("-", "_"))
    migrate(client)
    yield client
    client.close()


def follow(kafka: str, client: Client, group: str):
    def build(follower):
        return ClickHouseSink(client, Announcer(kafka, group, follower.patience), follower.patience)

    return following(kafka, group, TOPICS, build)


def count(client: Client, question: str) -> int:
    return int(client.query(question).result_rows[0][0] or 0)


def test_an_episode_becomes_complete_and_stays_single(kafka: str, client: Client) -> None:
    # Topics are shared with other tests: what is counted is this maker's own.
    maker = unique("maker")
    robot = f"{maker}/r7"
    create_topics(kafka, all_topics([maker], 4))
    session = str(ULID())
    episode = episode_id(session, 0)
    chunks = [
        chunk(i, 25 * (i - 1), 25, episode, robot, channels=44, session=session)
        for i in range(1, 41)
    ]
    payload = np.array([0x7FC0BEEF, 0xFF800001, 0x7F800000], np.uint32).view(np.float32)
    position = chunks[3].position.copy()
    position[:3, 5] = payload
    chunks[3].position = position
    start = boundary(BoundaryKind.EPISODE_START, 0, episode, 0, robot, session=session)
    end = boundary(BoundaryKind.EPISODE_END, 41, episode, 1000, robot, session=session)
    canonical = [encode_boundary(start), *map(encode_chunk, chunks), encode_boundary(end)]

    def event(kind: EventKind, **facts) -> tuple:
        told = EpisodeEvent(episode, PROCESSING, kind, robot, session, 5, **facts)
        return (EPISODES, PARTITION, told.key, None, encode_event(told))

    finding = Finding("jitter", "warning", None, 3, 4, 1, 0.5, 0.1)
    report = QualityReport(
        robot, session, 1, 0, 25, episode, PROCESSING, raw_topic(maker), 1, 9, 5, [finding]
    )
    letter = DeadLetter(
        raw_topic(maker), 1, 4711, 5, "truncated", "ends early", 25, 1, b"k", [], b"\0\xff"
    )
    group = unique("sink-clickhouse")
    of_session = f"WHERE session = '{session}'"
    with follow(kafka, client, group):
        send(kafka, [(CANONICAL_FRAMES, PARTITION, b"k", None, v) for v in canonical])
        send(kafka, [event(EventKind.OPENED, task="fold"), event(EventKind.CLOSED, **CLOSED)])
        send(kafka, [(QUALITY_REPORTS, PARTITION, b"k", None, encode_report(report))])
        send(
            kafka,
            [(dead_letter_topic(maker), 1, letter.origin, None, encode_dead_letter(letter))],
        )
        stored = "SELECT any(stored_frames) FROM episode_states " + of_session
        wait_until(lambda: count(client, stored) == 1000, "the episode to be stored")
        assert list_episodes(client, session=session) == []
        send(kafka, [event(EventKind.SEALED, frames=1000, manifest="m")])
        wait_until(lambda: bool(list_episodes(client, session=session)), "the episode to complete")
        # The same records again, as after a crash of a worker.
        send(kafka, [(CANONICAL_FRAMES, PARTITION, b"k", None, v) for v in canonical[10:]])
        again = f"SELECT count() FROM frames {of_session}"
        wait_until(lambda: count(client, again) > 40, "the repeats to be inserted")

    assert count(client, f"SELECT count() FROM frames_live {of_session}") == 40
    assert count(client, f"SELECT sum(frames) FROM episode_frames {of_session}") == 1000
    assert count(client, f"SELECT count() FROM boundaries FINAL {of_session}") == 2
    rows = client.query(
        f"SELECT position, velocity, effort, t_ns, flags, source_offset FROM frames_live "
        f"{of_session} AND sequence = 4"
    ).result_rows
    stored_bits = np.array(rows[0][0], np.float32).reshape(44, 25).T
    table = client.query_arrow(f"SELECT position FROM frames_live {of_session} AND sequence = 4")
    bits = table["position"][0].values.to_numpy().view(np.uint32).reshape(44, 25).T
    assert stored_bits.shape == (25, 44)
    assert (bits == position.view(np.uint32)).all()
    assert (rows[0][2], rows[0][3], rows[0][5]) == ([], chunks[3].t_ns.tolist(), 1004)

    (found,) = list_episodes(client, session=session)
    assert (found.task, found.frames, found.complete, found.vendor) == (
        "fold", 1000, True, maker,
    )  # fmt: skip
    detail = show_episode(client, None, episode)
    assert detail is not None
    assert detail.findings == {"jitter": 1}
    assert {told["kind"] for told in detail.events} == {"opened", "closed", "stored", "sealed"}
    refused = f"FROM dead_letters FINAL WHERE source_topic = '{raw_topic(maker)}'"
    assert count(client, f"SELECT sum(value_bytes) {refused}") == 2
    (vendor,) = [v for v in counts_by_vendor(client) if v.vendor == maker]
    assert vendor.episodes == 1
    assert vendor.refused_frames == 25
    assert show_episode(client, None, "nobody") is None
    with pytest.raises(ValueError, match="no episode has colour"):
        list_episodes(client, colour="red")


@pytest.mark.parametrize("order", [(5, 9), (9, 5), (9, 5, 9)])
def test_of_two_values_under_one_number_the_first_counts_in_whatever_order_they_are_inserted(
    client: Client, order: tuple[int, ...]
) -> None:
    session = str(ULID())
    for offset in order:
        told = chunk(3, 75, 25, None, "fourier/liar", channels=2, session=session)
        told.source_offset = offset
        client.insert_arrow("frames", frames_table([told]))
    kept = client.query(f"SELECT source_offset FROM frames_live WHERE session = '{session}'")
    assert kept.result_rows == [(5,)]


def test_a_later_processing_is_the_current_one(client: Client) -> None:
    for processing, first_ms in (("old", 1), ("new", 2)):
        client.insert("processings", [[processing, first_ms]], ["processing_id", "first_ms"])
        for kind in ("opened", "closed", "stored", "sealed"):
            client.insert(
                "episode_events",
                [["e", processing, kind, "fourier/r1", "s", 1, 10, 0, 1]],
                ["episode", "processing_id", "kind", "robot", "session", "log_ms", "frames",
                 "event_partition", "event_offset"],
            )  # fmt: skip
    assert [e.processing_id for e in list_episodes(client)] == ["new"]
    everything = list_episodes(client, complete_only=False)
    assert sorted(e.processing_id for e in everything) == ["new", "old"]


def test_an_episode_that_lacks_frames_is_not_shown(client: Client) -> None:
    client.insert("processings", [["p", 1]], ["processing_id", "first_ms"])
    for kind, frames in (("closed", 10), ("stored", 10), ("sealed", 9)):
        client.insert(
            "episode_events",
            [["e", "p", kind, "fourier/r1", "s", 1, frames, 0, 1]],
            ["episode", "processing_id", "kind", "robot", "session", "log_ms", "frames",
             "event_partition", "event_offset"],
        )  # fmt: skip
    assert list_episodes(client) == []
    assert not list_episodes(client, complete_only=False)[0].complete


def test_migrations_apply_once_and_never_change(client: Client) -> None:
    assert migrate(client) == ()
    names = count(client, "SELECT count() FROM schema_migrations FINAL")
    assert names == len(migrations())
    client.insert("schema_migrations", [[1, "0001_tables", "other"]], ["version", "name", "sha256"])
    with pytest.raises(MigrationChangedError, match="0001_tables"):
        migrate(client)


def test_a_large_block_of_frames_is_one_file(client: Client) -> None:
    """A wide part has three files a column: making them took half of what an insert costs."""
    rows = [chunk(i, 50 * i, 50, channels=44) for i in range(1, 401)]
    client.insert_arrow("frames", frames_table(rows))
    kinds = client.query(
        "SELECT part_type, max(data_uncompressed_bytes) FROM system.parts "
        "WHERE table = 'frames' AND active GROUP BY part_type"
    ).result_rows
    assert [kind for kind, _ in kinds] == ["Compact"]
    assert kinds[0][1] > 10 * 1024 * 1024, "smaller parts would be compact anyway"


def facts_of(episode: str, session: str, cause: str, missing: int) -> list[tuple]:
    """What is told of an episode of no frame that both stores have."""
    told = [
        EpisodeEvent(episode, PROCESSING, EventKind.OPENED, ROBOT, session, 5, task="fold"),
        EpisodeEvent(
            episode, PROCESSING, EventKind.CLOSED, ROBOT, session, 5, cause=cause,
            missing=missing, frames=0, success=True,
        ),
        EpisodeEvent(episode, PROCESSING, EventKind.STORED, ROBOT, session, 5, frames=0),
        EpisodeEvent(
            episode, PROCESSING, EventKind.SEALED, ROBOT, session, 5, frames=0, manifest="m"
        ),
    ]  # fmt: skip
    return [(EPISODES, PARTITION, fact.key, None, encode_event(fact)) for fact in told]


def test_an_unknown_tail_or_a_missing_chunk_is_never_complete(kafka: str, client: Client) -> None:
    create_topics(kafka, all_topics(["fourier"], 4))
    session = str(ULID())
    ends = {
        "mark": ("mark", 0), "silence": ("silence", 0), "new_session": ("new_session", 0),
        "late_mark": ("late_mark", 0), "hole": ("mark", 3),
    }  # fmt: skip
    names = {episode_id(session, i): end for i, end in enumerate(ends)}
    with follow(kafka, client, unique("sink-clickhouse")):
        for name, end in names.items():
            send(kafka, facts_of(name, session, *ends[end]))
        every = {"complete_only": False, "session": session}
        wait_until(
            lambda: sum(e.is_sealed for e in list_episodes(client, **every)) == len(ends),
            "all facts to be stored",
        )
    found = {names[e.episode]: e.state for e in list_episodes(client, **every)}
    assert found == {
        "mark": "complete", "silence": "unknown_tail", "new_session": "unknown_tail",
        "late_mark": "unknown_tail", "hole": "incomplete",
    }  # fmt: skip
    assert [names[e.episode] for e in list_episodes(client, session=session)] == ["mark"]


def test_what_others_write_to_its_topics_stops_it_nowhere(kafka: str, client: Client) -> None:
    maker, session = unique("maker"), str(ULID())
    create_topics(kafka, all_topics([maker], 4))
    episode = episode_id(session, 0)
    topics = (
        CANONICAL_FRAMES, QUALITY_REPORTS, EPISODES, EPISODE_LABELS, dead_letter_topic(maker),
    )  # fmt: skip
    foreign = session.encode()
    with follow(kafka, client, unique("sink-clickhouse")):
        send(kafka, [(topic, PARTITION, b"k", None, foreign) for topic in topics])
        send(kafka, facts_of(episode, session, "mark", 0))
        wait_until(lambda: bool(list_episodes(client, session=session)), "what follows them")
        kept = f"FROM dead_letters WHERE value_head = '{session}'"
        wait_until(
            lambda: count(client, f"SELECT uniq(source_topic) {kept}") == len(topics),
            "each to be a dead letter",
        )


def test_labels_make_revisions_that_a_replay_does_not_double(kafka: str, client: Client) -> None:
    create_topics(kafka, all_topics(["fourier"], 4))
    session = str(ULID())
    episode = episode_id(session, 0)
    first = EpisodeLabel(episode, ROBOT, session, 10, author="op-1", success=False, task="folded")
    second = EpisodeLabel(episode, ROBOT, session, 20, author="op-2", review="reject")
    with follow(kafka, client, unique("sink-clickhouse")):
        send(kafka, facts_of(episode, session, "mark", 0))
        earlier, later = publish_label(kafka, first), publish_label(kafka, second)
        assert later > earlier

        def revision() -> int | None:
            found = list_episodes(client, session=session)
            return found[0].label_revision if found else None

        wait_until(lambda: revision() == later, "the labels to show")
    with follow(kafka, client, unique("sink-clickhouse-again")):  # another group: all of it again
        marked = f"SELECT count() FROM episode_labels WHERE session = '{session}'"
        wait_until(lambda: count(client, marked) > 2, "the labels to be inserted again")
    (one,) = list_episodes(client, session=session)
    assert (one.success, one.task, one.review, one.author) == (False, "folded", "reject", "op-2")
    assert count(client, f"{marked.replace('episode_labels', 'episode_labels FINAL')}") == 2
