"""Every question about quality, asked of takes and findings whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client

from schemas.events import EpisodeEvent, EpisodeLabel, EventKind, Finding, QualityReport
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.fact_tables import (
    At,
    events_table,
    findings_table,
    labels_table,
    processings_table,
)
from sinks.clickhouse.frames_table import frames_table
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.questions import ask, questions
from sinks.record import Place
from tests.canonical_make import PROCESSING, SESSION, chunk
from tests.integration.test_rollups import refresh
from tests.sink_rig import unique

DOCS = Path(__file__).parents[2] / "docs" / "quality-queries.md"
HOUR_MS = 3_600_000
START_MS = 480_000 * HOUR_MS
MINUTE_MS = 60_000

# robot, hour, task, operator, verdict, its checks, seconds
TAKES = (
    ("acme/a1", 0, "fold", "op-1", "reject", {"frozen_joint": 30, "frozen_joint/elbow": 30}, 60),
    ("acme/a1", 0, "fold", "op-1", "accept", {}, 60),
    ("acme/a1", 1, "fold", "op-1", "accept", {}, 120),
    ("acme/a2", 1, "wave", "op-2", "accept", {"near_pole": 3}, 60),
    ("bolt/b1", 1, "wave", "op-2", "review", {"jitter": 9, "frozen_joint": 1}, 180),
)


def _events(start_ms: int) -> list[At]:
    found: list[EpisodeEvent] = []
    for n, (robot, hour, task, operator, verdict, checks, seconds) in enumerate(TAKES):
        at = start_ms + hour * HOUR_MS + n * MINUTE_MS
        common = {"processing_id": PROCESSING, "robot": robot, "session": SESSION}

        def told(kind: EventKind, log_ms: int, n: int = n, c: Any = common, **f: Any) -> None:
            found.append(EpisodeEvent(episode=f"e{n}", kind=kind, log_ms=log_ms, **c, **f))

        told(EventKind.OPENED, at, task=task, operator=operator, station="s1")
        told(EventKind.CLOSED, at + 1, frames=100, t_first_ns=0, t_last_ns=seconds * 10**9)
        reasons = [] if verdict == "accept" else ["It froze. (elbow; 30% of frames)"]
        timing = {"missed_frames": 0.0}
        if robot == "bolt/b1":
            timing |= {"drift_ppm": -120.0, "drift_ci_ppm": 4.0, "offset_s": 0.25}
        told(
            EventKind.VERDICT, at + 1, verdict=verdict, score=0.9, reasons=reasons,
            findings=checks, timing=timing,
        )  # fmt: skip
    return [At(Place("episodes", 0), n, event) for n, event in enumerate(found)]


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    """A database with takes, frames and findings of two hours."""
    client = connect_created(clickhouse, unique("questions").replace("-", "_"))
    fill(client, START_MS)
    yield client
    client.close()


def fill(client: Client, start_ms: int) -> None:
    """Migrate, and put takes, frames and findings of two hours in, twice over."""
    migrate(client)
    client.insert_arrow("processings", processings_table([(PROCESSING, start_ms)]))
    client.insert_arrow("episode_events", events_table(_events(start_ms)))
    label = EpisodeLabel("e1", "acme/a1", SESSION, start_ms, review="reject", author="op-9")
    client.insert_arrow("episode_labels", labels_table([At(Place("episodes.labels", 0), 0, label)]))
    chunks, reports = [], []
    for robot, late_ms, flagged in (("acme/a1", 50, 2), ("acme/a2", 20, 0), ("bolt/b1", 900, 1)):
        for n in range(20):
            made = chunk(n, n * 10, 10, None, robot)
            at_ms = start_ms + n * 6_000
            flags = np.zeros(10, np.uint64)
            flags[:flagged] = 4
            published = (at_ms - late_ms) * 1_000_000
            chunks.append(replace(made, log_ms=at_ms, published_ns=published, flags=flags))
            found = [Finding("frozen_joint", "error", "elbow", 0, flagged, flagged, 2.0, 1.0)]
            found.append(Finding("near_pole", "info", None, 0, 1, 1, 1.0, 0.0))
            reports.append(
                QualityReport(
                    robot, SESSION, n, n * 10, 10, None, PROCESSING, "raw.x", 0, n, at_ms,
                    found if flagged else found[1:],
                )
            )  # fmt: skip
    for _ in range(2):
        client.insert_arrow("frames", frames_table(chunks))
        client.insert_arrow("findings", findings_table(reports))
    refresh(client)


def answers(client: Client, name: str, since_ms: int = START_MS) -> list[dict[str, Any]]:
    """The rows of an answer."""
    return ask(client, name, since_ms).documents()


def test_worst_robots(client: Client) -> None:
    rows = answers(client, "worst_robots")
    assert [row["robot"] for row in rows] == ["acme/a1", "bolt/b1", "acme/a2"]
    assert rows[0] == {
        "robot": "acme/a1", "frames": 200, "flagged": 0.2, "error_frames": 40,
        "worst_check": "frozen_joint", "on_joint": "elbow",
    }  # fmt: skip
    assert rows[2]["error_frames"] == 0


def test_pass_rate(client: Client) -> None:
    rows = {(r["maker"], r["task"], r["operator"]): r for r in answers(client, "pass_rate")}
    assert rows["acme", "fold", "op-1"]["takes"] == 3
    assert rows["acme", "fold", "op-1"]["accepted"] == 0.667
    assert rows["bolt", "wave", "op-2"]["review"] == 1
    assert len(rows) == 3


def test_costly_checks(client: Client) -> None:
    rows = {row["check"]: row for row in answers(client, "costly_checks")}
    assert set(rows) == {"frozen_joint", "jitter"}
    assert rows["frozen_joint"]["hours"] == pytest.approx(240 / 3600, abs=1e-4)
    assert rows["frozen_joint"]["rejected"] == 1
    assert rows["jitter"]["hours"] == pytest.approx(180 / 3600, abs=1e-4)


def test_clock_drift(client: Client) -> None:
    (row,) = answers(client, "clock_drift")
    assert (row["robot"], row["drift_ppm"], row["worst_ppm"]) == ("bolt/b1", -120.0, 120.0)
    assert row["last_offset_s"] == 0.25


def test_first_takes(client: Client) -> None:
    rows = {(row["task"], row["operator"]): row for row in answers(client, "first_takes")}
    assert rows["fold", "op-1"]["first_accepted"] == 0.0
    assert rows["fold", "op-1"]["all_accepted"] == 0.667
    assert rows["wave", "op-2"]["first_takes"] == 2
    assert rows["wave", "op-2"]["first_accepted"] == 0.5


def test_struck_joints(client: Client) -> None:
    rows = answers(client, "struck_joints")
    assert [(row["maker"], row["joint"], row["frames"]) for row in rows] == [
        ("acme", "elbow", 40),
        ("bolt", "elbow", 20),
    ]
    assert rows[0]["worst"] == 2.0


def test_late_robots(client: Client) -> None:
    rows = answers(client, "late_robots")
    assert [(row["robot"], row["typical_ms"]) for row in rows] == [
        ("bolt/b1", 900.0),
        ("acme/a1", 50.0),
        ("acme/a2", 20.0),
    ]


def test_verdicts_by_hour(client: Client) -> None:
    rows = answers(client, "verdicts_by_hour")
    assert [(r["accept"], r["review"], r["reject"]) for r in rows] == [(1, 0, 1), (2, 1, 0)]
    assert len(answers(client, "verdicts_by_hour", START_MS + HOUR_MS)) == 1


def test_makers_by_check(client: Client) -> None:
    rows = {(row["maker"], row["check"]): row for row in answers(client, "makers_by_check")}
    assert rows["acme", "frozen_joint"]["struck"] == 40
    assert rows["acme", "frozen_joint"]["per_thousand"] == 100.0
    assert rows["bolt", "near_pole"]["per_thousand"] == 100.0


def test_reasons(client: Client) -> None:
    rows = answers(client, "reasons")
    assert [(row["reason"], row["verdict"], row["takes"]) for row in rows] == [
        ("It froze.", "reject", 1),
        ("It froze.", "review", 1),
    ]


def test_disagreements(client: Client) -> None:
    (row,) = answers(client, "disagreements")
    assert (row["verdict"], row["person_says"], row["examples"]) == ("accept", "reject", ["e1"])


def test_time_in_takes(client: Client) -> None:
    rows = {row["robot"]: row for row in answers(client, "time_in_takes")}
    assert rows["acme/a1"]["minutes_in_takes"] == 4.0
    assert rows["acme/a1"]["minutes_accepted"] == 3.0
    assert rows["bolt/b1"]["minutes_accepted"] == 0.0
    assert rows["acme/a2"]["minutes_alive"] == 2


def test_every_question_is_documented_as_it_is(client: Client) -> None:
    text = DOCS.read_text(encoding="utf-8")
    for question in questions().values():
        assert f"## {question.title}" in text
        assert question.sql.strip() in text, question.name
        assert f"`{question.name}`" in text
