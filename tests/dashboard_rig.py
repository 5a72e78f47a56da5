"""A dashboard on a board that a test fills itself, without a broker, and the browser to see it."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.ports import free_port
from schemas.canonical import CanonicalChunk, encode_chunk
from schemas.events import (
    DeadLetter,
    EpisodeEvent,
    QualityReport,
    encode_dead_letter,
    encode_event,
    encode_report,
)
from schemas.settings import Settings
from schemas.topics import CANONICAL_FRAMES, EPISODES, QUALITY_REPORTS, dead_letter_topic
from sinks.dashboard.board import Board
from sinks.dashboard.compose import compose
from sinks.dashboard.serve import serve
from sinks.record import Place, Record
from tests import canonical_make

HOST = "127.0.0.1"
NOWHERE = Settings(kafka_bootstrap=None, clickhouse_url=None, home=Path("/nonexistent"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def now_ms() -> int:
    """The clock that the dashboard goes by."""
    return int(time.time() * 1_000)


def live_chunk(robot: str, sequence: int, at_ms: int, frames: int = 5) -> CanonicalChunk:
    """A chunk of 20 Hz that was published 40 ms before it was appended to the raw log."""
    made = canonical_make.chunk(sequence, sequence * frames, frames, None, robot, channels=54)
    return replace(made, log_ms=at_ms, published_ns=(at_ms - 40) * 1_000_000)


def frames_record(chunk: CanonicalChunk, offset: int = 0) -> Record:
    """The chunk on its topic, 20 ms after the raw record."""
    key = chunk.robot.encode()
    return _record(CANONICAL_FRAMES, offset, chunk.log_ms + 20, key, encode_chunk(chunk))


def event_record(event: EpisodeEvent, at_ms: int, offset: int = 0) -> Record:
    """A fact about an episode."""
    return _record(EPISODES, offset, at_ms, event.key, encode_event(event))


def report_record(report: QualityReport, offset: int = 0) -> Record:
    """What the checks found."""
    value = encode_report(report)
    return _record(QUALITY_REPORTS, offset, report.log_ms + 20, report.robot.encode(), value)


def letter_record(letter: DeadLetter, vendor: str, at_ms: int, offset: int = 0) -> Record:
    """A refused record."""
    topic = dead_letter_topic(vendor)
    return _record(topic, offset, at_ms, letter.origin, encode_dead_letter(letter))


def _record(topic: str, offset: int, at_ms: int, key: bytes, value: bytes) -> Record:
    return Record(Place(topic, 0), offset, 1, at_ms, key, None, value)


@contextmanager
def served(board: Board, **options: Any) -> Iterator[str]:
    """The dashboard's address, for as long as the block lasts; options are settings."""
    settings = NOWHERE.model_copy(update=options)
    port = free_port()
    servers: list[uvicorn.Server] = []
    failed: list[BaseException] = []

    def run() -> None:
        dashboard = compose(board, settings)
        try:
            asyncio.run(serve(dashboard, HOST, port, servers.append))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 20
    while not (servers and servers[0].started):
        assert thread.is_alive(), failed
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield f"http://{HOST}:{port}/"
    finally:
        servers[0].should_exit = True
        thread.join(20)
    if failed:
        raise failed[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Real Chromium; a test that asks for it is skipped where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: `make setup` installs Debian's package `chromium` where it may")
    flags = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-gpu"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page of its own; any error in it fails the test."""
    page = browser.new_page(**options)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(url)
    try:
        yield page
    finally:
        page.close()
    assert errors == []
