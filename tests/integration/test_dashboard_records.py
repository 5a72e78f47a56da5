"""The quality and pipeline pages in real Chromium: what they show is what stores and broker say."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from playwright.sync_api import Browser, expect

from deploy.audit.running import write_last
from deploy.create_topics import create_topics
from deploy.stack_file import ProcessRecord, StackRecord, write_stack
from schemas.events import DeadLetter
from schemas.topics import all_topics, dead_letter_topic, raw_topic
from sinks.clickhouse.client import connect_created
from sinks.clickhouse.questions import ask
from sinks.dashboard.board import Board
from sinks.dashboard.flow import Flow
from tests.dashboard_rig import browser, letter_record, live_chunk, now_ms, opened, served
from tests.dashboard_rig import frames_record as on_canonical
from tests.integration.test_quality_questions import HOUR_MS, fill
from tests.sink_rig import send, unique, wait_until

__all__ = ["browser"]


def test_the_quality_page_shows_what_clickhouse_says(clickhouse: str, browser: Browser) -> None:
    database = unique("page").replace("-", "_")
    client = connect_created(clickhouse, database)
    start_ms = (now_ms() // HOUR_MS - 3) * HOUR_MS
    fill(client, start_ms)
    makers = ask(client, "makers_by_check", start_ms).documents()
    hours = ask(client, "verdicts_by_hour", start_ms).documents()
    options = {"clickhouse_url": clickhouse, "clickhouse_database": database}
    with served(Board(), **options) as url, opened(browser, url + "#/quality") as page:
        heat = page.locator(".heat")
        expect(heat).to_be_visible(timeout=15_000)
        shown = {
            cell.get_attribute("title"): cell.inner_text()
            for cell in page.locator(".heat tbody td").all()
        }
        for row in makers:
            said = f"{row['maker']}, {row['check']}: {row['struck']} of {row['frames']} frames"
            assert shown[said] == f"{row['per_thousand']:g}"
        for kind in ("accept", "review", "reject"):
            total = page.locator(f".figure[data-kind={kind}] b")
            expect(total).to_have_text(str(sum(hour[kind] for hour in hours)))
        assert page.locator(".hours title").count() == len(hours)
        robots = page.locator("a[href^='#/robot/']").all_inner_texts()
        worst = ask(client, "worst_robots", start_ms).documents()
        assert robots == [row["robot"] for row in worst]
    client.close()


def test_a_clickhouse_that_is_away_is_told(browser: Browser) -> None:
    with (
        served(Board(), clickhouse_url="http://127.0.0.1:1") as url,
        opened(browser, url + "#/quality") as page,
    ):
        expect(page.locator(".away")).to_contain_text("does not answer", timeout=15_000)


def test_the_pipeline_page_shows_audit_processes_letters_and_delays(
    tmp_path: Path, browser: Browser
) -> None:
    at = now_ms()
    write_last(
        tmp_path,
        {
            "at_s": at / 1e3, "judged_to_s": at / 1e3, "records": {"canonical": 41, "in_flight": 3},
            "problems": [
                {"kind": "missing_in_lake", "meaning": "Gone.", "count": 2, "examples": ["x/0/1"]}
            ],
        },
    )  # fmt: skip
    process = ProcessRecord("worker-0", None, 4, "killed by SIGKILL", 0.0, 0, "log")
    record = StackRecord(
        pid=1, started_at=0.0, bootstrap="b", clickhouse_url="c", lake_url="l",
        schema_registry_url=None, partitions=4, vendors=("acme",), chosen={}, processes=(process,),
        metrics_port=0,
    )  # fmt: skip
    write_stack(tmp_path, record)
    assert json.loads((tmp_path / "stack.json").read_text()) == json.loads(
        json.dumps(asdict(record))
    )
    board = Board()
    letter = DeadLetter(
        "raw.acme", 0, 7, at, "truncated", "<b>ends early</b>", 5, 0, b"k",
        [("robot", b"acme/a1")], b"bytes",
    )  # fmt: skip
    board.take(
        [letter_record(letter, "acme", at), on_canonical(live_chunk("acme/a1", 0, now_ms()))]
    )
    with served(board, home=tmp_path) as url, opened(browser, url + "#/pipeline") as page:
        audit = page.locator(".card", has_text="Is anything lost")
        expect(audit).to_contain_text("✕ problems")
        expect(audit).to_contain_text("missing in lake: 2. Gone. x/0/1")
        processes = page.locator(".card", has_text="Readers and processes")
        expect(processes).to_contain_text("✕ starting again")
        expect(processes).to_contain_text("killed by SIGKILL")
        refused = page.locator(".card", has_text="Refused last")
        expect(refused).to_contain_text("<b>ends early</b>")
        expect(refused).to_contain_text("raw.acme/0/7")
        stages = page.locator(".ladder tbody tr")
        expect(stages.nth(0)).to_contain_text("40 ms")
        expect(stages.nth(1)).to_contain_text("20 ms")


@pytest.mark.kafka
def test_in_is_out_and_refused_and_in_flight(kafka: str) -> None:
    maker = unique("maker")
    create_topics(kafka, all_topics([maker], 4))
    raw = raw_topic(maker)
    flow = Flow(kafka)
    try:
        # A broker that has just started has no coordinator yet, and says so.
        wait_until(lambda: maker in flow.look().get("makers", {}), "the broker to tell")
        assert flow.look()["makers"][maker] == {"in": 0, "done": 0, "in_flight": 0, "letters": 0}
        send(kafka, [(raw, n % 2, b"k", None, b"v") for n in range(20)])
        letter = dead_letter_topic(maker)
        send(kafka, [(letter, 0, b"o", None, b"v")])
        workers = Consumer({"bootstrap.servers": kafka, "group.id": "streams"})
        reached = [TopicPartition(raw, 0, 7), TopicPartition(raw, 1, 5)]
        _commit(workers, reached)
        told = flow.look()
        assert told["makers"][maker] == {"in": 20, "done": 12, "in_flight": 8, "letters": 1}
        assert told["readers"]["streams"] >= 8
        workers.close()
    finally:
        flow.close()


def _commit(consumer: Consumer, offsets: list[TopicPartition]) -> None:
    """Commit as a group that nobody has joined; its coordinator may have to be made first."""
    for _ in range(50):
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
        except Exception:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the broker took no commit")
