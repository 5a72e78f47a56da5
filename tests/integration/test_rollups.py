"""Rollups equal what frames and findings say, after replays, crashes and a backfill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from schemas.canonical import CanonicalChunk
from schemas.events import EpisodeEvent, EventKind, Finding, QualityReport
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.fact_tables import At, events_table, findings_table, processings_table
from sinks.clickhouse.frames_table import frames_table
from sinks.clickhouse.migrate import migrate
from sinks.record import Place
from tests.canonical_make import PROCESSING, chunk
from tests.sink_rig import unique

AGAIN = "fedcba9876543210"
START_MS = 1_700_000_000_000
ROBOTS = ("fourier/r1", "unitree/g1")
VIEWS = ("refresh_robot_seconds", "refresh_robot_minutes", "refresh_check_minutes")

MINUTES = """
SELECT intDiv(log_ms, 60000) AS minute, robot, session, processing_id, count(), sum(frames),
    sum(arrayCount(x -> x != 0, flags)),
    quantileExact(0.5)(toFloat32(log_ms - published_ns / 1e6)),
    quantileExact(0.99)(toFloat32(log_ms - published_ns / 1e6)),
    max(toFloat32(log_ms - published_ns / 1e6))
FROM frames FINAL GROUP BY minute, robot, session, processing_id ORDER BY ALL
"""
SECONDS = """
SELECT intDiv(log_ms, 1000) AS second, robot, session, processing_id, count(), sum(frames),
    sum(arrayCount(x -> x != 0, flags)), max(toFloat32(log_ms - published_ns / 1e6))
FROM frames FINAL GROUP BY second, robot, session, processing_id ORDER BY ALL
"""
CHECKS = """
SELECT intDiv(log_ms, 60000) AS minute, robot, session, processing_id, check, channel, severity,
    count(), sum(frames), argMax(value, abs(value)), max(threshold)
FROM findings FINAL GROUP BY minute, robot, session, processing_id, check, channel, severity
ORDER BY ALL
"""
RECOMPUTED = {"robot_minutes": MINUTES, "robot_seconds": SECONDS, "check_minutes": CHECKS}


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    """A database of one's own, migrated."""
    client = connect_created(clickhouse, unique("rollups").replace("-", "_"))
    migrate(client)
    yield client
    client.close()


def refresh(client: Client) -> None:
    """Sum what is due, now."""
    for view in VIEWS:
        client.command(f"SYSTEM REFRESH VIEW {view}")
        client.command(f"SYSTEM WAIT VIEW {view}")


def chunks_of(robot: str, processing: str = PROCESSING, frames: int = 5) -> list[CanonicalChunk]:
    """Three minutes of a robot, a chunk every two seconds, some frames flagged."""
    made = []
    for n in range(90):
        one = chunk(n, n * frames, frames, None, robot, channels=3)
        at_ms = START_MS + n * 2_000
        flags = np.zeros(frames, np.uint64)
        flags[: n % 3] = 4
        delayed = (at_ms - 20 - n) * 1_000_000
        made.append(
            replace(one, log_ms=at_ms, published_ns=delayed, flags=flags, processing_id=processing)
        )
    return made


def reports_of(chunks: Sequence[CanonicalChunk]) -> list[QualityReport]:
    """What was found in every third chunk."""
    return [
        QualityReport(
            one.robot, one.session, one.sequence, one.first_frame, one.frames, None,
            one.processing_id, one.source_topic, 0, one.source_offset, one.log_ms,
            [
                Finding("joint_limit", "warning", f"j{n % 2}", 0, 3, 3, 0.1 * n, 0.01),
                Finding("gap", "error", None, 0, 1, 1, 9.0, 5.0),
            ],
        )
        for n, one in enumerate(chunks)
        if n % 3 == 0
    ]  # fmt: skip


def put(client: Client, chunks: Sequence[CanonicalChunk], reports: Sequence[QualityReport]) -> None:
    """Insert them as one block each."""
    if chunks:
        client.insert_arrow("frames", frames_table(chunks))
    if reports:
        client.insert_arrow("findings", findings_table(reports))


def assert_right(client: Client) -> dict[str, int]:
    """Every rollup equals the sums over what it is of; returns their rows."""
    held = {}
    for table, question in RECOMPUTED.items():
        told = client.query(
            f"SELECT * EXCEPT computed_at FROM {table} FINAL ORDER BY ALL"
        ).result_rows
        wanted = client.query(question).result_rows
        assert told == wanted, table
        held[table] = len(told)
    return held


