"""The fleet wall in real Chromium: what it shows is what the topics said, whatever they said."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, expect

from schemas.events import DeadLetter, EpisodeEvent, EventKind
from sinks.dashboard import feed
from sinks.dashboard.board import Board
from sinks.dashboard.measure import PAGES
from tests.dashboard_rig import (
    browser,
    event_record,
    frames_record,
    letter_record,
    live_chunk,
    now_ms,
    opened,
    served,
)
from tests.sink_rig import wait_until

__all__ = ["browser"]

HOSTILE = (
    "<img src=x onerror=window.owned=1>",
    "<script>window.owned=1</script>",
    "</title><svg onload=window.owned=1>",
    "javascript:window.owned=1",
    "__proto__",
    "\u202edrawkcab\u0000 \U0001f4a3" + "W" * 5_000,
)


def _fill(board: Board, robot: str, at_ms: int, **facts: object) -> None:
    board.take([frames_record(live_chunk(robot, n, at_ms - 500 + n * 250)) for n in range(3)])
    event = EpisodeEvent(f"e-{robot}", "p", EventKind.OPENED, robot, "s", at_ms, **facts)  # type: ignore[arg-type]
    board.take([event_record(event, at_ms)])


def test_the_wall_shows_what_the_topics_say(browser: Browser) -> None:
    board, at = Board(), now_ms()
    _fill(board, "fourier/r1", at, task="fold the towel", operator="op-07")
    _fill(board, "unitree/g1", at, task="wave")
    verdict = EpisodeEvent(
        "e0", "p", EventKind.VERDICT, "unitree/g1", "s", at, verdict="reject", reasons=["Frozen."]
    )
    letter = DeadLetter(
        "raw.pollen", 0, 7, at, "unknown_profile", "no profile x@1", 5, 0, b"k",
        [("robot", b"pollen/new")], b"bytes",
    )  # fmt: skip
    board.take([event_record(verdict, at), letter_record(letter, "pollen", at)])
    with served(board) as url, opened(browser, url) as page:
        expect(page.locator(".tile")).to_have_count(3)
        towel = page.locator(".tile", has_text="r1")
        expect(towel.locator(".task")).to_contain_text("fold the towel")
        expect(page.locator(".tile", has_text="g1").locator(".verdict")).to_have_text("✕ reject")
        expect(page.locator(".tile", has_text="new")).to_contain_text("unknown profile")
        figures = {
            figure.split("\n")[-1]: figure.split("\n")[0]
            for figure in page.locator(".figure").all_inner_texts()
        }
        assert figures["refused"] == "1"
        page.get_by_label("Filter robots").fill("op-07")
        expect(page.locator(".tile")).to_have_count(1)


def test_nothing_a_robot_says_runs_or_becomes_markup(browser: Browser) -> None:
    board, at = Board(), now_ms()
    for number, words in enumerate(HOSTILE):
        robot = f"fourier/{words}"[:80] if number else f"fourier/{words}"
        _fill(board, robot, at, task=words, operator=words, station=words)
        verdict = EpisodeEvent(
            "e0", "p", EventKind.VERDICT, robot, "s", at, verdict=words, reasons=[words] * 3
        )
        letter = DeadLetter(
            "raw.fourier", 0, number, at, words[:40], words, 5, 0, None,
            [("robot", b"fourier/refused")], None,
        )  # fmt: skip
        board.take([event_record(verdict, at), letter_record(letter, "fourier", at)])
    with served(board) as url, opened(browser, url) as page:
        expect(page.locator(".tile")).to_have_count(len(HOSTILE) + 1)
        for words in HOSTILE[:3]:
            shown = page.locator(".tile .task", has_text=words)
            expect(shown).to_have_count(1)
        page.wait_for_timeout(300)
        assert page.evaluate("window.owned") is None
        assert page.locator("#view script, #view img, #view svg").count() == 0
        assert page.evaluate("document.title") == "kinebus"


def test_script_from_elsewhere_is_forbidden_and_foreign_names_get_nothing() -> None:
    with served(Board()) as url:
        with urllib.request.urlopen(url) as answer:
            policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        foreign = urllib.request.Request(url, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(foreign)


def test_pages_are_bounded_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_PAGES", 1)
    open_before = PAGES._value.get()
    with served(Board()) as url:
        first = urllib.request.urlopen(f"{url}stream/fleet")
        first.readline()
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{url}stream/fleet")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}stream/nothing")
        first.close()
        wait_until(lambda: PAGES._value.get() == open_before, "the page to be let go")
        with urllib.request.urlopen(f"{url}stream/fleet") as again:
            assert again.readline() == b"event: whole\n"


def test_keys_reach_every_robot_and_themes_change(browser: Browser) -> None:
    board = Board()
    _fill(board, "fourier/r1", now_ms(), task="fold")
    with served(board) as url, opened(browser, url, color_scheme="dark") as page:
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.get_by_role("button", name="Theme").click()
        page.get_by_role("button", name="Theme").click()
        assert page.locator("html").get_attribute("data-theme") == "light"
        expect(page.locator(".tile")).to_have_count(1)
        page.get_by_label("Filter robots").focus()
        for _ in range(4):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "tile"
