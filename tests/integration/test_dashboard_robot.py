"""One robot's page in real Chromium: signals, findings and bodies as the chunks say."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from playwright.sync_api import Browser, expect

from schemas.events import Finding, QualityReport
from schemas.vendors import load_vendors
from sinks.dashboard.board import Board
from tests.canonical_make import SESSION
from tests.dashboard_rig import (
    browser,
    frames_record,
    live_chunk,
    now_ms,
    opened,
    report_record,
    served,
)
from tests.sink_rig import wait_until

__all__ = ["browser"]

ROBOT = "fourier/r1"
PAGE = "#/robot/fourier%2Fr1"
CHANNELS = load_vendors().newest("fourier").profile.channel_names
JOINT = CHANNELS[5]


@contextmanager
def _moving(board: Board, profile: str = "fourier-gr1@1", absurd: bool = False) -> Iterator[None]:
    """A robot that goes on sending, with a finding on one joint, until the block ends."""
    stop = threading.Event()

    def send() -> None:
        sequence = 0
        while not stop.wait(0.1):
            at, first = now_ms(), sequence * 2
            position = np.full((2, len(CHANNELS)), 0.25 * np.sin(sequence / 5), np.float32)
            if absurd:
                position[:, 5:8] = np.nan, np.inf, 1e30
            made = replace(
                live_chunk(ROBOT, sequence, at, frames=2),
                position=position, channels=len(CHANNELS), velocity=None, profile=profile,
            )  # fmt: skip
            found = Finding("joint_limit", "error", JOINT, first, first + 2, 2, 1.5, 0.01)
            report = QualityReport(
                ROBOT, SESSION, sequence, first, 2, None, "p", "raw.fourier", 0, 1, at, [found]
            )
            board.take([frames_record(made), report_record(report)])
            sequence += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_every_joint_its_value_and_what_the_checks_find(browser: Browser) -> None:
    board = Board()
    with (
        _moving(board),
        served(board) as url,
        opened(browser, url + PAGE) as page,
    ):
        names = page.locator(".strips .names button")
        expect(names).to_have_count(len(CHANNELS))
        struck = page.locator(".strips .names button", has_text=JOINT).first
        expect(struck).to_have_attribute("data-tone", "bad")
        expect(struck).to_contain_text("■")
        row = page.locator(".findings-now tbody tr").first
        expect(row).to_contain_text("joint limit")
        expect(row).to_contain_text(JOINT)
        expect(row).to_contain_text("1.5")
        expect(page.locator(".bodies .label")).to_have_count(2)
        names.nth(2).click()
        expect(page.locator(".card h2").first).to_contain_text(CHANNELS[2])
        # The page's policy forbids what a wait for a function would do.
        wait_until(lambda: page.evaluate("document.body.dataset.hz >= 5"), "five updates a second")


def test_its_bodies_are_drawn_and_turn_with_keys(browser: Browser) -> None:
    board = Board()
    with (
        _moving(board),
        served(board) as url,
        opened(browser, url + PAGE) as page,
    ):
        canvas = page.locator(".bodies canvas")
        expect(canvas).to_be_visible()
        expect(page.locator(".bodies .label").first).to_have_text("fourier_gr1t2_inspire")
        time.sleep(0.6)
        before = canvas.screenshot()
        canvas.focus()
        for _ in range(6):
            page.keyboard.press("ArrowLeft")
        time.sleep(0.6)
        after = canvas.screenshot()
        assert len(before) > 3_000
        assert before != after


def test_absurd_values_are_shown_as_what_they_are(browser: Browser) -> None:
    board = Board()
    with (
        _moving(board, absurd=True),
        served(board) as url,
        opened(browser, url + PAGE) as page,
    ):
        values = page.locator(".strips .values span")
        expect(values.nth(5)).to_have_text("no number")
        expect(values.nth(6)).to_have_text("inf")
        expect(values.nth(7)).to_have_text("1.00e+30")


def test_a_robot_of_an_unknown_profile_says_what_to_do(browser: Browser) -> None:
    board = Board()
    with (
        _moving(board, profile="nobody@9"),
        served(board) as url,
        opened(browser, url + PAGE) as page,
    ):
        expect(page.locator(".empty")).to_contain_text("no profile nobody@9")
        expect(page.locator(".robot-head")).to_contain_text("live")
