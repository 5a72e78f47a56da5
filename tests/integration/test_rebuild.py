"""ClickHouse made anew from the lake: row for row, broken off, and beside a running sink."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from deploy.audit import run_audit
from deploy.cli.rebuild import rebuild_clickhouse
from deploy.create_topics import create_topics
from deploy.kafka.broker import BrokerSettings, running_broker
from schemas.canonical import BoundaryKind, encode_boundary, encode_chunk
from schemas.events import (
    EpisodeEvent,
    EpisodeLabel,
    EventKind,
    Finding,
    QualityReport,
    encode_event,
    encode_label,
    encode_report,
)
from schemas.marks import episode_id
from schemas.settings import Settings
from schemas.topics import (
    CANONICAL_FRAMES,
    EPISODE_LABELS,
    EPISODES,
    QUALITY_REPORTS,
    all_topics,
)
from sinks.clickhouse.beside import TABLES
from sinks.clickhouse.client import connect
from tests.canonical_make import LOG_MS, PROCESSING, boundary, chunk
from tests.integration.test_audit import World, run_sinks, written
from tests.sink_rig import SinkProcess, committed, send, unique, wait_until

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def settings(clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Three robots' sessions at rest, the sinks killed while they followed them, then stopped."""
    folder = tmp_path_factory.mktemp("rebuilt")
    with running_broker(BrokerSettings(folder / "kafka")) as bootstrap:
        settings = Settings(
            kafka_bootstrap=bootstrap,
            clickhouse_url=clickhouse,
            clickhouse_database=unique("rebuilt").replace("-", "_"),
            lake_url=str(folder / "lake"),
            home=folder,
        )
        create_topics(bootstrap, all_topics(["fourier"], 1))
        run_sinks(settings, told(written()), folder)
        yield settings


def told(world: World) -> World:
    """The world with findings, and with the openings of its episodes."""
    for robot, session in world.sessions.items():
        episode = episode_id(session, 100)
        opened = EpisodeEvent(
            episode, PROCESSING, EventKind.OPENED, robot, session, LOG_MS, task="fold"
        )
        world.facts.append((EPISODES, 0, opened.key, None, encode_event(opened)))
        label = EpisodeLabel(episode, robot, session, LOG_MS, review="good", note="by hand")
        world.facts.append((EPISODE_LABELS, 0, label.key, None, encode_label(label)))
        findings = [Finding("jitter", "warning", None, 3, 4, 1, 0.5, 0.1)]
        report = QualityReport(
            robot, session, 110, 0, 25, episode, PROCESSING, "raw.fourier", 0, 9, 5, findings
        )
        world.facts.append((QUALITY_REPORTS, 0, robot.encode(), None, encode_report(report)))
    return world


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = connect(settings.require_clickhouse(), settings.clickhouse_database)
    yield client
    client.close()


def rows(client: Client, table: str) -> pa.Table:
    """All rows of a table, each once, in the order of its key and of everything else."""
    key = client.query(
        "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = "
        "{t:String}",
        parameters={"t": table},
    ).result_rows[0][0]
    return client.query_arrow(f"SELECT * FROM {table} FINAL ORDER BY {key}", use_strings=False)


def everything(client: Client) -> dict[str, pa.Table]:
    return {name: rows(client, name) for name in TABLES}


def assert_same(before: dict[str, pa.Table], after: dict[str, pa.Table]) -> None:
    for name, table in before.items():
        assert table.num_rows > 0, name
        assert after[name].num_rows == table.num_rows, name
        for column in table.column_names:
            assert as_bytes(after[name], column) == as_bytes(table, column), f"{name}.{column}"


def as_bytes(table: pa.Table, column: str) -> bytes:
    """A column bit for bit: a NaN is what it was, and no other NaN."""
    one = table.select([column]).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, one.schema) as writer:
        writer.write_table(one)
    return sink.getvalue().to_pybytes()


def quiet(_what: str, _done: int, _all: int) -> None:
    pass


def test_every_table_comes_back_row_for_row(settings: Settings, client: Client) -> None:
    before = everything(client)
    for name in TABLES:
        client.command(f"TRUNCATE TABLE {name}")
    done = rebuild_clickhouse(settings, lake_only=True, told=quiet)
    assert done.rows == {name: table.num_rows for name, table in before.items()}
    assert done.log_records == 0
    assert_same(before, everything(client))
    assert run_audit(settings, deep=True).ok


def test_a_rebuild_that_is_broken_off_goes_on(settings: Settings, client: Client) -> None:
    before = everything(client)

    class BrokenOffError(Exception):
        pass

    for limit in (1, 2, 4):

        def stop(_what: str, done: int, _all: int, limit: int = limit) -> None:
            if done >= limit:
                raise BrokenOffError

        with pytest.raises(BrokenOffError):
            rebuild_clickhouse(settings, lake_only=True, told=stop)
        assert_same(before, everything(client))
    rebuild_clickhouse(settings, lake_only=True, told=quiet)
    assert_same(before, everything(client))
    databases = {row[0] for row in client.query("SELECT name FROM system.databases").result_rows}
    assert f"{settings.clickhouse_database}_rebuild" not in databases


def test_a_rebuild_beside_a_running_sink_takes_in_the_log(
    settings: Settings, client: Client, tmp_path: Path
) -> None:
    bootstrap = settings.require_kafka()
    env = {
        "KAFKA_BOOTSTRAP": bootstrap,
        "CLICKHOUSE_URL": settings.require_clickhouse(),
        "KINEBUS_DATABASE": settings.clickhouse_database,
        "KINEBUS_LAKE": settings.require_lake(),
        "KINEBUS_HOME": str(tmp_path),
    }
    robot, session = "fourier/r1", "01BX5ZZKBKACTAV9WEVGEMMVRZ"
    episode = episode_id(session, 0)
    begin = boundary(BoundaryKind.EPISODE_START, 0, episode, 0, robot, session=session)
    facts = [encode_boundary(begin)]
    facts += [
        encode_chunk(chunk(i, 25 * (i - 1), 25, episode, robot, channels=44, session=session))
        for i in range(1, 41)
    ]
    end = boundary(BoundaryKind.EPISODE_END, 41, episode, 1000, robot, session=session)
    sink = SinkProcess("clickhouse", env, tmp_path / "clickhouse.log")
    try:
        start = committed(bootstrap, "sink-clickhouse", CANONICAL_FRAMES, 1)
        send(bootstrap, [(CANONICAL_FRAMES, 0, b"k", None, value) for value in facts])
        wait_until(
            lambda: committed(bootstrap, "sink-clickhouse", CANONICAL_FRAMES, 1) == start + 41,
            "the frames to be stored",
        )
        done = rebuild_clickhouse(settings, lake_only=False, told=quiet)
        assert done.log_records >= 41
        # The lake holds nothing of it: what the end counts came from the log.
        send(bootstrap, [(CANONICAL_FRAMES, 0, b"k", None, encode_boundary(end))])
        stored = f"SELECT any(stored_frames) FROM episode_states WHERE session = '{session}'"
        wait_until(
            lambda: client.query(stored).result_rows[0][0] == 1000, "the episode to be counted"
        )
    finally:
        assert sink.stop() == 0