def test_rollups_stay_right_under_replays_and_a_backfill(client: Client) -> None:
    chunks = [one for robot in ROBOTS for one in chunks_of(robot)]
    reports = reports_of(chunks)
    put(client, chunks, reports)
    refresh(client)
    held = assert_right(client)
    assert held == {"robot_minutes": 8, "robot_seconds": 180, "check_minutes": 24}

    # A sink that died before it committed reads again and cuts its blocks otherwise; twice over.
    for cut in (17, 61):
        for at in range(0, len(chunks), cut):
            put(client, chunks[at : at + cut], reports[at : at + cut])
        refresh(client)
        assert assert_right(client) == held

    # A chunk that comes late, into a minute that was summed long ago.
    late = replace(chunks[0], sequence=500, first_frame=5_000)
    put(client, [late], [])
    refresh(client)
    assert assert_right(client)["robot_minutes"] == held["robot_minutes"]

    # The same session anew by other rules: both stand beside each other, the newer one counts.
    anew = chunks_of(ROBOTS[0], AGAIN)
    put(client, anew, reports_of(anew)[:1])
    first = [(PROCESSING, START_MS), (AGAIN, START_MS + 9_000_000)]
    client.insert_arrow("processings", processings_table(first))
    refresh(client)
    both = assert_right(client)
    assert both["robot_minutes"] == held["robot_minutes"] + 4
    current = "SELECT robot, any(processing_id), sum(frames) FROM current_robot_minutes GROUP BY 1"
    assert sorted(client.query(current).result_rows) == [
        (ROBOTS[0], AGAIN, 450),
        (ROBOTS[1], PROCESSING, 450),
    ]
    found = "SELECT robot, sum(findings) FROM current_check_minutes GROUP BY robot"
    assert sorted(client.query(found).result_rows) == [(ROBOTS[0], 2), (ROBOTS[1], 60)]


def test_a_minute_is_made_anew_only_while_it_is_due(client: Client) -> None:
    put(client, chunks_of(ROBOTS[0]), [])
    refresh(client)
    rows = "SELECT count() FROM robot_minutes"
    made = client.query(rows).result_rows
    # As if its last insert lay more than a minute back.
    long_ago = "SELECT 'chunks', minute, now64(3) - INTERVAL 90 SECOND FROM robot_minutes"
    client.command("TRUNCATE TABLE rollup_due")
    client.command(f"INSERT INTO rollup_due {long_ago}")
    refresh(client)
    assert client.query(rows).result_rows == made


def told(episode: str, kind: EventKind, at_ms: int, offset: int, **facts: Any) -> At:
    """A fact about an episode where it stands on its topic."""
    processing = facts.pop("processing", PROCESSING)
    event = EpisodeEvent(episode, processing, kind, ROBOTS[0], "s", at_ms, **facts)
    return At(Place("episodes", 0), offset, event)


def test_each_judged_episode_counts_once_by_its_current_processing(client: Client) -> None:
    events = [
        told("e1", EventKind.OPENED, START_MS, 0, task="fold", operator="op-1"),
        told("e1", EventKind.CLOSED, START_MS + 9, 1, frames=100, success=True),
        told("e1", EventKind.VERDICT, START_MS + 9, 2, verdict="reject", score=0.5),
        told("e2", EventKind.OPENED, START_MS, 3, task="fold"),
        told("e1", EventKind.OPENED, START_MS, 4, task="fold", processing=AGAIN),
        told("e1", EventKind.VERDICT, START_MS + 9, 5, verdict="accept", processing=AGAIN),
    ]
    first = [(PROCESSING, START_MS), (AGAIN, START_MS + 9_000_000)]
    client.insert_arrow("processings", processings_table(first))
    for _ in range(2):
        client.insert_arrow("episode_events", events_table(events))
    since = f"SELECT episode, maker, task, verdict FROM verdicts_since(since_ms={START_MS})"
    assert client.query(since).result_rows == [("e1", "fourier", "fold", "accept")]
    later = f"SELECT episode FROM verdicts_since(since_ms={START_MS + 10})"
    assert client.query(later).result_rows == []
